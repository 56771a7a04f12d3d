"""Error feedback with a parameter server, both ways: what a codec forgets is sent later.

Worker i keeps e^i, the hub its own e. Worker i sends g^i = C(e^i + u^i) and keeps
e^i + u^i - g^i; the hub sends g = C(e + mean_i g^i), keeps the rest, and all agents step x -= eta
g. So y = x - eta (e + mean_i e^i) moves by -eta mean_i u^i, whatever the codecs are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netopt.agent import Agent, Exchange, Message, Vector
from netopt.algorithms import Round, State
from netopt.algorithms._star import HUB, Star
from netopt.codecs import Codec
from netopt.problems import Problem
from netopt.topologies import Topology


@dataclass(slots=True)
class Owing(State):
    """``e`` is a worker's error, ``owed`` the hub's, each (d,) where it is used and else empty.

    ``work`` has shape (d,), too.
    """

    e: Vector
    owed: Vector
    work: Vector


class Feedback(Star):
    """Base of error feedback: give ``round``, which adds u^i to a worker's e and calls ``swap``."""

    def start(self, me: Agent) -> Any:
        """Return x_0; nothing is owed."""
        e = np.zeros(0 if me.shard is None else me.d)
        owed = np.zeros(me.d if me.rank == HUB else 0)
        return Owing(me.problem.start().copy(), e, owed, np.empty(me.d))

    def swap(self, s: Any, me: Agent, up: str, down: str, eta: float) -> Round:
        """Send e^i and then e + mean_i g^i over two channels; step, and keep what is not sent."""
        mine = None
        if me.shard is not None:
            mine = self._sent(me, up, s.e, HUB)
        if me.rank == HUB:
            messages: dict[int, Message] = {} if mine is None else {HUB: mine}
            messages.update((yield Exchange(sources=me.predecessors)))
            for message in messages.values():
                me.add(message, 1.0 / len(messages), s.owed)
            step = self._sent(me, down, s.owed)
            me.add(step, -eta, s.x)
            yield Exchange(dict.fromkeys(me.successors, step))
        else:
            assert mine is not None, "all agents but the hub are workers"
            yield Exchange({HUB: mine})
            me.add((yield Exchange(sources=(HUB,)))[HUB], -eta, s.x)

    def _sent(self, me: Agent, channel: str, owed: Vector, to: int | None = None) -> Message:
        """Return the message with what is owed, and keep what it forgets of that."""
        message = me.encode(channel, owed, to)
        me.add(message, -1.0, owed)
        return message

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn of codecs that are not known to be contractions."""
        named = zip(self.channels, codecs, strict=True)
        return [
            f"error feedback needs a contraction, and codec {codec.id} on channel {channel.name} "
            "is not known to be one with these options: errors may pile up; use randk with "
            "unbiased: false, topk or sign"
            for channel, codec in named
            if not channel.telling and codec.contraction(problem.d) is None
        ]
