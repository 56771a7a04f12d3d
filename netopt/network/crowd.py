"""A crowd plays asynchronous agents in one process: always the one whose turn comes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netopt.agent import Message
from netopt.errors import FrameError
from netopt.links.queue import Flight
from netopt.network.actor import Actor

Told = Callable[[int, Message, Flight], None]


class Crowd:
    """The actors of a run, by rank; ``told`` counts each frame that is sent."""

    def __init__(self, actors: Sequence[Actor], told: Told) -> None:
        self._actors, self._told = actors, told

    def play(self, horizon: float) -> None:
        """Let every agent go on until its next step would be at ``horizon`` or later."""
        while True:
            moments = [actor.moment() for actor in self._actors]
            first = min(moments)
            if first >= horizon:
                return
            self._step(self._actors[moments.index(first)], first)

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
        receiver.put(rank, receiver.travel.moment(flight), None if fate.lost else arrived)
