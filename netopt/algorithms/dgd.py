"""Decentralized gradient descent: the baseline of everything decentralized."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.agent import Agent
from netopt.algorithms import Algorithm, Round, Swapping


class Dgd(Algorithm):
    """DGD: x_i <- sum_j w_ij x_j - lr grad f_i(x_i), the gradient taken at the old x_i.

    With a constant step it settles in a neighbourhood of the optimum whose size is proportional to
    lr (Yuan, Ling and Yin 2016), and it is stable for lr L < 1 + lambda_min(W). lr = 0.03 satisfies
    this for smoothness L up to 10 on every shipped graph.

    Frames that links drop, of which ``consensus`` says what they do to W, widen the neighbourhood:
    the mean of the agents moves at random by what their disagreement, O(lr), allows, and 1/lr
    rounds of that are not yet forgotten, so that it ends O(sqrt(lr p)) off for a loss of p.
    """

    id = "dgd"
    reference = "Nedic and Ozdaglar, Distributed subgradient methods, IEEE TAC 54(1), 2009"
    tolerates_loss = True
    lr: Annotated[float, Meta(gt=0, description="alpha, step size")] = 0.03

    def start(self, me: Agent) -> Swapping:
        """Return x_0."""
        return Swapping.at(me.problem.start().copy())

    def round(self, s: Swapping, me: Agent) -> Round:
        """Send x_i, average, step."""
        gradient = me.grad(s.x)
        message = me.encode("mix", s.x)
        inbox = yield me.share(message)
        mixed = me.mix(message, inbox, s.spare)
        mixed -= np.multiply(gradient, self.lr, out=s.x)
        s.become(mixed)
