"""DIANA: workers quantize what their gradients differ by from shifts that learn them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netopt.agent import Agent, Message, Vector
from netopt.algorithms._smooth import Quantized, ShiftRate, halved, learning_rate
from netopt.algorithms._star import HUB, Node, mean, omega_of, smoothest
from netopt.codecs import Codec
from netopt.problems import Problem


@dataclass(slots=True)
class Shifted(Node):
    """``h`` is a worker's h_i, ``mean`` the hub's h and ``step`` an array for it, shape (d,)."""

    h: Vector
    mean: Vector
    step: Vector
    alpha: float


class Diana(Quantized):
    """DIANA: q_i = C(grad f_i(x) - h_i); x <- x - gamma (h + (1/n) sum_i q_i); h_i += alpha q_i.

    The hub keeps h = (1/n) sum_i h_i by h += alpha (1/n) sum_i q_i. In theory
    gamma = 1/(L_max (1 + 2 omega / n)), half of it if F is not known to be strongly convex, and
    alpha = 1/(1 + omega). All h_i start at 0 and tend to the gradients at the solution, so that
    nothing is left to quantize there and x gets to it.
    """

    id = "diana"
    reference = (
        "Mishchenko, Gorbunov, Takac and Richtarik, 2019; step sizes of Wang, Safaryan and "
        "Richtarik, NeurIPS 2022"
    )
    alpha: ShiftRate = "theory"

    def start(self, me: Agent) -> Any:
        """Return x_0, h_i = h = 0 and the rates."""
        s = super().start(me)
        sender = me.workers[-1] if me.rank == HUB else me.rank  # all have the same codec
        alpha = self.rate(me.codec("up", sender), me.d)
        return Shifted(s.x, s.work, s.lr, np.zeros(me.d), np.zeros(me.d), np.empty(me.d), alpha)

    def rate(self, codec: Codec, d: int) -> float:
        """Return alpha."""
        return self.alpha if not isinstance(self.alpha, str) else learning_rate(codec, d)

    def refuse(self, problem: Problem, codec: Codec, n: int) -> None:
        """Raise ConfigError if gamma or alpha cannot be had from the tuned codec."""
        self.step(problem, codec, n)
        self.rate(codec, problem.d)

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return gamma = 1/(L_max (1 + 2 omega / n))."""
        noise = 1 + 2 * omega_of(codec, problem.d) / n
        return halved(problem) / (smoothest(problem) * noise)

    def message(self, s: Shifted, me: Agent) -> Message:
        """Send q_i = C(grad f_i(x) - h_i), and learn from it: h_i += alpha q_i."""
        message = me.encode("up", np.subtract(me.grad(s.x), s.h, out=s.work), HUB)
        me.add(message, s.alpha, s.h)
        return message

    def serve(self, s: Shifted, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against h + mean q_i; then h += alpha mean q_i."""
        q = mean(me, messages, s.work)
        step = np.add(s.mean, q, out=s.step)
        s.x -= np.multiply(step, s.lr, out=step)
        s.mean += np.multiply(q, s.alpha, out=q)
