"""Tracers in emulated seconds, and in seconds on the wall."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from netopt.agent import Agent, Exchange, Message
from netopt.algorithms import Round
from netopt.config import Experiment
from netopt.links.queue import Fate, Flight, Ports, Stamp
from netopt.network.posts import Sender
from netopt.network.trace import Arrival, Place, Trace, Tracer, put_before
from netopt.network.travel import Travel, VirtualClock


class VirtualTracer(Tracer):
    """Traces in emulated seconds, which pass while the clock works, and when it has to wait.

    If the clock measures processor time, an operation has the part of the emulated span that it
    took of the measured one. If it models time, no operation has a time of its own: decoding stands
    at the beginning of the span and encoding at its end, so that the trace is the same in each run.
    Measured time has the looking in it as well, a few microseconds an operation.
    """

    tick = staticmethod(time.thread_time)

    def __init__(
        self, agent: Agent, travel: Travel, experiment: Experiment, clock: VirtualClock
    ) -> None:
        self._clock, self._modelled = clock, experiment.compute.modelled
        self._since = self._started = 0.0
        self._left = dict.fromkeys(agent.successors, 0)
        self._ports = _ports(agent, travel, experiment)
        super().__init__(agent, travel, experiment)
        put_before(clock, "work", self._work)
        put_before(clock, "rest", self._rest)
        put_before(clock, "until", self._until)
        put_before(travel, "leave", self._leave)
        put_before(travel, "arrive", self._arrive)
        put_before(travel, "moment", self._moment)

    def now(self) -> float:
        """Return the clock's time."""
        return self._clock.now

    def _work(self, call: Callable[[], None]) -> Callable[[], None]:
        def work() -> None:
            self.inner.clear()
            self._started = self.now()
            call()
            self._since = self.tick()

        return work

    def _rest(self, call: Callable[[], None]) -> Callable[[], None]:
        def rest() -> None:
            measured = self.tick() - self._since
            call()
            begin, end = self._started, self.now()
            if end > begin:
                self.keep("compute", begin, end)
            scale = (end - begin) / measured if measured > 0 else 0.0
            for operation in self.inner:
                kind, first, last = operation[:3]
                moments = [begin + (tick - self._since) * scale for tick in (first, last)]
                if self._modelled:
                    moments = [begin, begin] if kind == "decode" else [end, end]
                one, two = (min(max(moment, begin), end) for moment in moments)
                self.keep(kind, one, two, self.place(operation))

        return rest

    def _until(self, call: Callable[[float], None]) -> Callable[[float], None]:
        def until(moment: float) -> None:
            begin = self.now()
            call(moment)
            if self.now() > begin:
                self.keep("wait", begin, self.now())

        return until

    def _leave(self, call: Callable[[int, int, Fate], Stamp]) -> Callable[[int, int, Fate], Stamp]:
        def leave(target: int, size: int, fate: Fate) -> Stamp:
            now = self.now()
            self._ports.leave(target, size, now, fate)
            self.keep("send", now, now, Place(self.agent.rank, target, size, self._left[target]))
            self._left[target] += self.begun
            return call(target, size, fate)

        return leave

    def _arrive(self, call: Callable[[list[Flight]], None]) -> Callable[[Iterable[Flight]], None]:
        def arrive(flights: Iterable[Flight]) -> None:
            told = list(flights)
            came = self._ports.arrive(told)
            for flight in told:
                self._fly(flight, came[flight.source])
            call(told)

        return arrive

    def _moment(self, call: Callable[[Flight], float]) -> Callable[[Flight], float]:
        def moment(flight: Flight) -> float:
            whole = call(flight)
            self._fly(flight, whole)
            return whole

        return moment

    def _fly(self, flight: Flight, moment: float) -> None:
        source, target, size, stamp, fate = flight
        place = Place(source, target, size, self.heard[source])
        self.hear(Arrival(place, moment, *stamp, fate.resent, fate.lost))

    def _begin(self, call: Callable[[], None]) -> Callable[[], None]:
        def begin() -> None:
            self._ports.reset()
            call()

        return super()._begin(begin)


