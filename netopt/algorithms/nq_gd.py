"""Gradient descent with plainly quantized gradients: the baseline that DQ-GD improves upon."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from netopt.agent import Agent, Vector
from netopt.algorithms import _dq, _ranges
from netopt.algorithms._dq import REFERENCE, Facts, Plan, Shadow, Solo


class NqGd(Solo):
    """NQ-GD: x <- x - eta q, q = r_i Q(grad f(x) / r_i), with one worker.

    The range is r_i = L D (sigma + eta L rho 2^(-R))^i, which both ends know: a step shrinks
    ||x - x*|| by sigma and errs by at most eta rho 2^(-R) r_i. In theory eta = 2 / (L + mu), and it
    converges if R > log2(rho kappa). The gradients have to be exact.
    """

    id = "nq-gd"
    reference = REFERENCE

    def plan(self, facts: Facts) -> Plan:
        """Return eta and sigma = max{|1 - eta L|, |1 - eta mu|}."""
        return _dq.descent(self.lr, facts)

    def ranges(self, facts: Facts, plan: Plan) -> Iterator[float]:
        """Yield L times the bound on ||x_i - x*||."""
        distance = facts.distance
        while True:
            r = _ranges.SLACK * (facts.top * distance + facts.floor)
            yield r
            distance = _ranges.SLACK * (plan.sigma * distance + plan.lr * facts.a * r)

    def warn(self, facts: Facts, plan: Plan, codec: str, rho: float) -> Sequence[str]:
        """Warn if the guaranteed factor is 1 or more."""
        factor = _dq.factor_nq(plan.sigma, plan.lr, facts.top, facts.a)
        if factor < 1:
            return ()
        least = _dq.thresholds_nq(plan.sigma, plan.lr, facts.top, rho).converges
        return [
            f"nq-gd diverges: {codec}, and the contraction factor sigma + eta L rho 2^-R is "
            f"{factor:.4g} >= 1; it converges for R above {least:.4g}, and dq-gd for R above "
            f"{math.log2(rho):.4g}"
        ]

    def wanted(self, s: Shadow, me: Agent) -> Vector:
        """Return grad f(x)."""
        return me.grad(s.x)

    def step(self, s: Shadow) -> None:
        """Step against q."""
        s.x -= np.multiply(s.sent, s.plan.lr, out=s.sent)
