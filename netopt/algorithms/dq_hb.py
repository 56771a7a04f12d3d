"""DQ-HB: Polyak's heavy ball, differentially quantized."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from netopt.agent import Agent, Vector
from netopt.algorithms import _dq, _ranges
from netopt.algorithms._dq import REFERENCE, Facts, Plan, Shadow, Solo
from netopt.algorithms._momentum import Beta, polyak


class DqHb(Solo):
    """DQ-HB: u = grad f(x + eta e_{i-1}) - E, q = r_i Q(u / r_i), e_i = q - u; x steps against q.

    E = (1 + beta) e_{i-1} - beta e_{i-2}, and x <- x - eta q + beta (x - x_before). In theory eta =
    4/(sqrt(L) + sqrt(mu))^2 and beta = ((sqrt(kappa) - 1)/(sqrt(kappa) + 1))^2. The ranges hold for
    quadratics, where unquantized ||grad f(z_i)|| <= L D ((i + 1) sigma^i + beta i sigma^(i - 1))
    with sigma = sqrt(beta); elsewhere the heavy ball has no such bound, and a range that is too
    small is an error. The gradients have to be exact.
    """

    id = "dq-hb"
    reference = REFERENCE
    beta: Beta = "theory"

    def plan(self, facts: Facts) -> Plan:
        """Return eta, beta and sigma."""
        top, mu = facts.top, facts.mu
        lr = 4 / (math.sqrt(top) + math.sqrt(mu)) ** 2 if isinstance(self.lr, str) else self.lr
        beta = polyak(top, mu) if isinstance(self.beta, str) else self.beta
        sigma = max(_ranges.modulus(1 + beta - lr * end, beta) for end in (mu, top))
        return Plan(lr, beta, sigma)

    def ranges(self, facts: Facts, plan: Plan) -> Iterator[float]:
        """Yield bounds on ||grad f(z_i)|| + ||E||."""
        bounds = _ranges.transient(facts.top * facts.distance, plan.sigma, plan.beta)
        return _ranges.recursion(bounds, facts.a, facts.floor, plan.beta)

    def wanted(self, s: Shadow, me: Agent) -> Vector:
        """Return grad f(x + eta e) - E."""
        z = np.multiply(s.error, s.plan.lr, out=s.work)
        z += s.x
        u = me.grad(z)
        u -= _dq.carried(s)
        return u

    def step(self, s: Shadow) -> None:
        """Step against q and on by the momentum."""
        s.sent *= s.plan.lr
        s.last -= s.x
        s.last *= s.plan.beta
        s.sent += s.last  # eta q - beta (x - x_before)
        np.copyto(s.last, s.x)
        s.x -= s.sent
