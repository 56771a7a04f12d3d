"""EF-SGD: error feedback, at the workers and at the hub, makes biased codecs converge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from netopt.agent import Agent, Channel, Vector
from netopt.algorithms import Round
from netopt.algorithms._feedback import Feedback, Owing
from netopt.algorithms._stochastic import Decay, Lr, Momentum, decayed


@dataclass(slots=True)
class Moving(Owing):
    """``m`` is a worker's sum of past gradients, shape (d,)."""

    m: Vector


class EfSgd(Feedback):
    """EF-SGD: p_i = eta_k g_i + e_i, send C(p_i), e_i <- p_i - C(p_i); the hub does the same.

    The hub's p is e + (1/n) sum_i C(p_i), and x <- x - C(p) on all agents: error feedback both
    ways, as in dist-EF-SGD; raw on ``down`` leaves it to the workers, as in EF-SignSGD. Errors are
    in units of x, so that a step size that decays, eta_k = lr / (1 + decay k), needs no correction.
    With ``momentum`` beta > 0 g_i gives way to Nesterov's beta m_i + g_i, m_i = beta m_i + g_i.
    Both codecs are the scaled sign by default: one bit a coordinate and a scale each way.
    """

    id = "ef-sgd"
    reference = (
        "Karimireddy, Rebjock, Stich and Jaggi, Error feedback fixes SignSGD, ICML 2019; both ways "
        "and with momentum: Zheng, Huang and Kwok, NeurIPS 2019"
    )
    channels = (Channel("up", "sign"), Channel("down", "sign"))
    lr: Lr = 0.02
    momentum: Momentum = 0.0
    decay: Decay = 0.0

    def start(self, me: Agent) -> Any:
        """Return x_0; nothing is owed, and m_i = 0."""
        s = super().start(me)
        return Moving(s.x, s.e, s.owed, s.work, np.zeros(me.d if self.momentum else 0))

    def round(self, s: Moving, me: Agent) -> Round:
        """Owe eta_k g_i; send both ways, and step."""
        if me.shard is not None:
            lr, g = decayed(self.lr, self.decay, me.round), me.grad(s.x)
            s.e += np.multiply(g, lr, out=s.work)
            if self.momentum:
                s.m *= self.momentum
                s.m += g
                s.e += np.multiply(s.m, lr * self.momentum, out=s.work)
        yield from self.swap(s, me, "up", "down", 1.0)
