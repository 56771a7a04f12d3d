"""Rows and labels of independent normal numbers: least squares as papers simulate it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netopt.data import Data, Recipe
from netopt.keys import Key, Purpose


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features, shape (rows, dimension), and labels, all independent and N(0, 1).

    With ``recipe.classes`` a label is its sign, -1 or +1; ``kappa`` and ``noise`` do not matter:
    A'A/m has a condition number near ((1 + s)/(1 - s))^2, s = sqrt(dimension/rows) < 1 (Marchenko
    and Pastur 1967).
    """
    features, values = draw(seed, recipe)
    return Data(features, np.where(values > 0, 1.0, -1.0) if recipe.classes else values)


def draw(seed: int, recipe: Recipe) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return rows x dimension and then rows standard normal numbers of the stream of ``seed``."""
    rng = Key(seed, Purpose.DATA).generator()
    return rng.standard_normal((recipe.rows, recipe.dimension)), rng.standard_normal(recipe.rows)
