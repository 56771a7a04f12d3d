"""Rows of fifth powers of normal numbers: a few entries are far larger than all others."""

from __future__ import annotations

from netopt.data import Data, Recipe, gaussian


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features z^5, z ~ N(0, 1), shape (rows, dimension), and labels N(0, 1).

    An entry has variance 945, and its kurtosis is 733. With ``recipe.classes`` a label is its sign,
    -1 or +1; ``kappa`` and ``noise`` do not matter.
    """
    normal = gaussian.load(argument, seed, recipe)
    squares = normal.features * normal.features
    return Data(squares * squares * normal.features, normal.labels)
