"""DQ-GD: quantized gradient descent that shadows the unquantized one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netopt.agent import Agent, Vector
from netopt.algorithms import _dq, _ranges
from netopt.algorithms._dq import REFERENCE, Facts, Plan, Shadow, Solo


class DqGd(Solo):
    """DQ-GD: u = grad f(x + eta e) - e, q = r_i Q(u / r_i), e <- q - u; x <- x - eta q.

    The gradient is taken at z = x + eta e, where unquantized gradient descent would be: z_{i+1} =
    z_i - eta grad f(z_i). The range is r_i = rho 2^(-R) r_{i-1} + sigma^i L D. In theory eta = 2 /
    (L + mu), and the contraction factor is max{sigma, rho 2^(-R)}, the best there is but for rho.
    The gradients have to be exact.
    """

    id = "dq-gd"
    reference = REFERENCE

    def plan(self, facts: Facts) -> Plan:
        """Return eta and sigma = max{|1 - eta L|, |1 - eta mu|}."""
        return _dq.descent(self.lr, facts)

    def ranges(self, facts: Facts, plan: Plan) -> Iterator[float]:
        """Yield bounds on ||grad f(z_i)|| + ||e_{i-1}||."""
        bounds = _ranges.shrinking(facts.top * facts.distance, plan.sigma)
        return _ranges.recursion(bounds, facts.a, facts.floor)

    def wanted(self, s: Shadow, me: Agent) -> Vector:
        """Return grad f(z) - e."""
        z = np.multiply(s.error, s.plan.lr, out=s.work)
        z += s.x
        u = me.grad(z)
        u -= s.error
        return u

    def step(self, s: Shadow) -> None:
        """Step against q."""
        s.x -= np.multiply(s.sent, s.plan.lr, out=s.sent)
