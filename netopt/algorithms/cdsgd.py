"""CDSGD: consensus and a gradient step, with Polyak's or Nesterov's momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Vector
from netopt.algorithms import Algorithm, Round, Swapping


@dataclass(slots=True)
class Rolling(Swapping):
    """``v`` is the velocity v_i, shape (d,)."""

    v: Vector


class Cdsgd(Algorithm):
    """CDSGD: v_i <- beta v_i - lr grad f_i(x_i); x_i <- sum_j w_ij x_j + v_i.

    ``momentum`` none is beta = 0 and therefore DGD; with nesterov (CDMSGD) the gradient is taken at
    x_i + beta v_i. beta = 0.3 is that of the comparison in Bo and Wang, PNAS 2024. The velocity
    holds gradients only, as there. On a quadratic of smoothness L that all agents share, polyak is
    stable if and only if lr L < (1 + w)(1 + beta), and nesterov if and only if lr L < (1 + w)
    (1 + beta) / (1 + beta (1 + w)), w being the least eigenvalue of a symmetric W; derived here
    from the 2 x 2 recursion of each eigenvector. lr = 0.03 as for DGD; the agents stay apart, and
    from the optimum, as those of DGD with lr / (1 - beta).
    """

    id = "cdsgd"
    reference = (
        "Jiang, Balu, Hegde and Sarkar, Collaborative deep learning in fixed topology networks, "
        "NeurIPS 2017 (CDSGD and CDMSGD)"
    )
    lr: Annotated[float, Meta(gt=0, description="alpha, step size")] = 0.03
    momentum: Annotated[
        Literal["none", "polyak", "nesterov"], Meta(description="where the gradient is taken, if")
    ] = "none"
    beta: Annotated[
        float, Meta(ge=0, lt=1, description="how much of the velocity stays; not used by none")
    ] = 0.3

    def start(self, me: Agent) -> Rolling:
        """Return x_0 at rest."""
        x = me.problem.start().copy()
        return Rolling(x, np.empty_like(x), np.zeros_like(x))

    def round(self, s: Rolling, me: Agent) -> Round:
        """Send x_i, average, move by the velocity."""
        self._accelerate(s, me)
        message = me.encode("mix", s.x)
        inbox = yield me.share(message)
        mixed = me.mix(message, inbox, s.spare)
        mixed += s.v
        s.become(mixed)

    def _accelerate(self, s: Rolling, me: Agent) -> None:
        """v_i <- beta v_i - lr grad, the gradient taken where ``momentum`` says."""
        s.v *= 0.0 if self.momentum == "none" else self.beta
        ahead = np.add(s.x, s.v, out=s.spare) if self.momentum == "nesterov" else s.x
        s.v -= np.multiply(me.grad(ahead), self.lr, out=s.spare)
