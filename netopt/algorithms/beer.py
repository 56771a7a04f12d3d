"""BEER: gradient tracking in which only compressed differences travel."""

from __future__ import annotations

import itertools
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

MOST = 0.5
"""gamma without compression: the eigenvalues of (1 - gamma) I + gamma W are not negative."""


@dataclass(slots=True)
class Known:
    """What the neighbours know of a vector of agent i, and what it knows of theirs.

    ``own`` is column i of H (or G) and ``mixed`` column i of H W, each of shape (d,). Agents keep
    only the weighted sum of their neighbours' columns, so memory does not grow with their number.
    ``scale`` is that of C, by the codec of ``channel``.
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
    gamma: float


class Beer(Algorithm):
    """BEER: X+ = X + gamma H (W - I) - eta V; V+ = V + gamma G (W - I) + grad(X+) - grad(X).

    H and G are what everybody knows of X and V: Q_h = C(X+ - H) travels on the channel ``h`` and
    H+ = H + Q_h; then Q_g = C(V+ - G) on ``g`` and G+ = G + Q_g. Columns are agents, H and G start
    at 0 and V at the gradients, whose sum it keeps (for a doubly stochastic W), so that a constant
    step reaches a stationary point of F itself. C is a contraction; an unbiased codec is scaled by
    1/(1 + omega), which makes it one. Without compression and with gamma = 1 this is gradient
    tracking from round 1 on: in round 0 nothing is known yet. gamma = ``codec`` is the smaller of
    the two channels' contractions, and at most 0.5. Top-k of a tenth bears 0.2 on the shipped
    graphs, but not 0.3. A graph with a small spectral gap is slow if gamma is small, too. eta =
    0.01 suits a smoothness L of up to 10. The default codecs take 4.5 bits a coordinate each.
    """

    id = "beer"
    reference = (
        "Zhao, Li, Li, Richtarik and Chi, BEER: fast O(1/T) rate for decentralized nonconvex "
        "optimization with communication compression, NeurIPS 2022, algorithm 1"
    )
    channels = (Channel("h", FOUR_BITS), Channel("g", FOUR_BITS))
    lr: Annotated[float, Meta(gt=0, description="eta, step size")] = 0.01
    gamma: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | Literal["codec"],
        Meta(description="gamma, mixing step size; codec: its contraction, but 0.5 at most"),
    ] = "codec"

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn of codecs that are no contractions, or very weak ones."""
        taken = "gamma" if self.gamma == "codec" else None
        found = [warnings(self.id, c, contraction_of(c, problem.d), taken) for c in codecs]
        return list(dict.fromkeys(itertools.chain(*found)))

    def start(self, me: Agent) -> Tracking:
        """Return x_0, v = grad f_i(x_0) and H = G = 0."""
        x = me.problem.start().copy()
        g = np.array(me.grad(x))
        h, known = Known.nothing(me, "h"), Known.nothing(me, "g")
        gamma = self.mixing(me) if isinstance(self.gamma, str) else self.gamma
        return Tracking(x, g.copy(), g, h, known, np.empty(me.d), gamma)

    def mixing(self, me: Agent) -> float:
        """Return the gamma of ``codec``."""
        found = [contraction_of(me.codec(channel.name), me.d) for channel in self.channels]
        return min(MOST, *(UNKNOWN if one is None else one for one in found))

    def round(self, s: Tracking, me: Agent) -> Round:
        """Step, tell Q_h, track, tell Q_g."""
        s.x += pull(s.h, s.gamma, s.work)
        s.x -= np.multiply(s.v, self.lr, out=s.work)
        yield from learn(s.h, s.x, me, s.work)
        g = me.grad(s.x)
        s.v += pull(s.known, s.gamma, s.work)
        s.v += g
        s.v -= s.g
        np.copyto(s.g, g)  # a problem may hand out the same array again
        yield from learn(s.known, s.v, me, s.work)


def pull(known: Known, gamma: float, out: Vector) -> Vector:
    """Write an agent's column of gamma H (W - I) to ``out``."""
    np.subtract(known.mixed, known.own, out=out)
    return np.multiply(out, gamma, out=out)


def learn(known: Known, x: Vector, me: Agent, work: Vector) -> Round:
    """Tell Q = C(X - H) and learn it: H+ = H + Q, and H+ W = H W + Q W."""
    q = me.encode(known.channel, np.subtract(x, known.own, out=work))
    inbox = yield me.share(q)
    me.add(q, known.scale, known.own)
    mixed = me.mix(q, inbox, work)
    known.mixed += np.multiply(mixed, known.scale, out=mixed)