class WallTracer(Tracer):
    """Traces in seconds on the wall: computing is what the agent's generator takes to go on.

    A frame arrives when the agent goes on with it; one that is lost does not.
    """

    def __init__(self, agent: Agent, travel: Travel, experiment: Experiment) -> None:
        self._clock = travel.clock
        self._sender: Sender | None = None
        self._mark = 0.0
        super().__init__(agent, travel, experiment)

    def now(self) -> float:
        """Return the wall's time, which all ranks share as far as their hosts do."""
        return time.time() if self._clock is None else self._clock.now

    tick = now

    def follow(self, round_: Round) -> Round:
        """Yield the same exchanges as ``round_``, and see how long each takes."""
        inbox: Any = None
        while True:
            begin = self.now()
            self.inner.clear()
            try:
                wish = next(round_) if inbox is None else round_.send(inbox)
            except StopIteration:
                return
            finally:
                self._computed(begin, self.now())
            if self._sender is None and isinstance(wish, Exchange):
                for target, message in sorted(wish.out.items()):
                    self._sent(message, target, self._mark)
            inbox = yield wish
            self._came(inbox)

    def sends_by(self, sender: Sender) -> None:
        """See how long each frame takes to leave."""
        self._sender = sender
        put_before(sender, "send", self._send)

    def _send(self, call: Callable[..., None]) -> Callable[..., None]:
        def send(message: Message, target: int, again: bool = False) -> None:
            begin = self.now()
            call(message, target, again)
            if not again:
                self._sent(message, target, begin)

        return send

    def _sent(self, message: Message, target: int, begin: float) -> None:
        self._mark = begin if self._sender is None else self.now()
        place = Place(self.agent.rank, target, len(message.frame), _number(message))
        self.keep("send", begin, self._mark, place)

    def _computed(self, begin: float, end: float) -> None:
        self.keep("compute", begin, end)
        for operation in self.inner:
            self.keep(*operation[:3], self.place(operation))
        self._mark = end

    def _came(self, inbox: Mapping[int, Any]) -> None:
        now = self.now()
        self.keep("wait", self._mark, now)
        for source, heard in inbox.items():
            for message in [heard] if isinstance(heard, Message) else heard:
                place = Place(source, self.agent.rank, len(message.frame), _number(message))
                self.hear(Arrival(place, now))


def tracer(agent: Agent, travel: Travel, experiment: Experiment) -> Tracer | None:
    """Return an agent's tracer, which stands in its place already; None if none is wanted."""
    if not experiment.options.record.trace:
        return None
    if isinstance(travel.clock, VirtualClock):
        return VirtualTracer(agent, travel, experiment, travel.clock)
    return WallTracer(agent, travel, experiment)


def joined(tracers: Iterable[Tracer | None]) -> Trace:
    """Return the trace of several agents, in the order of their ranks."""
    trace = Trace([], [], [])
    for one in tracers:
        if one is not None:
            trace.spans.extend(one.spans)
            trace.arrivals.extend(one.arrivals)
            trace.ended.append(one.ended)
    return trace


def _number(message: Message) -> int:
    return message.header.round << 16 | message.header.exchange


def _ports(agent: Agent, travel: Travel, experiment: Experiment) -> Ports:
    """Return the agent's end of its links as its travel has it: asked the same, it says the same.

    The travel itself only tells when the last frame of an exchange is there.
    """
    graph, rank = experiment.topology, agent.rank
    edges = [(rank, j) for j in agent.successors] + [(j, rank) for j in agent.predecessors]
    links = {edge: travel.link(*edge) for edge in edges}
    return Ports(rank, links, graph.uplinks.get(rank), graph.downlinks.get(rank))
