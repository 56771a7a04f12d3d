"""DeepSqueeze: gossip on compressed models, each with what compression lost the round before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel, Vector
from netopt.algorithms import Algorithm, Round, State
from netopt.algorithms._estimates import FOUR_BITS, UNKNOWN, contraction_of, scale_of, warnings
from netopt.codecs import Codec
from netopt.problems import Problem
from netopt.topologies import Topology


@dataclass(slots=True)
class Squeezed(State):
    """``delta`` is delta_i, what compression has lost, ``work`` an array to work in, shape (d,).

    ``scale`` is that of C, by the codec.
    """

    delta: Vector
    work: Vector
    eta: float
    scale: float


class DeepSqueeze(Algorithm):
    """DeepSqueeze: x_i -= lr grad f_i(x_i), x_i += eta (sum_j w_ij C(v_j) - C(v_i)).

    Between the two, v_i = x_i + delta_i is compressed, and delta_i = v_i - C(v_i) is kept. The
    model travels, not a difference, so the error delta_i does not vanish: the agents stay apart by
    about eta ||delta||, and a coarse codec needs a small eta. ``codec`` is half the codec's
    contraction; all of it diverged with randk. The average of the x_i moves by gradients alone.
    An unbiased codec is scaled by 1/(1 + omega), which makes it a contraction. The default codec
    takes 4.5 bits a coordinate. lr = 0.03 as for DGD, which averages before it steps and is
    otherwise this without compression and with eta = 1.
    """

    id = "deep-squeeze"
    reference = (
        "Tang, Lian, Qiu, Yuan, Zhang, Zhang and Liu, DeepSqueeze: Decentralization meets "
        "error-compensated compression, arXiv:1907.07346, 2019, algorithm 1"
    )
    channels = (Channel("mix", FOUR_BITS),)
    lr: Annotated[float, Meta(gt=0, description="gamma, step size")] = 0.03
    eta: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | Literal["codec"],
        Meta(description="eta, how much of the others is taken; codec: half its contraction"),
    ] = "codec"

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn of a codec that is no contraction however scaled."""
        taken = "eta" if self.eta == "codec" else None
        return warnings(self.id, codecs[0], contraction_of(codecs[0], problem.d), taken)

    def start(self, me: Agent) -> Squeezed:
        """Return x_0, with nothing lost."""
        x, codec = me.problem.start(), me.codec("mix")
        eta = self.share(codec, me.d) if isinstance(self.eta, str) else self.eta
        return Squeezed(x.copy(), np.zeros_like(x), np.empty_like(x), eta, scale_of(codec, me.d))

    def share(self, codec: Codec, d: int) -> float:
        """Return the eta of ``codec``."""
        omega = contraction_of(codec, d)
        return (UNKNOWN if omega is None else omega) / 2

    def round(self, s: Squeezed, me: Agent) -> Round:
        """Step, send C(v_i), keep what it lost, gossip."""
        s.x -= np.multiply(me.grad(s.x), self.lr, out=s.work)
        v = np.add(s.delta, s.x, out=s.delta)
        message = me.encode("mix", v)
        me.add(message, -s.scale, s.delta)
        eta = s.eta * s.scale
        me.add(message, -eta, s.x)
        inbox = yield me.share(message)
        mixed = me.mix(message, inbox, s.work)
        s.x += np.multiply(mixed, eta, out=mixed)
