"""Gradient tracking: decentralized descent without DGD's bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel, Vector
from netopt.algorithms import Algorithm, Round, State


@dataclass(slots=True)
class Tracking(State):
    """x and its tracker y of the average gradient as rows of ``both``; g is the last gradient.

    ``spare`` holds the x and y of the round before, whose place the next ones take.
    """

    both: Vector
    g: Vector
    spare: Vector


class GradientTracking(Algorithm):
    """Gradient tracking: x <- W x - lr y; y <- W y + grad f(x_new) - grad f(x_old).

    The sum of the y_i is always the sum of the gradients (for a doubly stochastic W), so a constant
    step reaches the exact optimum. x and y travel in one frame, each with its own scale. On a
    quadratic of smoothness L that all agents share, the round is stable if and only if
    lr L < (1 + lambda_min(W))^2 / 2 (from the trace and determinant of the 2 x 2 recursion of each
    eigenvector of a symmetric W). lr = 0.005 is safe for L up to 10 on every shipped graph.
    """

    id = "gradient-tracking"
    reference = "Nedic, Olshevsky and Shi (DIGing), SIAM J. Optim. 27(4), 2017; Qu and Li, 2018"
    channels = (Channel("mix", vectors=2),)
    lr: Annotated[float, Meta(gt=0, description="alpha, step size")] = 0.005

    def start(self, me: Agent) -> Tracking:
        """Return x_0 and y_0 = grad f_i(x_0)."""
        x = me.problem.start()
        g = me.grad(x)
        both = np.stack([x, g])
        return Tracking(both[0], both, g.copy(), np.empty_like(both))

    def round(self, s: Tracking, me: Agent) -> Round:
        """Send x_i and y_i, average both, step, track."""
        message = me.encode("mix", s.both)
        inbox = yield me.share(message)
        mixed = me.mix(message, inbox, s.spare)
        x, y, step = mixed[0], mixed[1], s.both[1]
        step *= self.lr
        x -= step
        g = me.grad(x)
        y += g
        y -= s.g
        np.copyto(s.g, g)  # a problem may hand out the same array again
        s.x, s.both, s.spare = x, mixed, s.both
