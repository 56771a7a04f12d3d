"""BEER: gradient tracking in which only compressed differences travel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel, Vector
from netopt.algorithms import Algorithm, Round, State
from netopt.codecs import Codec
from netopt.problems import Problem
from netopt.topologies import Topology


@dataclass(slots=True)
class Known:
    """What the neighbours know of a vector of agent i, and what it knows of theirs.

    ``own`` is column i of H (or G) and ``mixed`` column i of H W, each of shape (d,). Agents keep
    only the weighted sum of their neighbours' columns, so memory does not grow with their number.
    ``scale`` is that of C, the codec of ``channel``.
    """

    channel: str
    scale: float
    own: Vector
    mixed: Vector

    @classmethod
    def nothing(cls, me: Agent, channel: str) -> Known:
        """Return zeros, what all agents know before round 0."""
        return cls(channel, scale_of(me.codec(channel), me.d), np.zeros(me.d), np.zeros(me.d))


@dataclass(slots=True)
class Tracking(State):
    """x, the tracker v and the last gradient g, shape (d,); ``h`` and ``known`` are H and G."""

    v: Vector
    g: Vector
    h: Known
    known: Known
    work: Vector


class Beer(Algorithm):
    """BEER: X+ = X + gamma H (W - I) - eta V; V+ = V + gamma G (W - I) + grad(X+) - grad(X).

    H and G are what everybody knows of X and V: Q_h = C(X+ - H) travels on the channel ``h`` and
    H+ = H + Q_h; then Q_g = C(V+ - G) on ``g`` and G+ = G + Q_g. Columns are agents, H and G start
    at 0 and V at the gradients, whose sum it keeps (for a doubly stochastic W), so that a constant
    step reaches a stationary point of F itself. C is a contraction; a codec that is only known to
    be unbiased is scaled by 1/(1 + omega), which makes it one. Without compression and with
    gamma = 1 this is gradient tracking from round 1 on: in round 0 nothing is known yet. The finer
    the compression, the larger gamma may be: 0.3 suits top-k of a tenth, and eta = 0.01 a
    smoothness L of up to 10 on every shipped graph. A small spectral gap wants a smaller eta.
    """

    id = "beer"
    reference = (
        "Zhao, Li, Li, Richtarik and Chi, BEER: fast O(1/T) rate for decentralized nonconvex "
        "optimization with communication compression, NeurIPS 2022, algorithm 1"
    )
    channels = (Channel("h", "topk"), Channel("g", "topk"))
    lr: Annotated[float, Meta(gt=0, description="eta, step size")] = 0.01
    gamma: Annotated[float, Meta(gt=0, le=1, description="gamma, mixing step size")] = 0.3

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn of a codec that is no contraction, scaled or not."""
        return [
            f"{self.id} needs contractions, and {codec.id} on channel '{channel.name}' is not "
            "known to be one with these options: its errors may add up"
            for channel, codec in zip(self.channels, codecs, strict=True)
            if codec.contraction(problem.d) is None and codec.omega(problem.d) is None
        ]

    def start(self, me: Agent) -> Tracking:
        """Return x_0, v = grad f_i(x_0) and H = G = 0."""
        x = me.problem.start().copy()
        g = np.array(me.grad(x))
        h, known = Known.nothing(me, "h"), Known.nothing(me, "g")
        return Tracking(x, g.copy(), g, h, known, np.empty(me.d))

    def round(self, s: Tracking, me: Agent) -> Round:
        """Step, tell Q_h, track, tell Q_g."""
        s.x += self.pull(s.h, s.work)
        s.x -= np.multiply(s.v, self.lr, out=s.work)
        yield from self.learn(s.h, s.x, me, s.work)
        g = me.grad(s.x)
        s.v += self.pull(s.known, s.work)
        s.v += g
        s.v -= s.g
        np.copyto(s.g, g)  # a problem may hand out the same array again
        yield from self.learn(s.known, s.v, me, s.work)

    def pull(self, known: Known, out: Vector) -> Vector:
        """Write this agent's column of gamma H (W - I) to ``out``."""
        np.subtract(known.mixed, known.own, out=out)
        return np.multiply(out, self.gamma, out=out)

    def learn(self, known: Known, x: Vector, me: Agent, work: Vector) -> Round:
        """Tell Q = C(X - H) and learn it: H+ = H + Q, and H+ W = H W + Q W."""
        q = me.encode(known.channel, np.subtract(x, known.own, out=work))
        inbox = yield me.share(q)
        me.add(q, known.scale, known.own)
        mixed = me.mix(q, inbox, work)
        known.mixed += np.multiply(mixed, known.scale, out=mixed)


def scale_of(codec: Codec, d: int) -> float:
    """Return 1, or 1/(1 + omega) for a codec that is unbiased and not itself a contraction."""
    omega = codec.omega(d)
    return 1.0 if omega is None or codec.contraction(d) is not None else 1 / (1 + omega)
