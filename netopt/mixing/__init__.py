"""Mixing weights know how much an agent trusts each neighbour: graph in, matrix W out.

W[i, j] is the weight that agent i gives to the value of agent j; W[i, j] != 0 needs an edge j -> i.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from netopt.errors import ConfigError
from netopt.registry import Component

Matrix = npt.NDArray[np.float64]
Adjacency = npt.NDArray[np.bool_]

ROW_SUM = 1e-12
"""How far a row of W may sum from 1: beyond it is a typing error, below it are written decimals."""


class Mixing(Component):
    """Base of every rule that turns a graph into a mixing matrix.

    ``symmetric`` promises a symmetric, hence doubly stochastic, W on every undirected graph.
    """

    kind: ClassVar[str] = "mixing"
    package: ClassVar[str] = "netopt.mixing"
    symmetric: ClassVar[bool] = False

    def matrix(self, adjacency: Adjacency) -> Matrix:
        """Return W, shape (N, N) float64, for ``adjacency`` with A[i, j] true if j -> i is an edge.

        Raises ConfigError if the rule does not fit the graph.
        """
        raise ConfigError(f"the mixing {type(self).__name__} does not define a matrix")


def fill_diagonal(neighbours: Matrix) -> Matrix:
    """Return W: the (N, N) weights of the neighbours, and on the diagonal what is left of 1."""
    return np.asarray(neighbours + np.diag(1.0 - neighbours.sum(axis=1)))


def undirected(adjacency: Adjacency, rule: str) -> Adjacency:
    """Return ``adjacency`` if each edge has its reverse, else raise ConfigError on ``rule``."""
    lonely = np.argwhere(adjacency & ~adjacency.T)
    if len(lonely):
        target, source = lonely[0]
        raise ConfigError(
            f"{rule} weights need an undirected graph, but edge {source} -> {target} has no edge "
            f"{target} -> {source}; add it, or use 'weights: uniform'"
        )
    return adjacency


def from_rows(rows: Sequence[Sequence[float]], path: str = "$.matrix") -> Matrix:
    """Return a list of rows as an (N, N) float64 matrix; ConfigError if it is not square."""
    if not rows:
        raise ConfigError("the matrix has no rows; it needs one for each agent", path)
    for number, row in enumerate(rows):
        if len(row) != len(rows):
            raise ConfigError(
                f"row {number} has length {len(row)}, but each row of a matrix of {len(rows)} rows "
                f"needs {len(rows)}",
                path,
            )
    return np.array(rows, dtype=np.float64)


def checked(weights: Matrix, adjacency: Adjacency, path: str = "$") -> Matrix:
    """Return ``weights`` if they are a mixing matrix of the graph ``adjacency``, both (N, N).

    Raises ConfigError that names the row, the column and the cure for a wrong shape, a weight that
    is not finite, is negative off the diagonal or has no edge, and a row that does not sum to 1.
    """
    if weights.shape != adjacency.shape:
        got, want = " x ".join(map(str, weights.shape)), " x ".join(map(str, adjacency.shape))
        raise ConfigError(f"the weights are {got}, but the graph needs {want}", path)
    neighbour = ~np.eye(len(weights), dtype=bool)
    _refuse(~np.isfinite(weights), weights, "every weight must be finite", path)
    cure = "a neighbour's weight must not be negative"
    _refuse(neighbour & (weights < 0), weights, cure, path)
    cure = "no edge runs from the column's agent to the row's: add the edge, or set the weight to 0"
    _refuse(neighbour & ~adjacency & (weights != 0), weights, cure, path)
    _check_rows(weights, path)
    return weights


def _refuse(wrong: Adjacency, weights: Matrix, reason: str, path: str) -> None:
    """Raise ConfigError with ``reason`` on the first weight that ``wrong`` marks, if any."""
    for row, column in np.argwhere(wrong)[:1]:
        value = float(weights[row, column])
        raise ConfigError(f"the weight in row {row}, column {column} is {value:g}; {reason}", path)


def _check_rows(weights: Matrix, path: str) -> None:
    sums = weights.sum(axis=1)
    for row in np.flatnonzero(np.abs(sums - 1) > ROW_SUM)[:1]:
        raise ConfigError(
            f"row {row} sums to {sums[row]:.10g} instead of 1; {_cure(weights, row)}", path
        )


def _cure(weights: Matrix, row: int) -> str:
    if np.all(np.abs(weights.sum(axis=0) - 1) <= ROW_SUM):
        return "the columns do sum to 1, so transpose it: row i is what agent i gives"
    total = float(weights[row].sum())
    own = float(weights[row, row]) + 1 - total
    if own >= 0:
        return f"set row {row}, column {row} to {own:.10g}"
    return f"divide the row by {total:.10g}"
