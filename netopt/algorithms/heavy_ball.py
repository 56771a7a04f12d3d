"""Polyak's heavy ball with a parameter server."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from netopt.agent import Agent, Message
from netopt.algorithms._momentum import Momentum, Rolling, polyak
from netopt.algorithms._star import convexity, mean, smoothness
from netopt.codecs import Codec
from netopt.problems import Problem


class HeavyBall(Momentum):
    """Heavy ball: x <- x - eta (1/n) sum_i grad f_i(x) + beta (x - x_before).

    In theory eta = 4/(sqrt(L) + sqrt(mu))^2 and beta = ((sqrt(kappa) - 1)/(sqrt(kappa) + 1))^2, and
    on quadratics ||x - x*|| shrinks by sqrt(beta) a round in the long run.
    """

    id = "heavy-ball"
    reference = "Polyak, Some methods of speeding up the convergence of iteration methods, 1964"

    def theoretical(self, top: float, mu: float) -> float:
        """Return beta."""
        return polyak(top, mu)

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return eta = 4 / (sqrt(L) + sqrt(mu))^2."""
        root = math.sqrt(smoothness(problem)) + math.sqrt(convexity(problem, self.id))
        return 4 / root**2

    def serve(self, s: Rolling, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against the mean gradient and on by the momentum."""
        step = mean(me, messages, s.work)
        step *= s.lr
        s.last -= s.x
        s.last *= s.beta
        step += s.last  # eta g - beta (x - x_before)
        np.copyto(s.last, s.x)
        s.x -= step
