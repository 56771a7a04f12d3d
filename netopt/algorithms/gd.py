"""Gradient descent with a parameter server: the uncompressed baseline of the convex papers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netopt.agent import Agent, Message
from netopt.algorithms._star import HUB, Node, Star, mean, smoothness
from netopt.codecs import Codec
from netopt.problems import Problem


class Gd(Star):
    """GD: x <- x - eta (1/n) sum_i grad f_i(x).

    In theory eta = 2 / (L + mu), with which ||x - x*|| shrinks by sigma = (kappa - 1)/(kappa + 1) a
    round; eta = 1/L if F is not known to be strongly convex. A codec on ``up`` makes it the plain
    compressed method without any correction; raw float64 is the default.
    """

    id = "gd"
    reference = "Nesterov, Lectures on Convex Optimization, 2018, theorem 2.1.15"

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return eta = 2 / (L + mu), or 1/L."""
        top, mu = smoothness(problem), problem.strong_convexity()
        return 2 / (top + mu) if mu else 1 / top

    def message(self, s: Node, me: Agent) -> Message:
        """Send grad f_i(x)."""
        return me.encode("up", me.grad(s.x), HUB)

    def serve(self, s: Node, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against the mean gradient."""
        step = mean(me, messages, s.work)
        s.x -= np.multiply(step, s.lr, out=step)
