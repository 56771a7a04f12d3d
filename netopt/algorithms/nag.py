"""Nesterov's accelerated gradient with a parameter server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from netopt.agent import Agent, Message
from netopt.algorithms._momentum import Beta, Rolling, nesterov
from netopt.algorithms._star import HUB, Star, convexity, mean, smoothness
from netopt.codecs import Codec
from netopt.problems import Problem


class Nag(Star):
    """NAG: y <- x - eta (1/n) sum_i grad f_i(x); x <- y + beta (y - y_before).

    In theory eta = 1/L and beta = (sqrt(kappa) - 1)/(sqrt(kappa) + 1), and ||x - x*|| shrinks by
    sqrt(1 - 1/sqrt(kappa)) a round or faster. The estimate is x, where the gradients are taken.
    """

    id = "nag"
    reference = "Nesterov, Lectures on Convex Optimization, 2018, (2.2.22)"
    beta: Beta = "theory"

    def start(self, me: Agent) -> Any:
        """Return x_0 = y_0 and the rates."""
        s = super().start(me)
        return Rolling(s.x, s.work, s.lr, s.x.copy(), self.momentum(me.problem))

    def momentum(self, problem: Problem) -> float:
        """Return beta."""
        if not isinstance(self.beta, str):
            return self.beta
        return nesterov(smoothness(problem), convexity(problem, self.id))

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return eta = 1/L."""
        self.momentum(problem)
        return 1 / smoothness(problem)

    def message(self, s: Rolling, me: Agent) -> Message:
        """Send grad f_i(x)."""
        return me.encode("up", me.grad(s.x), HUB)

    def serve(self, s: Rolling, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step to y, and beyond it by the momentum."""
        step = mean(me, messages, s.work)
        s.x -= np.multiply(step, s.lr, out=step)  # now y
        s.last -= s.x
        s.last *= s.beta  # now -beta (y - y_before)
        np.copyto(step, s.x)
        s.x -= s.last
        np.copyto(s.last, step)
