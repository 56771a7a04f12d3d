"""Distributed compressed gradient descent: every worker sends its quantized gradient."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netopt.agent import Agent, Message
from netopt.algorithms._smooth import Quantized, halved
from netopt.algorithms._star import HUB, Node, mean, omega_of, smoothest, smoothness
from netopt.codecs import Codec
from netopt.problems import Problem


class Dcgd(Quantized):
    """DCGD: q_i = C(grad f_i(x)); x <- x - gamma (1/n) sum_i q_i.

    In theory gamma = 1/(L + 2 L_max omega / n), half of it if F is not known to be strongly convex.
    The gradients of the workers do not vanish at the solution, nor does the error of quantizing
    them: x stops in a neighbourhood. DIANA is the cure.
    """

    id = "dcgd"
    reference = (
        "Khirirat, Feyzmahdavian and Johansson, 2018; step size of Wang, Safaryan and Richtarik, "
        "NeurIPS 2022"
    )

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return gamma = 1/(L + 2 L_max omega / n)."""
        noise = 2 * smoothest(problem) * omega_of(codec, problem.d) / n
        return halved(problem) / (smoothness(problem) + noise)

    def message(self, s: Node, me: Agent) -> Message:
        """Send q_i = C(grad f_i(x))."""
        return me.encode("up", me.grad(s.x), HUB)

    def serve(self, s: Node, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against the mean of the q_i."""
        step = mean(me, messages, s.work)
        s.x -= np.multiply(step, s.lr, out=step)
