"""QGD: decentralized descent on quantized iterates, which escapes saddle points."""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel
from netopt.algorithms import Algorithm, Round, Swapping
from netopt.schedules import Schedule
from netopt.schedules.sample_and_hold import SampleAndHold


class Qgd(Algorithm):
    """QGD: x_i <- (1 - eps_k) x_i + eps_k sum_j w_ij Q(x_j) - alpha_k grad f_i(x_i).

    Agent i quantizes its iterate (not a difference, no error feedback) and uses its own quantized
    value in the sum as well; the gradient is taken at the old x_i, and alpha_k is not multiplied by
    eps_k. Q is ``switching`` in the paper: even rounds and odd rounds have different grids. The
    network mean moves by eps_k mean(Q(x_i) - x_i) - alpha_k mean(grad f_i(x_i)). The default
    schedule is the paper's sample and hold with the parameters of its toy experiment: it begins
    with alpha = 1, which suits a smoothness L of about 1; for a larger L take a smaller c_g. The
    noise of a round is about eps sqrt(d) / (2 l) times ||x||, so a large d wants a smaller c_e. A
    network is quantized tensor by tensor in the paper: that is the codec ``per-tensor``, and its
    schedule has ``evaluate_at: stage``. W may be directed, as in the paper's W1.
    """

    id = "qgd"
    reference = "Bo and Wang, Quantization avoids saddle points, PNAS 121(17), 2024, Algorithm 1"
    tolerates_loss = True
    channels = (Channel("mix", default="switching"),)
    schedule: Annotated[Schedule, Meta(description="eps_k and alpha_k, the rates of round k")] = (
        msgspec.field(default_factory=SampleAndHold)
    )

    def start(self, me: Agent) -> Swapping:
        """Return x_0."""
        return Swapping.at(me.problem.start().copy())

    def round(self, s: Swapping, me: Agent) -> Round:
        """Send Q(x_i), average what came, step."""
        eps, alpha = self.schedule.rates(me.round)
        gradient = me.grad(s.x)
        message = me.encode("mix", s.x)
        inbox = yield me.share(message)
        mixed = me.mix(message, inbox, s.spare)
        # In place, in the order of the formula.
        mixed *= eps
        s.x *= 1.0 - eps
        mixed += s.x
        mixed -= np.multiply(gradient, alpha, out=s.x)
        s.become(mixed)
