"""LEAD: a primal-dual method that reaches the exact optimum with compressed messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel, Inbox, Message, Vector
from netopt.algorithms import Algorithm, Round, State
from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.topologies import Topology

TWO_BITS = {"id": "dithering", "levels": 2, "norm": "linf", "coding": "fixed"}
"""The paper's quantizer with b = 2: two levels on each side of zero, scaled by the largest."""


@dataclass(slots=True)
class PrimalDual(State):
    """x and the dual d; ``h`` is H and ``mixed`` H_w = W H; three arrays to work in.

    All have the shape (d,); ``y`` holds Yhat and ``yw`` Yhat_w once a message has come.
    """

    d: Vector
    h: Vector
    mixed: Vector
    y: Vector
    yw: Vector
    work: Vector


class Lead(Algorithm):
    """LEAD: Y = X - eta grad(X) - eta D; D+ = D + gamma/(2 eta) (I - W) Yhat; X+ likewise, with D+.

    That is, X+ = X - eta grad(X) - eta D+, with the same gradients as in Y. Rows are agents. Only
    Q = C(Y - H) travels: Yhat = H + Q and Yhat_w = H_w + W Q stands for W Yhat; then
    H+ = (1 - alpha) H + alpha Yhat and H_w+ = (1 - alpha) H_w + alpha Yhat_w. D and H start at 0,
    and round 0 begins with the step X <- X - eta grad(X). The rows of D always add up to 0, so a
    constant step reaches the exact optimum, linearly if F is strongly convex; only rounding moves
    the sum, and x on ring-8 by 5e-15 a round. Without compression and with gamma = 1 this is NIDS,
    whose step is stable for eta L < 2 on every graph. gamma = 1 and alpha = 0.5 are the paper's;
    eta = 0.1 suits L up to 10. The theory is for unbiased codecs and a symmetric W; an omega above
    about 1 wants a smaller gamma and alpha.
    """

    id = "lead"
    reference = (
        "Liu, Li, Wang, Tang and Yan, Linear convergent decentralized optimization with "
        "compression, ICLR 2021, algorithm 1"
    )
    channels = (Channel("mix", TWO_BITS),)
    lr: Annotated[float, Meta(gt=0, description="eta, step size")] = 0.1
    gamma: Annotated[float, Meta(gt=0, description="gamma, step size of the dual")] = 1.0
    alpha: Annotated[float, Meta(gt=0, le=1, description="alpha, how fast H follows Yhat")] = 0.5

    def check(self, topology: Topology) -> None:
        """Raise ConfigError unless W is symmetric and doubly stochastic."""
        super().check(topology)
        if not np.array_equal(topology.weights, topology.weights.T):
            raise ConfigError(
                f"{self.id} needs a symmetric mixing matrix, and that of '{topology.name}' is not; "
                "use Metropolis weights on an undirected graph",
                "$.topology",
            )

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn of a biased codec."""
        codec = codecs[0]
        if codec.omega(problem.d) is not None:
            return ()
        return [
            f"{self.id} needs an unbiased codec with an omega, and {codec.id} is not known to be "
            "one with these options: the iterates may diverge"
        ]

    def start(self, me: Agent) -> PrimalDual:
        """Return x_0 and D = H = H_w = 0."""
        x = me.problem.start().copy()
        zeros, empty = (np.zeros(me.d) for _ in range(3)), (np.empty(me.d) for _ in range(3))
        return PrimalDual(x, *zeros, *empty)

    def round(self, s: PrimalDual, me: Agent) -> Round:
        """Form Y, tell Q, step in D and in X."""
        if me.round == 0:
            s.x -= np.multiply(me.grad(s.x), self.lr, out=s.work)
        s.x -= np.multiply(me.grad(s.x), self.lr, out=s.work)  # what Y and X+ have in common
        np.subtract(s.x, np.multiply(s.d, self.lr, out=s.work), out=s.y)
        s.y -= s.h
        message = me.encode("mix", s.y)
        inbox = yield me.share(message)
        self.communicated(s, me, message, inbox)
        s.y -= s.yw
        s.y *= self.gamma / (2 * self.lr)
        s.d += s.y
        s.x -= np.multiply(s.d, self.lr, out=s.work)

    def communicated(self, s: PrimalDual, me: Agent, message: Message, inbox: Inbox) -> None:
        """Write Yhat and Yhat_w to ``y`` and ``yw``, and let H and H_w follow them."""
        me.decode(message, s.y)
        s.y += s.h
        me.mix(message, inbox, s.yw)
        s.yw += s.mixed
        for known, hat in ((s.h, s.y), (s.mixed, s.yw)):
            known *= 1 - self.alpha
            known += np.multiply(hat, self.alpha, out=s.work)
