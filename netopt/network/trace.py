"""Traces: what each agent does when, span by span, if the run file asks for it.

A tracer puts itself in front of the methods by which one agent encodes and decodes, its clock works
and waits, and its frames leave and arrive; a run without a trace pays nothing for that. Its seconds
are those of a virtual clock, else of the wall. ``netopt.network.chrome`` writes what it has seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any, NamedTuple

from netopt.agent import Agent
from netopt.algorithms import Round
from netopt.config import Experiment
from netopt.keys import BROADCAST
from netopt.network.posts import Sender
from netopt.network.travel import Travel

MOST = 100_000
"""Spans that a run keeps, in equal parts for its agents, and arrivals as well.

The root needs less than 1 kB for each, when it writes the file.
"""
NOBODY = -1
KINDS = {"encode": "encode", "tell": "encode", "decode": "decode", "add": "decode", "mix": "decode"}
"""The agent's methods that are timed, and what kind of span each makes."""


Operation = tuple[str, float, float, Any, Sequence[Any]]
"""Kind, first and last tick of a call, what it returned, and what it was given."""


class Place(NamedTuple):
    """The edge of a frame, its bytes, and a number that tells it apart from others on the edge.

    Source and target are NOBODY where there are several.
    """

    source: int = NOBODY
    target: int = NOBODY
    size: int = 0
    number: int = NOBODY


NOWHERE = Place()


class Span(NamedTuple):
    """What an agent did from ``begin`` to ``end`` (s): compute, encode, send, wait, or decode."""

    kind: str
    rank: int
    round: int
    exchange: int
    begin: float
    end: float
    place: Place


class Arrival(NamedTuple):
    """A frame that was whole at its receiver at ``moment`` (s).

    ``begin`` and ``end`` (s) are those of its stamp; without a virtual clock they say nothing.
    """

    place: Place
    moment: float
    begin: float = 0.0
    end: float = 0.0
    resent: int = 0
    lost: bool = False


class Ended(NamedTuple):
    """When an agent's round 0 began, and from when on there was no room; None if always (s)."""

    origin: float
    full: float | None


class Trace(NamedTuple):
    """The traces of all agents, one after the other in the order of their ranks."""

    spans: list[Span]
    arrivals: list[Arrival]
    ended: list[Ended]


class Tracer(ABC):
    """Keeps the spans and arrivals of one agent until it has no more room.

    A kind of tracer knows the time. What the agent encodes and decodes is part of what it computes.
    """

    def __init__(self, agent: Agent, travel: Travel, experiment: Experiment) -> None:
        self.agent = agent
        self._room = MOST // experiment.topology.size
        self._share = self._room // max(1, len(agent.predecessors))
        self.heard = dict.fromkeys(agent.predecessors, 0)
        self.begun = self.on = False
        self._origin = 0.0
        self._full: float | None = None
        self.inner: list[Operation] = []
        self.spans: list[Span] = []
        self.arrivals: list[Arrival] = []
        for name, kind in KINDS.items():
            put_before(agent, name, partial(self._timed, kind))
        put_before(travel, "begin", self._begin)

    @property
    def ended(self) -> Ended:
        """Return where the trace begins and ends."""
        return Ended(self._origin, self._full)

    def follow(self, round_: Round) -> Round:
        """Return a generator of the same exchanges."""
        return round_

    def sends_by(self, sender: Sender) -> None:  # noqa: B027  # not every kind looks there
        """Say through what the agent's frames leave this process."""

    @abstractmethod
    def now(self) -> float:
        """Return the time, in seconds."""

    @abstractmethod
    def tick(self) -> float:
        """Return the time by which operations are timed, in seconds."""

    def _begin(self, call: Callable[[], None]) -> Callable[[], None]:
        """Trace from here on: what comes before is set-up."""

        def begin() -> None:
            call()
            self.begun = self.on = True
            self._origin = self.now()

        return begin

    def _timed(self, kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Note down when the agent encodes or decodes what."""

        @wraps(call)
        def timed(*arguments: Any, **options: Any) -> Any:
            first = self.tick()
            result = call(*arguments, **options)
            if self.on:  # the rest of it is told when the clock does not measure any more
                given = (*arguments, *options.values())
                self.inner.append((kind, first, self.tick(), result, given))
            return result

        return timed

    def place(self, operation: Operation) -> Place:
        """Return the edge and the bytes of what was encoded or decoded."""
        kind, _, _, result, given = operation
        rank = self.agent.rank
        if kind == "encode":
            size, receiver = len(result.frame), result.receiver
            return Place(size=size) if receiver == BROADCAST else Place(rank, receiver, size)
        if len(given) > 1 and isinstance(given[1], Mapping):  # the inbox that is mixed
            return Place(size=sum(len(message.frame) for message in given[1].values()))
        size, sender = len(given[0].frame), given[0].header.sender
        return Place(size=size) if sender == rank else Place(sender, rank, size)

    def keep(self, kind: str, begin: float, end: float, place: Place = NOWHERE) -> None:
        """Keep a span, if there is room; the trace is full if not."""
        if not self.on:
            return
        if len(self.spans) < self._room:
            here = (self.agent.rank, self.agent.round, self.agent.exchange)
            self.spans.append(Span(kind, *here, begin, end, place))
        else:
            self.on = False
            self._fill(begin)

    def hear(self, arrival: Arrival) -> None:
        """Keep an arrival, if its source's part of the room is not taken."""
        source = arrival.place.source
        if not self.begun:
            return
        if self.heard[source] < self._share:
            self.arrivals.append(arrival)
        else:
            self._fill(arrival.moment)
        self.heard[source] += 1

    def _fill(self, moment: float) -> None:
        self._full = moment if self._full is None else min(moment, self._full)


def put_before(thing: object, name: str, around: Callable[[Any], Callable[..., Any]]) -> None:
    """Let ``around`` say what is done instead of a method of this one object."""
    setattr(thing, name, around(getattr(thing, name)))
