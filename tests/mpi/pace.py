"""Asynchronous agents of a few lines: some make it hard to know who goes on first, some wait."""

from __future__ import annotations

import os
import time
from typing import Any

from netopt.agent import Exchange
from netopt.algorithms.async_diana import AsyncDiana
from netopt.algorithms.async_gossip import AsyncGossip


class Pairs(AsyncGossip):
    """Each agent tells one neighbour a turn, another each time, and waits for nobody."""

    id = "pairs"

    def round(self, s: Any, me: Any) -> Any:
        """Tell one, average with all that were heard."""
        target = me.successors[(me.round * (me.rank + 1)) % len(me.successors)]
        heard = yield Exchange({target: me.encode("mix", s.x)}, me.predecessors, wait="none")
        for j, messages in heard.items():
            for message in messages:
                s.x += 0.3 * (me.decode(message) - s.x) / (1 + me.age(message) ** 2) + 1e-3 * j


class Relay(AsyncGossip):
    """All wait for any of their neighbours, and tell all when they have heard one; 0 begins."""

    id = "relay"

    def round(self, s: Any, me: Any) -> Any:
        """Wait for any, average, tell one of them."""
        if me.rank % 2 == 0 and me.round < 3:
            yield Exchange(dict.fromkeys(me.successors, me.encode("mix", s.x)))
        heard = yield Exchange(sources=me.predecessors, wait="any")
        for messages in heard.values():
            s.x += 0.5 * (me.decode(messages[0]) - s.x)
        yield Exchange({me.successors[me.round % 2]: me.encode("mix", s.x)})


class Tie(AsyncGossip):
    """Agents 0 and 2 of three go on in the same moment, without time to compute."""

    id = "tie"

    def round(self, s: Any, me: Any) -> Any:
        """Agent 0 answers whom it hears, if it is agent 2."""
        if me.rank == 0:
            heard = yield Exchange(sources=(1, 2), wait="any")
            s.x += len(heard) + 10 * (2 in heard)
            yield Exchange({2: me.encode("mix", s.x)})
        else:
            yield Exchange({0: me.encode("mix", s.x)})
            if me.rank == 2:
                yield Exchange(sources=(0,))


class Told(AsyncDiana):
    """Asynchronous DIANA whose workers first get the hub's starting point."""

    id = "told"

    def setup(self, s: Any, me: Any) -> Any:
        """Tell x_0 + 1."""
        if me.rank == 0:
            s.x += 1.0
            yield Exchange(dict.fromkeys(me.successors, me.encode("down", s.x)))
        else:
            inbox = yield Exchange(sources=(0,))
            me.decode(inbox[0], s.x)

    def setup_traffic(self, topology: Any, problem: Any, codecs: Any) -> Any:
        """Return a frame of d numbers of 64 bits for each worker."""
        return [(0, j, 2 * problem.d) for j in range(1, topology.size)]


class Mute(AsyncGossip):
    """From round 3 on, agents 0 and 1 wait for any of each other, and neither sends."""

    id = "mute"

    def round(self, s: Any, me: Any) -> Any:
        """Play on, or wait."""
        if me.round >= 3 and me.rank < 2:
            yield Exchange(sources=(1 - me.rank,), wait="any")
            raise AssertionError("nobody sent anything")
        yield Exchange()


class Ill(AsyncGossip):
    """Agent 1 ends badly in its round 3."""

    id = "ill"
    how: str = "raise"

    def round(self, s: Any, me: Any) -> Any:
        """Raise or die."""
        if me.round == 3 and me.rank == 1:
            if self.how == "raise":
                raise ValueError("boom")
            os._exit(7)
        yield from super().round(s, me)


class Dozing(AsyncGossip):
    """Agent 1 dozes for a second, on the wall, in its round 1, while others send on."""

    id = "dozing"

    def round(self, s: Any, me: Any) -> Any:
        """Doze, then go on."""
        if me.round == 1 and me.rank == 1:
            time.sleep(1.0)
        yield from super().round(s, me)
