"""A minimiser to many digits, for problems without a closed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from netopt.errors import NumericalError
from netopt.problems import Problem, Vector

TOLERANCE = 1e-10
_NEWTON_STEPS = 20


def solve(problem: Problem) -> Vector:
    """Return x, shape (d,), where a strongly convex F has a gradient of norm 1e-10 or less.

    L-BFGS gets near; full Newton steps finish, since a line search on F's values goes blind at
    half of the digits. Raises NumericalError if 20 of them do not suffice.
    """
    from scipy.optimize import minimize
    from scipy.sparse.linalg import LinearOperator, cg

    settings = {"gtol": 1e-7, "ftol": 0.0, "maxiter": 5000, "maxfun": 10000, "maxcor": 30}
    near = minimize(
        problem.loss,
        np.zeros(problem.d),
        jac=lambda x: problem.gradient(x, None),
        method="L-BFGS-B",
        options=settings,
    )
    x: Vector = near.x
    for _ in range(_NEWTON_STEPS + 1):  # the last one only looks
        gradient = problem.gradient(x, None)
        if np.linalg.norm(gradient) <= TOLERANCE:
            return x
        hessian: Any = LinearOperator(
            (problem.d, problem.d), matvec=lambda v, x=x: problem.hessian_vector(x, v.ravel())
        )
        x = x - cg(hessian, gradient, rtol=1e-6, maxiter=10 * problem.d)[0]
    norm = np.linalg.norm(problem.gradient(x, None))
    raise NumericalError(
        f"problem {problem.id}: no minimiser found; the gradient's norm is {norm:.1e}, wanted "
        f"{TOLERANCE:.0e}; a larger l2 makes it easier"
    )
