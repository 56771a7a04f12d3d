"""The toy of the saddle-point experiments: one saddle at the origin, two equal minima."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.keys import Key
from netopt.problems import Problem, Vector

_HALF_RIDGE = 0.05
_BEST = math.sqrt(math.log(9))


class Saddle(Problem):
    """log(1 + exp(-x1 x2)) + 0.05 ||x||^2, the same for every agent; saddle at 0, two minima.

    ``at`` is where every agent starts. Its default (1, -1) lies on the saddle's stable manifold
    x1 = -x2: from there exact gradients lead into the saddle and stay, and only noise gets out;
    from almost every other start plain gradient descent is not stuck at all.
    """

    id = "saddle"
    reference = "Bo and Wang, PNAS 2024, the toy problem of the experiments"

    at: Annotated[tuple[float, float], Meta(description="where every agent starts")] = (1.0, -1.0)

    def __post_init__(self) -> None:
        """Refuse a start that is not finite."""
        if not all(math.isfinite(value) for value in self.at):
            raise ValueError(f"'at' needs two finite numbers, got {list(self.at)}")

    def prepare(self, agents: int, seed: int) -> None:
        """Set d = 2; there is no data, so ``seed`` does not matter."""
        self.d, self.agents = 2, agents

    def start(self) -> Vector:
        """Return ``at`` as a float64 vector of shape (2,)."""
        return np.array(self.at, dtype=np.float64)

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f(x), which no x overflows: log(1 + exp(-t)) is taken as logaddexp(0, -t)."""
        return float(np.logaddexp(0.0, -x[0] * x[1]) + _HALF_RIDGE * (x[0] ** 2 + x[1] ** 2))

    def loss(self, x: Vector) -> float:
        """Return F(x) = f(x) for x of shape (2,)."""
        return self.agent_loss(0, x)

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of f at x, shape (2,): 0.1 x - p (x2, x1), p = 1/(1 + e^(x1 x2))."""
        return 2 * _HALF_RIDGE * x - _falling(x[0] * x[1]) * x[::-1]

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient."""
        return 12.0

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of f at x times v, shape (2,)."""
        p = _falling(x[0] * x[1])
        swapped = x[::-1]
        bend = p * (1 - p) * (swapped[0] * v[0] + swapped[1] * v[1])
        return np.asarray(bend * swapped - p * v[::-1] + 2 * _HALF_RIDGE * v)

    def minimum(self) -> Vector:
        """Return (s, s) with s = sqrt(ln 9) = 1.4823, where p = 0.1 and f = 0.32508."""
        return np.array([_BEST, _BEST])

    def minimisers(self) -> Vector:
        """Return (s, s) and (-s, -s) as rows, shape (2, 2)."""
        return np.array([[_BEST, _BEST], [-_BEST, -_BEST]])

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return ``norm``: how far x is from the saddle at 0; the minima are at 2.0963."""
        return {"norm": math.hypot(*x)}


def _falling(t: float) -> float:
    """Return 1 / (1 + exp(t)) without overflow for any t."""
    small = math.exp(-abs(t))
    return (small if t > 0 else 1.0) / (1.0 + small)
