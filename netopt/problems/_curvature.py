"""Curvature: what a method that preconditions by the smoothness matrices is told of an agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose

Matrix = npt.NDArray[np.float64]

DENSE_LIMIT = 4000
"""Up to so many coordinates a d x d matrix (128 MB of float64) is formed without being asked."""


class Curvature(NamedTuple):
    """An agent's smoothness matrix L_i, regular, with what is computed from it once.

    ``matrix`` is L_i and ``root`` its symmetric square root, both (d, d) float64; ``diagonal`` is
    that of L_i, shape (d,); ``top`` and ``bottom`` are its extreme eigenvalues.
    """

    matrix: Matrix
    root: Matrix
    diagonal: Matrix
    top: float
    bottom: float


def decompose(matrix: Matrix, rank: int) -> Curvature:
    """Return the Curvature of agent ``rank``'s symmetric ``matrix``, shape (d, d), by eigh.

    Raises ConfigError if its smallest eigenvalue is rounding: d eps times the largest, or less.
    """
    values, vectors = np.linalg.eigh(matrix)
    bottom, top = float(values[0]), float(values[-1])
    if bottom <= len(matrix) * np.finfo(np.float64).eps * top:
        raise ConfigError(
            f"agent {rank}: the smoothness matrix L_i is singular (its smallest eigenvalue is "
            f"{bottom:.1e}, its largest {top:.1e}); a larger l2 makes it regular",
            "$.problem.l2",
        )
    half = vectors * np.sqrt(np.sqrt(values))  # times its transpose: symmetric to the last bit
    return Curvature(matrix, half @ half.T, matrix.diagonal().copy(), top, bottom)


def diagonal(values: Matrix) -> Curvature:
    """Return the Curvature of the diagonal matrix of positive ``values``, shape (d,), exactly."""
    root = np.diag(np.sqrt(values))
    top, bottom = float(values.max()), float(values.min())
    return Curvature(np.diag(values), root, values.copy(), top, bottom)


def largest(multiply: Callable[[Matrix], Matrix], d: int) -> float:
    """Return the largest eigenvalue of a positive semidefinite d x d matrix by Lanczos iteration.

    ``multiply`` returns the matrix times a vector of shape (d,); d >= 2. The start is drawn from a
    fixed stream, so that every rank gets the same number.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    start = Key(0, Purpose.DATA).generator().standard_normal(d)
    matrix = LinearOperator((d, d), matvec=lambda v: multiply(v.ravel()), dtype=np.float64)
    return float(eigsh(matrix, k=1, v0=start, return_eigenvectors=False)[0])
