"""Groups of rows that each live on a block of coordinates of their own: made for block quantizers.

A group's diagonal l of A'A/m is 1 on its own block and 2^-10 elsewhere. So of the two means that
rule a block quantizer's variance (Wang, Safaryan and Richtarik, NeurIPS 2022), T_B = (1/d) sum_k
sqrt(d_k) ||l_k|| over the n blocks is nearly sqrt(n) times below T_1 = ||l||/sqrt(d), and the
smoothness L of the mean of the n groups is nearly n times below their own.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from netopt.data import Data, Recipe
from netopt.keys import Key, Purpose

FAINT = 2.0**-5
"""An entry's size outside its row's block; a power of two, so that equal norms stay equal."""


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features, shape (rows, dimension), and labels A x + noise * N(0, I), x ~ N(0, I).

    There are n = floor(sqrt(dimension)) groups of consecutive rows, and n blocks of floor(d/n)
    consecutive columns, the last one with the rest. An entry is +-1 in the block of its group and
    +-2^-5 elsewhere, signs at random. All rows but the last group's have one norm, the last group's
    is not smaller, and scaling by the largest entry changes nothing: the split ``sorted-by-norm``
    gives each of n agents its own group. With ``recipe.classes`` a label is the sign, -1 or +1;
    ``kappa`` does not matter.
    """
    rng = Key(seed, Purpose.DATA).generator()
    features = _sizes(recipe.rows, recipe.dimension)
    features *= rng.choice([-1.0, 1.0], size=features.shape)
    values = np.sum(features * rng.standard_normal(recipe.dimension), axis=1)
    values += recipe.noise * rng.standard_normal(recipe.rows)
    return Data(features, np.where(values > 0, 1.0, -1.0) if recipe.classes else values)


def _sizes(rows: int, columns: int) -> npt.NDArray[np.float64]:
    groups = math.isqrt(columns)
    block = np.minimum(np.arange(columns) // (columns // groups), groups - 1)
    group = np.concatenate(
        [np.full(len(part), i) for i, part in enumerate(np.array_split(np.arange(rows), groups))]
    )
    return np.where(group[:, np.newaxis] == block, 1.0, FAINT)
