"""Linear data with an exact condition number, drawn without a single matrix factorisation."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from netopt.core.spectrum import logarithmic
from netopt.data import Data, Recipe
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features A, shape (rows, dimension), and labels A x + noise * N(0, I), x ~ N(0, I).

    With ``recipe.classes`` a label is the sign of that value, -1 or +1. A'A/rows has the
    eigenvalues kappa^(-j/(dimension-1)), exactly but for rounding. Raises ConfigError for fewer
    rows than columns.
    """
    if recipe.rows < recipe.dimension:
        raise ConfigError(
            f"synthetic data needs as many rows as columns, got {recipe.rows} rows "
            f"and {recipe.dimension} columns"
        )
    rng = Key(seed, Purpose.DATA).generator()
    features = _features(recipe, rng)
    values = np.sum(features * rng.standard_normal(recipe.dimension), axis=1)
    values += recipe.noise * rng.standard_normal(recipe.rows)
    return Data(features, np.where(values > 0, 1.0, -1.0) if recipe.classes else values)


def _features(recipe: Recipe, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return diag(signs) C S H: orthogonal columns, chosen scales, one random reflection.

    C holds columns of the discrete cosine transform, orthogonal with mean square 1. Every step is
    elementwise, so the bits depend on no linear-algebra library.
    """
    m, n = recipe.rows, recipe.dimension
    angle = (np.arange(m)[:, np.newaxis] + 0.5) * np.arange(n) * (math.pi / m)
    waves = np.cos(angle)
    waves[:, 1:] *= math.sqrt(2)
    waves *= rng.choice([-1.0, 1.0], size=(m, 1))
    waves /= np.sqrt(logarithmic(recipe.kappa, n))
    mirror = rng.standard_normal(n)
    mirror /= math.sqrt(np.sum(mirror * mirror))
    waves -= 2 * np.sum(waves * mirror, axis=1, keepdims=True) * mirror
    return np.asarray(waves)
