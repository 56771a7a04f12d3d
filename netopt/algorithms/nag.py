"""Nesterov's accelerated gradient with a parameter server."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netopt.agent import Agent, Message
from netopt.algorithms._momentum import Momentum, Rolling, nesterov
from netopt.algorithms._star import mean, smoothness
from netopt.codecs import Codec
from netopt.problems import Problem


class Nag(Momentum):
    """NAG: y <- x - eta (1/n) sum_i grad f_i(x); x <- y + beta (y - y_before).

    In theory eta = 1/L and beta = (sqrt(kappa) - 1)/(sqrt(kappa) + 1), and ||x - x*|| shrinks by
    sqrt(1 - 1/sqrt(kappa)) a round or faster. The estimate is x, where the gradients are taken.
    """

    id = "nag"
    reference = "Nesterov, Lectures on Convex Optimization, 2018, (2.2.22)"

    def theoretical(self, top: float, mu: float) -> float:
        """Return beta."""
        return nesterov(top, mu)

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return eta = 1/L."""
        return 1 / smoothness(problem)

    def serve(self, s: Rolling, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step to y, and beyond it by the momentum."""
        step = mean(me, messages, s.work)
        s.x -= np.multiply(step, s.lr, out=step)  # now y
        s.last -= s.x
        s.last *= s.beta  # now -beta (y - y_before)
        np.copyto(step, s.x)
        s.x -= s.last
        np.copyto(s.last, step)
