"""Travel: how frames fare between agents, and what time it is for one of them.

Both drivers ask it at the same places of an exchange with the same numbers, so that chance and the
virtual clock are the same in both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from itertools import repeat

from msgspec import structs

from netopt.agent import Agent
from netopt.compute import Meter
from netopt.config import Experiment
from netopt.keys import Key, Purpose
from netopt.links import Link
from netopt.links.queue import CERTAIN, Fate, Flight, Ports, Stamp, fate

FABRIC = "NETOPT_FABRIC"
"""Set where the kernel has the links' rates: netopt then leaves them to it."""

FABRIC_LATENCY = "NETOPT_FABRIC_LATENCY"
"""Set where it has their latencies too."""

ALL_CERTAIN = repeat(CERTAIN)
"""The fates of as many frames as one wants, on links without loss and jitter."""

SPIN = 0.002
"""Seconds before a due time from which a rank only yields: sleep is not more exact than this."""


class VirtualClock:
    """Logical time of one agent: what it computes, and what it waits for; 0 until ``reset``."""

    def __init__(self, meter: Meter) -> None:
        self._meter, self._running = meter, False
        self.now = 0.0

    def reset(self) -> None:
        """Start at 0."""
        self.now, self._running = 0.0, True

    def work(self) -> None:
        """Say that the agent goes on."""
        if self._running:
            self._meter.begin()

    def rest(self) -> None:
        """Say that it has come to a wait, or to the end of its round."""
        if self._running:
            self.now += self._meter.end()

    def skip(self, seconds: float) -> None:
        """Say that so much of the processor's time since ``work`` was a wait."""
        self._meter.skip(seconds)

    def until(self, moment: float) -> None:
        """Stand at ``moment``, unless it is later already."""
        self.now = max(self.now, moment)


class RealClock:
    """Seconds on the wall, as all ranks of a host see them; waiting takes them.

    ``shift`` (s) is added to this host's clock: all ranks then have the root's time.
    """

    def __init__(self, shift: float = 0.0) -> None:
        self._shift = shift

    @property
    def now(self) -> float:
        """Return the time."""
        return time.monotonic() + self._shift

    def reset(self) -> None:
        """Do nothing: this clock cannot be set."""

    def work(self) -> None:
        """Do nothing: computing takes its time by itself."""

    def rest(self) -> None:
        """Do nothing, as in ``work``."""

    def skip(self, seconds: float) -> None:
        """Do nothing, as in ``work``."""

    def until(self, moment: float) -> None:
        """Return at ``moment``, or at once if it has passed; others may have the core meanwhile."""
        while (left := moment - self.now) > 0:
            if left > SPIN:
                time.sleep(left - SPIN)
            else:
                os.sched_yield()


Clock = VirtualClock | RealClock


class Travel:
    """One agent's end of its links: what chance has for frames, when they leave and arrive.

    ``clock`` is None if a run has none; frames then take no time, but can still be lost.
    """

    def __init__(self, agent: Agent, experiment: Experiment, shift: float = 0.0) -> None:
        self._agent = agent
        graph, rank = experiment.topology, agent.rank
        links = {(rank, j): graph.link(rank, j) for j in agent.successors}
        links |= {(j, rank): graph.link(j, rank) for j in agent.predecessors}
        self.clock = _clock(agent, experiment, shift)
        self._kernel = isinstance(self.clock, RealClock) and FABRIC in os.environ
        if self._kernel:
            links = {edge: _what_is_left(link) for edge, link in links.items()}
        self._links = links
        shared = graph.uplinks.get(rank), graph.downlinks.get(rank)
        self._ports = Ports(rank, links, *shared)
        self._chancy = any(link.loss or link.jitter for link in links.values())
        self._begun = False

    def begin(self) -> None:
        """Let the run begin: set-up is over, which chance and the virtual clock leave alone."""
        self._begun = True
        self._ports.reset()
        if self.clock is not None:
            self.clock.reset()

    def link(self, source: int, target: int) -> Link:
        """Return the link of an edge that begins or ends here."""
        return self._links[source, target]

    def fate(self, source: int, target: int, place: tuple[int, int] | None = None) -> Fate:
        """Return the fate of the frame that crosses an edge in this exchange.

        ``place`` is the round and the exchange in which it was sent, if that is not here and now.
        """
        if not (self._chancy and self._begun):
            return CERTAIN
        agent = self._agent
        k, exchange = place or (agent.round, agent.exchange)
        key = Key(agent.seed, Purpose.LINK, k, exchange, source, target)
        return fate(self._links[source, target], key)

    def fates(self, sources: Sequence[int]) -> Iterable[Fate]:
        """Return the fates of the frames of these sources in this exchange, in their order.

        ``ALL_CERTAIN`` where chance has no say: that costs no exchange anything.
        """
        if not (self._chancy and self._begun):
            return ALL_CERTAIN
        return [self.fate(source, self._agent.rank) for source in sources]

    def leave(self, target: int, size: int, fate: Fate) -> Stamp:
        """Return the stamp of a frame that leaves now, in the order of targets; needs a clock."""
        assert self.clock is not None
        return self._ports.leave(target, size, self.clock.now, fate)

    def moment(self, flight: Flight) -> float:
        """Return when a frame is whole here that is received by itself, not with an exchange's."""
        return self._ports.arrive(self._delivered([flight]))[flight.source]

    def arrive(self, flights: Iterable[Flight]) -> None:
        """Let the clock stand at the moment when all frames of an exchange are here."""
        assert self.clock is not None
        came = self._ports.arrive(self._delivered(flights))
        if came:
            self.clock.until(max(came.values()))

    def _delivered(self, flights: Iterable[Flight]) -> Iterable[Flight]:
        """Return flights, over a fabric as what remains: the kernel has brought them up to now."""
        if not self._kernel or self.clock is None:
            return flights
        now = self.clock.now
        return [
            flight._replace(stamp=Stamp(*(max(now, moment) for moment in flight.stamp)))
            for flight in flights
        ]


def _what_is_left(link: Link) -> Link:
    """Return what netopt has to do for a link whose rate the kernel has, and maybe its latency."""
    latency = 0.0 if FABRIC_LATENCY in os.environ else link.latency
    return structs.replace(link, rate=None, latency=latency)


def _clock(agent: Agent, experiment: Experiment, shift: float) -> Clock | None:
    network = experiment.options.network
    if network.clock == "virtual":
        return VirtualClock(experiment.compute.meter(agent, experiment.problem))
    return RealClock(shift) if network.clock == "real" else None
