"""Perturbed SGD: noise in every step, so that no saddle holds it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netopt.agent import Agent, Message
from netopt.algorithms._star import Node, mean
from netopt.algorithms._stochastic import Descent, Noise, add_noise


class PerturbedSgd(Descent):
    """Perturbed SGD: x <- x - eta ((1/n) sum_i g_i + xi), xi ~ N(0, (r^2/d) I) in every round.

    The uncompressed method that compressed-sgd is compared with; with the same seed both add the
    same noise. A direction of curvature -c has grown to 1 after about
    log(sqrt(2 c d / eta) / r) / (eta c) rounds. lr = 0.02 and r = 0.1 suit smoothness and distances
    of about 1; near a minimum the noise costs a loss of about eta r^2 / 4.
    """

    id = "perturbed-sgd"
    reference = (
        "Jin, Netrapalli, Ge, Kakade and Jordan, On nonconvex optimization for machine learning, "
        "Journal of the ACM 68(2), 2021"
    )
    r: Noise = 0.1

    def serve(self, s: Node, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against the mean gradient plus noise."""
        step = mean(me, messages, s.work)
        s.x -= np.multiply(step, self.lr, out=step)
        add_noise(me, -self.lr * self.r, s.x, step)
