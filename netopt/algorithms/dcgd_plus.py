"""DCGD+: compressed gradient descent that knows the smoothness matrices."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netopt.agent import Agent, Message
from netopt.algorithms._smooth import Preconditioned, Told, rooted_mean
from netopt.algorithms._star import HUB


class DcgdPlus(Preconditioned):
    """DCGD+: q_i = C_i(L_i^(-1/2) grad f_i(x)); x <- x - gamma (1/n) sum_i L_i^(1/2) q_i.

    In theory gamma = 1/(L + 2 calL_max / n), half of it if F is not known to be strongly convex.
    Before round 0 each worker tells the hub L_i^(1/2) in 32 d^2 bits, and the parameters of its
    quantizer (32 d bits for varying steps). Like DCGD it stops in a neighbourhood of the solution.
    """

    id = "dcgd-plus"
    reference = "Wang, Safaryan and Richtarik, NeurIPS 2022, algorithm 1"

    def message(self, s: Told, me: Agent) -> Message:
        """Send q_i = C_i(L_i^(-1/2) grad f_i(x))."""
        return me.encode("up", np.dot(s.inverse, me.grad(s.x), out=s.work), HUB)

    def serve(self, s: Told, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against the mean of the L_i^(1/2) q_i."""
        step = rooted_mean(s, me, messages, s.work)
        s.x -= np.multiply(step, s.lr, out=step)
