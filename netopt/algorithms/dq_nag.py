"""DQ-NAG: Nesterov's accelerated gradient, differentially quantized."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Vector
from netopt.algorithms import _dq, _ranges
from netopt.algorithms._dq import REFERENCE, Facts, Plan, Shadow, Solo
from netopt.algorithms._momentum import Beta, nesterov
from netopt.errors import ConfigError

Suppose = Annotated[
    Literal["convex", "quadratic"],
    Meta(description="what the ranges suppose of F; quadratic gives smaller ones"),
]


class DqNag(Solo):
    """DQ-NAG: u = grad f(x + eta E) - E, q = r_i Q(u / r_i), e <- q - u; y <- x - eta q, then x.

    E = (1 + beta) e_{i-1} - beta e_{i-2}, and x = y + beta (y - y_before). In theory eta = 1 / L
    and beta = (sqrt(kappa) - 1)/(sqrt(kappa) + 1). The ranges grow by a bound on ||grad f(z_i)|| of
    unquantized NAG: with ``suppose: convex`` L C D sigma^i, sigma = sqrt(1 - 1/sqrt(kappa)) and C^2
    = (kappa + 1)/(1 + 1/sqrt(kappa)), which holds for every F; with ``quadratic`` the one of
    quadratics, whose sigma = 1 - 1/sqrt(kappa) is smaller, as it has to be where NAG itself is that
    fast and should lose nothing. The gradients have to be exact.
    """

    id = "dq-nag"
    reference = REFERENCE
    beta: Beta = "theory"
    suppose: Suppose = "convex"

    def plan(self, facts: Facts) -> Plan:
        """Return eta, beta and sigma; ConfigError for rates without a bound for convex F."""
        lr = 1 / facts.top if isinstance(self.lr, str) else self.lr
        beta = nesterov(facts.top, facts.mu) if isinstance(self.beta, str) else self.beta
        if self.suppose == "quadratic":
            ends = ((1 - lr * facts.mu), (1 - lr * facts.top))
            return Plan(lr, beta, max(_ranges.modulus(s * (1 + beta), s * beta) for s in ends))
        if not (isinstance(self.lr, str) and isinstance(self.beta, str)):
            raise ConfigError(
                "dq-nag has ranges for every convex F only with lr and beta of theory; leave both "
                "out, or say suppose: quadratic if F is one",
                "$.algorithm.suppose",
            )
        return Plan(lr, beta, math.sqrt(1 - math.sqrt(facts.mu / facts.top)))

    def ranges(self, facts: Facts, plan: Plan) -> Iterator[float]:
        """Yield bounds on ||grad f(z_i)|| + ||E||.

        Convex: with alpha = 1/sqrt(kappa), f(y_i) - f* + mu/2 ||v_i - x*||^2 shrinks by sigma^2 a
        round (Nesterov 2018, theorem 2.2.3) from at most (L + mu)/2 D^2, and z_i = (y_i + alpha
        v_i)/(1 + alpha); so ||z_i - x*||^2 <= (||y_i - x*||^2 + ||v_i - x*||^2)/(1 + alpha).
        """
        first = facts.top * facts.distance
        if self.suppose == "quadratic":
            bounds = _ranges.transient(first, plan.sigma, plan.beta)
        else:
            kappa = facts.top / facts.mu
            spread = math.sqrt((kappa + 1) / (1 + 1 / math.sqrt(kappa)))
            bounds = _ranges.shrinking(spread * first, plan.sigma)
        return _ranges.recursion(bounds, facts.a, facts.floor, plan.beta)

    def wanted(self, s: Shadow, me: Agent) -> Vector:
        """Return grad f(x + eta E) - E."""
        carried = _dq.carried(s)
        z = np.multiply(carried, s.plan.lr, out=s.work)
        z += s.x
        u = me.grad(z)
        u -= carried
        return u

    def step(self, s: Shadow) -> None:
        """Step to y, and beyond it by the momentum."""
        s.x -= np.multiply(s.sent, s.plan.lr, out=s.sent)  # now y
        s.last -= s.x
        s.last *= s.plan.beta  # now -beta (y - y_before)
        np.copyto(s.sent, s.x)
        s.x -= s.last
        np.copyto(s.last, s.sent)
