"""A crowd plays asynchronous agents in one process: always the one whose turn comes first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from netopt.agent import Message
from netopt.errors import ExchangeError, FrameError
from netopt.links.queue import Flight
from netopt.network.actor import Actor

Told = Callable[[int, Message, Flight], None]
NAMED = 4
"""Agents that are named of those that wait for each other; the others are counted."""


class Crowd:
    """The actors of a run, by rank; ``told`` counts each frame that is sent."""

    def __init__(self, actors: Sequence[Actor], told: Told) -> None:
        self._actors, self._told = actors, told

    def play(self, horizon: float) -> None:
        """Let every agent go on until its next step would be at ``horizon`` or later.

        Raises ExchangeError if some never will, since they wait for each other.
        """
        while True:
            moments = [actor.moment() for actor in self._actors]
            first = min(moments)
            if first >= horizon:
                break
            self._step(self._actors[moments.index(first)], first)
        if dead := self._dead(moments):
            told = "; ".join(actor.waits() for actor in dead[:NAMED])
            more = f"; and so do {len(dead) - NAMED} more" if len(dead) > NAMED else ""
            raise ExchangeError(f"agents wait for each other, and none can go on: {told}{more}")

    def _dead(self, moments: Sequence[float]) -> list[Actor]:
        """Return the agents that go on at no known moment and that nobody alive can wake."""
        alive = {i for i, moment in enumerate(moments) if moment < math.inf}
        asleep = [actor for actor in self._actors if actor.agent.rank not in alive]
        while woken := [actor for actor in asleep if actor.wakes(alive)]:
            alive |= {actor.agent.rank for actor in woken}
            asleep = [actor for actor in asleep if actor.agent.rank not in alive]
        return asleep

    def _step(self, actor: Actor, moment: float) -> None:
        wish = actor.act(moment)
        for target in sorted(wish.out) if wish is not None else ():
            self._carry(actor, target, wish.out[target])  # type: ignore[union-attr]

    def _carry(self, actor: Actor, target: int, message: Message) -> None:
        """Send a frame: its arrival is known at once."""
        rank, receiver = actor.agent.rank, self._actors[target]
        fate = actor.travel.fate(rank, target)
        stamp = actor.travel.leave(target, len(message.frame), fate)
        flight = Flight(rank, target, len(message.frame), stamp, fate)
        self._told(target, message, flight)
        try:
            arrived = receiver.agent.accept(message.frame, rank, anywhere=True)
        except FrameError as error:
            raise FrameError(f"edge {rank} -> {target}: {error}") from None
        receiver.put(flight, arrived)
