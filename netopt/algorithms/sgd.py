"""SGD with a parameter server: the baseline of all stochastic methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netopt.agent import Agent, Message, Vector
from netopt.algorithms._star import Node, mean
from netopt.algorithms._stochastic import Decay, Descent, Momentum, decayed


@dataclass(slots=True)
class Moving(Node):
    """``m`` is the hub's sum of past gradients, shape (d,)."""

    m: Vector


class Sgd(Descent):
    """SGD: m <- beta m + (1/n) sum_i g_i, x <- x - eta_k m; g_i a stochastic gradient of f_i at x.

    beta is ``momentum``, 0 by default, and eta_k = lr / (1 + decay k). The batches are the
    problem's; a problem without batches has exact gradients, and this is gradient descent. It is
    stable for lr L < 2 (1 + beta): lr = 0.02 suits a smoothness L below 100.
    """

    id = "sgd"
    reference = "Robbins and Monro, 1951; momentum of Polyak, 1964"
    momentum: Momentum = 0.0
    decay: Decay = 0.0

    def start(self, me: Agent) -> Any:
        """Return x_0 and m = 0."""
        s = super().start(me)
        return Moving(s.x, s.work, s.lr, np.zeros(me.d))

    def serve(self, s: Moving, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against the mean gradient, and those before it."""
        s.m *= self.momentum
        s.m += mean(me, messages, s.work)
        s.x -= np.multiply(s.m, decayed(self.lr, self.decay, me.round), out=s.work)
