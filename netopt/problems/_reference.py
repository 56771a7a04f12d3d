"""A minimiser to rounding error, for problems without a closed form: Newton's method."""

from __future__ import annotations

from typing import Any

import numpy as np

from netopt.errors import NumericalError
from netopt.problems import Problem, Vector

ROUNDINGS = 8.0
"""How many unit roundings of the terms that cancel in the gradient may be left over."""
_STEPS = 100
_EPS = float(np.finfo(np.float64).eps)


def solve(problem: Problem) -> Vector:
    """Return x, shape (d,), where the gradient of a strongly convex, smooth F is rounding error.

    Newton steps, halved until F falls enough, go on until the gradient's norm stops falling; the
    last ones are full steps, since F's own values go blind at half of the digits. Raises
    NumericalError if that is not reached in 100 steps.
    """
    x = best = np.zeros(problem.d)
    least = np.inf
    for _ in range(_STEPS):
        gradient = problem.gradient(x, None)
        norm = float(np.linalg.norm(gradient))
        if norm > 0.5 * least and least <= tolerance(problem, best):
            return x if norm < least else best
        if norm < least:
            best, least = x, norm
        x = _descend(problem, x, gradient, _direction(problem, x, gradient, norm))
    raise NumericalError(
        f"problem {problem.id}: no minimiser found; the gradient's norm is {least:.1e}, wanted "
        f"{tolerance(problem, best):.0e}; a larger l2 makes it easier"
    )


def tolerance(problem: Problem, x: Vector) -> float:
    """Return the gradient norm at x that is rounding error: 8 eps times what cancels there.

    That is the mean norm of the agents' gradients, and L ||x||: x is rounded, too.
    """
    parts = [float(np.linalg.norm(problem.grad(i, x, None))) for i in range(problem.agents)]
    moved = (problem.top() or 0.0) * float(np.linalg.norm(x))
    return ROUNDINGS * _EPS * (sum(parts) / len(parts) + moved)


def _direction(problem: Problem, x: Vector, gradient: Vector, norm: float) -> Vector:
    """Return the Newton step to subtract: solved densely if there is a Hessian, else by CG."""
    hessian = problem.hessian(x)
    if hessian is not None:
        return np.asarray(np.linalg.solve(hessian, gradient))
    from scipy.sparse.linalg import LinearOperator, cg

    shape = (problem.d, problem.d)
    product: Any = LinearOperator(shape, matvec=lambda v: problem.hessian_vector(x, v.ravel()))
    accuracy = min(0.1, max(1e-6, norm))  # exact steps pay only near the minimum
    return np.asarray(cg(product, gradient, rtol=accuracy, maxiter=10 * problem.d)[0])


def _descend(problem: Problem, x: Vector, gradient: Vector, step: Vector) -> Vector:
    """Return x - t ``step`` for the first t of 1, 1/2, 1/4 ... with Armijo's decrease of F."""
    here, slope, size = problem.loss(x), float(gradient @ step), 1.0
    blind = 8 * _EPS * abs(here)
    while problem.loss(x - size * step) > here - 1e-4 * size * slope + blind and size > 1e-9:
        size *= 0.5
    return x - size * step
