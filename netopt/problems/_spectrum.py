"""The smallest eigenvalue of F's Hessian at a point, from Hessian-vector products alone.

Lanczos' method (ARPACK's, with restarts) holds some vectors, never a matrix. A small problem gets
its Hessian column by column, and all eigenvalues exactly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from netopt.core.packing import norm
from netopt.keys import BROADCAST, Key, Purpose
from netopt.problems import Problem, Vector

SMALL = 64
"""Up to this d the Hessian is formed, by d products: no more than Lanczos' method takes."""
BASIS = 40
"""Vectors of the search space; twice as many, and a few, are held in the end."""
MOST = 1000
"""Products after which the search is given up."""
TOLERANCE = 1e-4
"""Residual ||H v - lambda v|| that is good enough, relative to the width of the spectrum."""
_POWER_STEPS = 8
_PART = 0xFFFF  # no algorithm's stream has this part


class Lowest(NamedTuple):
    """The smallest eigenvalue, or None and the ``reason`` if it was not found, and what it took.

    An eigenvalue lies within ``residual`` of ``value``, whose error is of the order of
    residual^2 / (distance to the next eigenvalue).
    """

    value: float | None
    residual: float | None
    products: int
    reason: str = ""


class _Stop(Exception):
    """Why the search ends without a result."""


class _Products:
    """Hessian-vector products at x, counted; with ``shift`` s those of H - s I."""

    def __init__(self, problem: Problem, x: Vector) -> None:
        self._problem, self._x = problem, x
        self.count, self.shift = 0, 0.0

    def __call__(self, v: Vector) -> Vector:
        if self.count >= MOST:
            raise _Stop(f"it takes more than {MOST} Hessian-vector products")
        self.count += 1
        v = np.ascontiguousarray(v.reshape(-1))
        product = np.array(self._problem.hessian_vector(self._x, v), dtype=np.float64)
        if not np.isfinite(norm(product, "linf")):
            raise _Stop("a Hessian-vector product is not finite")
        if self.shift:
            product -= self.shift * v
        return product


def lowest(problem: Problem, x: Vector, seed: int) -> Lowest:
    """Return the smallest eigenvalue of F's Hessian at x, shape (d,); ``seed`` draws the start.

    The same bits for the same x and seed. Without a value if it takes more than MOST products, or
    if one of them is not finite.
    """
    from scipy.linalg import eigvalsh as _  # noqa: F401  # loads the library whose threads count
    from threadpoolctl import threadpool_limits

    products = _Products(problem, x)
    with threadpool_limits(limits=1):
        try:
            find = _dense if problem.d <= SMALL else _lanczos
            value, residual = find(products, problem.d, seed)
        except _Stop as stop:
            return Lowest(None, None, products.count, str(stop))
    return Lowest(value, residual, products.count)


def _dense(products: _Products, d: int, seed: int) -> tuple[float, float]:
    from scipy.linalg import eigvalsh

    hessian = np.array([products(e) for e in np.eye(d)])
    # Products that round, or are finite differences, are not quite symmetric.
    skew = float(np.linalg.norm(hessian - hessian.T, 2)) / 2
    return float(eigvalsh((hessian + hessian.T) / 2)[0]), skew


def _lanczos(products: _Products, d: int, seed: int) -> tuple[float, float]:
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    key = Key(seed, Purpose.NOISE, sender=BROADCAST, part=_PART)
    start = key.generator().standard_normal(d)
    # ARPACK wants residuals that are small relative to the eigenvalue, which may be zero. With all
    # of the spectrum on one side of zero, that is relative to the spectrum's width.
    products.shift = _size(products, start)
    if products.shift == 0.0:
        return 0.0, 0.0
    operator: Any = LinearOperator((d, d), matvec=products, dtype=np.float64)
    options: Any = {"ncv": BASIS, "tol": TOLERANCE, "maxiter": MOST}
    try:
        values, vectors = eigsh(operator, 1, which="SA", v0=start, **options)
    except ArpackError as failure:
        raise _Stop(str(failure)) from None
    v = vectors[:, 0]
    error = products(v)
    error -= values[0] * v
    return float(values[0]) + products.shift, norm(error, "l2")


def _size(products: _Products, start: Vector) -> float:
    """Return a lower estimate of the Hessian's norm, by the power method."""
    v, size = start / norm(start, "l2"), 0.0
    for _ in range(_POWER_STEPS):
        v = products(v)
        size = norm(v, "l2")
        if size == 0.0:
            return 0.0
        v /= size
    return size
