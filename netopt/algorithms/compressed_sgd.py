"""Compressed SGD: error feedback and noise, which leaves saddle points at a tenth of the bits."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from netopt.agent import TELLING, Agent, Channel, Exchange, Inbox, Vector
from netopt.algorithms import Extra, Round
from netopt.algorithms._feedback import Feedback, Owing
from netopt.algorithms._star import HUB
from netopt.algorithms._stochastic import Lr, Noise, add_noise
from netopt.codecs import Codec
from netopt.core import packing
from netopt.problems import Problem
from netopt.topologies import Topology

RESET, TOLD = 2, 3
"""Indices of channels."""
RANDOM_K = {"id": "randk", "indices": "common", "unbiased": False, "fraction": 0.1}
Iterations = Annotated[
    Annotated[int, Meta(ge=0)] | None,
    Meta(description="escape iterations: a reset once t - t' > I; null: never for that reason"),
]
Radius = Annotated[
    Annotated[float, Meta(gt=0)] | None,
    Meta(description="escape radius: a reset farther than this from x_t'; null: as with I"),
]


@dataclass(slots=True)
class Since(Owing):
    """``since`` is t', the round of the last reset, and ``origin`` x_t', empty if R is not set."""

    since: int
    origin: Vector


class CompressedSgd(Feedback):
    """Compressed SGD: u_t = g_t + xi_t, send C(e_t + u_t), x <- x - eta C(.), keep the rest in e.

    xi_t ~ N(0, (r^2/d) I) is drawn alike by all agents. Every worker has an error e_i of its own,
    the hub one of what its answer forgets, and x - eta (mean_i e_i + e) moves as SGD with exact
    messages does. A reset, if t - t' > ``I`` or ||x - eta e - x_t'|| > ``R``, sends the whole of
    the errors over the channel ``reset``; t' is the round after it. I and R are off (null) by
    default: random-k on coordinates common to all agents, the default both ways, is linear and
    needs no reset; other codecs do, in theory. No agent knows ||x - eta e - x_t'||: with R set each
    worker tells ||x - eta e_i - x_t'|| in every round, one number, and the hub takes the mean plus
    eta times the norm of its own error, which is never less; for one worker and a lossless answer
    it is the norm itself, up to float32. It answers with one number, too.

    lr = 0.02 and r = 0.1 suit smoothness and distances of about 1 at a tenth of the coordinates.
    The constants of theory are far too small to run: lr, r, I and R are to be tuned. A contraction
    mu wants lr L of at most about mu; r = 0 leaves only the noise of the gradients.
    """

    id = "compressed-sgd"
    reference = (
        "Avdiukhin and Yaroslavtsev, Escaping saddle points with compressed SGD, NeurIPS 2021"
    )
    channels = (Channel("up", RANDOM_K), Channel("down", RANDOM_K), Channel("reset"), TELLING)
    lr: Lr = 0.02
    r: Noise = 0.1
    I: Iterations = None  # noqa: E741  # the paper's name
    R: Radius = None

    def start(self, me: Agent) -> Any:
        """Return x_0; nothing is owed, t' = 0."""
        s = super().start(me)
        origin = s.x.copy() if self.R is not None else s.x[:0].copy()
        return Since(s.x, s.e, s.owed, s.work, 0, origin)

    def round(self, s: Since, me: Agent) -> Round:
        """Owe u_t; send both ways, and step; reset if it is time."""
        if me.shard is not None:
            s.e += me.grad(s.x)
            add_noise(me, self.r, s.e, s.work)
        yield from self.swap(s, me, "up", "down", self.lr)
        far = self.R is not None and (yield from self.escaped(s, me))
        if far or (self.I is not None and me.round - s.since > self.I):
            yield from self.swap(s, me, "reset", "reset", self.lr)
            s.since = me.round + 1
            if self.R is not None:
                s.origin[:] = s.x

    def escaped(self, s: Since, me: Agent) -> Generator[Exchange, Inbox, bool]:
        """Tell how far one is, and return the hub's verdict: whether y is farther than R."""
        if me.rank != HUB:
            yield Exchange({HUB: me.tell(np.array([self.distance(s)]), HUB)})
            inbox = yield Exchange(sources=(HUB,))
            return bool(me.decode(inbox[HUB])[0])
        told = [] if me.shard is None else [self.distance(s)]
        inbox = yield Exchange(sources=me.predecessors)
        told += [float(me.decode(inbox[i])[0]) for i in me.predecessors]
        owed = self.lr * packing.norm(s.owed, "l2")
        far = sum(told) / len(told) + owed > (self.R or 0.0)
        verdict = me.tell(np.array([float(far)]))
        yield Exchange(dict.fromkeys(me.successors, verdict))
        return far

    def distance(self, s: Since) -> float:
        """Return ||x - eta e_i - x_t'|| of a worker."""
        np.multiply(s.e, -self.lr, out=s.work)
        s.work += s.x
        s.work -= s.origin
        return packing.norm(s.work, "l2")

    def extras(self, topology: Topology, rounds: int) -> Sequence[Extra]:
        """Return the resets, d numbers each way, and what is told in every round if R is set."""
        others, found = range(1, topology.size), []
        both = [(i, HUB) for i in others] + [(HUB, i) for i in others]
        if self.I is not None or self.R is not None:
            times = None if self.I is None or self.R is not None else rounds // (self.I + 2)
            found.append(Extra("reset", times, [(*edge, RESET) for edge in both]))
        if self.R is not None:
            found.append(Extra("telling of distances", rounds, [(*edge, TOLD) for edge in both]))
        return found

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn of codecs that are no contractions, or not linear where nothing is reset."""
        found = list(super().review(topology, problem, codecs))
        crooked = [codec.id for codec in codecs[:RESET] if not codec.linear()]
        if crooked and self.I is None and self.R is None:
            found.append(
                f"compressed-sgd has no theory for {' and '.join(dict.fromkeys(crooked))} without "
                "resets, since C(x + y) is not C(x) + C(y); give I or R, or use randk with "
                "indices: common"
            )
        return found
