"""CHOCO-SGD: a gradient step, then gossip with compressed differences."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.agent import Agent
from netopt.algorithms import Round
from netopt.algorithms._estimates import Estimating, Gossip


class ChocoSgd(Gossip):
    """CHOCO-SGD: x_i -= lr grad f_i(x_i), xhat_i += Q(x_i - xhat_i), x_i += gamma (s_i - xhat_i).

    s_i = sum_j w_ij xhat_j, and q_i = Q(x_i - xhat_i) is what travels. The average of the x_i moves
    by gradients alone, whatever Q loses. Any contraction will do, and so will an unbiased codec,
    which is scaled by 1/(1 + omega), as in the paper. With a constant lr the agents stay apart as
    those of DGD on a graph with gamma times the spectral gap; this is DGD that steps before it
    averages if nothing is compressed and gamma is 1. The default codec takes 4.5 bits a coordinate.
    lr = 0.03 as for DGD.
    """

    id = "choco-sgd"
    reference = (
        "Koloskova, Stich and Jaggi, ICML 2019, algorithm 2; with s_i instead of all xhat_j: "
        "Koloskova, Lin, Stich and Jaggi, Decentralized deep learning with arbitrary communication "
        "compression, ICLR 2020"
    )
    lr: Annotated[float, Meta(gt=0, description="eta, step size")] = 0.03

    def start(self, me: Agent) -> Estimating:
        """Return x_0, with estimates of 0."""
        return Estimating.at(me.problem.start().copy())

    def round(self, s: Estimating, me: Agent) -> Round:
        """Step, send q_i, learn what all sent, gossip."""
        s.x -= np.multiply(me.grad(s.x), self.lr, out=s.work)
        yield from self.gossip(s, me)
