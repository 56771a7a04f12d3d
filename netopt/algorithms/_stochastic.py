"""What stochastic methods with a parameter server share: step sizes that the user gives.

In ``Descent`` the hub steps and sends x down, as in ``_star``. In ``Stepping`` what travels down is
the step, and all agents take it: their x are equal bit for bit, whatever the codec of ``down``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from netopt.agent import Agent, Message, Vector
from netopt.algorithms._star import HUB, Node, Star
from netopt.codecs import Codec
from netopt.keys import Purpose
from netopt.problems import Problem
from netopt.topologies import Topology

Lr = Annotated[float, Meta(gt=0, description="eta, step size")]
Decay = Annotated[
    float, Meta(ge=0, description="c: the step size of round k is lr / (1 + c k); 0: constant")
]
Momentum = Annotated[float, Meta(ge=0, lt=1, description="beta, share of the last step kept")]
Noise = Annotated[
    float, Meta(ge=0, description="r: noise of total variance r^2 is added to a gradient")
]


class Descent(Star):
    """Base of a method whose hub steps against the workers' mean and sends x down."""

    lr: Lr = 0.02

    def start(self, me: Agent) -> Any:
        """Return x_0."""
        return Node.at(me.problem.start(), self.lr)

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Refuse nothing: the step size is a number."""
        return ()

    def message(self, s: Any, me: Agent) -> Message:
        """Send a stochastic gradient of f_i at x."""
        return me.encode("up", me.grad(s.x), HUB)


def decayed(lr: float, decay: float, k: int) -> float:
    """Return the step size of round k."""
    return lr / (1.0 + decay * k)


def add_noise(me: Agent, r: float, to: Vector, work: Vector) -> None:
    """Add xi ~ N(0, (r^2/d) I) to a vector, shape (d,): the same on all agents, by no message."""
    if r:
        me.common_key(Purpose.NOISE).generator().standard_normal(out=work)
        work *= r / math.sqrt(me.d)
        to += work
