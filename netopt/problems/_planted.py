"""What problems with a planted answer share: tensors within x, and random orthonormal factors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from netopt.problems import Vector


def sizes(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return how many coordinates tensors of these shapes have."""
    return tuple(math.prod(shape) for shape in shapes)


def views(x: Vector, shapes: Sequence[tuple[int, ...]]) -> list[Vector]:
    """Return the tensors that lie one after another in x, shape (d,), as views into it."""
    found, begin = [], 0
    for shape, size in zip(shapes, sizes(shapes), strict=True):
        found.append(x[begin : begin + size].reshape(shape))
        begin += size
    return found


def orthonormal(rng: np.random.Generator, rows: int, columns: int) -> Vector:
    """Return a random matrix with orthonormal columns, shape (rows, columns), columns <= rows."""
    return np.asarray(np.linalg.qr(rng.standard_normal((rows, columns)))[0])


def square(x: Vector) -> float:
    """Return the sum of the squares of x of any shape, in an order that BLAS has no part in."""
    return float(np.sum(np.square(x)))
