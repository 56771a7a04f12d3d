"""What the methods with momentum share: beta, the point of the round before, the message up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from netopt.agent import Agent, Message, Vector
from netopt.algorithms._star import HUB, Node, Star, convexity, smoothness
from netopt.codecs import Codec
from netopt.problems import Problem
from netopt.topologies import Topology

Beta = Annotated[
    Annotated[float, Meta(ge=0, lt=1)] | Literal["theory"],
    Meta(description="beta, momentum; theory: from the condition number"),
]


@dataclass(slots=True)
class Rolling(Node):
    """``last`` is the y or x of the round before, shape (d,), and ``beta`` the momentum."""

    last: Vector
    beta: float


class Momentum(Star):
    """Base of a method with momentum: give ``theoretical``, ``theory`` and ``serve``."""

    beta: Beta = "theory"

    def theoretical(self, top: float, mu: float) -> float:
        """Return the beta of theory for L = ``top``."""
        raise TypeError(f"algorithm {self.id} does not know its momentum")

    def momentum(self, problem: Problem) -> float:
        """Return beta; ConfigError if theory needs a constant that the problem does not know."""
        if not isinstance(self.beta, str):
            return self.beta
        return self.theoretical(smoothness(problem), convexity(problem, self.id))

    def start(self, me: Agent) -> Any:
        """Return x_0 twice and the rates."""
        s = super().start(me)
        return Rolling(s.x, s.work, s.lr, s.x.copy(), self.momentum(me.problem))

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Refuse a problem without the constants that theory needs."""
        self.momentum(problem)
        return super().review(topology, problem, codecs)

    def message(self, s: Rolling, me: Agent) -> Message:
        """Send grad f_i(x)."""
        return me.encode("up", me.grad(s.x), HUB)


def nesterov(top: float, mu: float) -> float:
    """Return beta = (sqrt(kappa) - 1)/(sqrt(kappa) + 1) for L = top."""
    root = math.sqrt(top / mu)
    return (root - 1) / (root + 1)


def polyak(top: float, mu: float) -> float:
    """Return beta = ((sqrt(kappa) - 1)/(sqrt(kappa) + 1))^2 for L = top."""
    return nesterov(top, mu) ** 2
