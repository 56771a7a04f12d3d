"""Traces as Chrome's Trace Event format, which Perfetto and chrome://tracing show.

Agents are the threads of process 1. Process 2 has a track for each directed edge, on which a frame
lasts from its first bit's entering the link to its last bit's leaving it (with all that is sent
again), if a virtual clock knows that. Flows lead from where a frame is sent, over its edge, to
where it is whole. Times are whole nanoseconds, told in microseconds.
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from msgspec import structs

from netopt.config import Experiment
from netopt.links import Link
from netopt.links.queue import Fate, Flight, Line, Stamp
from netopt.network.trace import NOBODY, Arrival, Place, Span, Trace
from netopt.topologies import Topology

AGENTS, LINKS = 1, 2
"""The processes of the trace."""
Event = dict[str, Any]
Frame = tuple[int, int, int]
"""Source, target and number of a frame."""


Tracks = Mapping[tuple[int, int], int]
"""The thread of each directed edge in the process of the links."""


class Flown(NamedTuple):
    """A frame that crossed its link from ``begin`` to ``end`` (s), and when it was whole."""

    arrival: Arrival
    begin: float
    end: float


def text(trace: Trace, experiment: Experiment) -> str:
    """Return the content of trace.json; the same for the same trace, whatever the driver."""
    clock = _Clock(trace)
    virtual = experiment.options.network.clock == "virtual"
    spans = [span for span in trace.spans if clock.shows(span.end)]
    # An asynchronous rank hears of frames in any order of their sources.
    arrivals = sorted(one for one in trace.arrivals if clock.shows(one.moment))
    flown = crossings(arrivals, experiment.topology) if virtual else []
    tracks = {edge: track for track, edge in enumerate(experiment.topology.edges)}
    events = chain(
        (_span(span, clock) for span in spans),
        (_crossing(one, clock, tracks) for one in flown),
        _flows(spans, arrivals, flown, clock, tracks),
        [] if clock.end is None else [_cut(clock)],
    )
    # Told at once: an event as a mapping takes several times the room of its text.
    lines = [(*_order(event), json.dumps(event)) for event in events]
    lines.sort(key=itemgetter(0, 1, 2, 3))
    names = (json.dumps(event) for event in _names(experiment.topology, virtual))
    body = ",\n".join(chain(names, (line[-1] for line in lines)))
    facts = json.dumps(_facts(experiment, clock))
    return f'{{"displayTimeUnit": "ms", "otherData": {facts}, "traceEvents": [\n{body}\n]}}\n'


def _order(event: Event) -> tuple[int, int, float, float]:
    """Return thread and time, so that a slice comes before those that lie within it."""
    return event["pid"], event["tid"], event["ts"], -event.get("dur", 0.0)


class _Clock:
    """Nanoseconds since round 0 began; ``end`` is when the first agent had no more room (s)."""

    def __init__(self, trace: Trace) -> None:
        self.origin = min((ended.origin for ended in trace.ended), default=0.0)
        self.end = min((one.full for one in trace.ended if one.full is not None), default=None)

    def nanoseconds(self, moment: float) -> int:
        return round((moment - self.origin) * 1e9)

    def shows(self, moment: float) -> bool:
        """Return whether all agents still had room."""
        return self.end is None or moment <= self.end

    def during(self, begin: float, end: float) -> Event:
        first, last = self.nanoseconds(begin), self.nanoseconds(end)
        return {"ts": first / 1000, "dur": (last - first) / 1000}

    def at(self, moment: float) -> Event:
        return {"ts": self.nanoseconds(moment) / 1000}


def crossings(arrivals: list[Arrival], topology: Topology) -> list[Flown]:
    """Return when each frame was on its link, by the law that the links themselves have."""
    lines: dict[tuple[int, int], Line] = {}
    free: dict[tuple[int, int], float] = {}
    found = []
    for arrival in sorted(arrivals, key=lambda arrival: (arrival.begin, arrival.place)):
        source, target, size, _ = arrival.place
        link = topology.link(source, target)
        key = (
            (min(source, target), max(source, target))
            if link.duplex == "half"
            else (source, target)
        )
        line = lines.setdefault(key, Line())
        stamp = Stamp(arrival.begin, arrival.end)
        flight = Flight(source, target, size, stamp, Fate(arrival.resent))
        begin = max(arrival.begin, free.get(key, 0.0))
        _, free[key] = line.carry(_near(link), flight)
        found.append(Flown(arrival, begin, free[key]))
    return found


def _near(link: Link) -> Link:
    """Return the link without the way: what has left it has arrived."""
    return structs.replace(link, latency=0.0, jitter=0.0)


def _span(span: Span, clock: _Clock) -> Event:
    args: Event = {"round": span.round, "exchange": span.exchange} | _place(span.place)
    where = {"pid": AGENTS, "tid": span.rank}
    name = {"name": span.kind, "cat": "agent", "ph": "X"}
    return {**name, **where, **clock.during(span.begin, span.end), "args": args}


def _crossing(flown: Flown, clock: _Clock, tracks: Tracks) -> Event:
    arrival = flown.arrival
    args: Event = _place(arrival.place) | {"arrival": clock.at(arrival.moment)["ts"]}
    args |= {"resent": arrival.resent} if arrival.resent else {}
    name = {"name": "lost" if arrival.lost else "frame", "cat": "link", "ph": "X"}
    where = {"pid": LINKS, "tid": tracks[arrival.place[:2]]}
    return {**name, **where, **clock.during(flown.begin, flown.end), "args": args}


def _place(place: Place) -> Event:
    edge = {"edge": f"{place.source} -> {place.target}"} if place.source != NOBODY else {}
    return {**edge, "bytes": place.size} if place.size else edge


def _flows(
    spans: list[Span],
    arrivals: list[Arrival],
    flown: list[Flown],
    clock: _Clock,
    tracks: Tracks,
) -> Iterator[Event]:
    """Yield beginning, middle and end of every frame's way; a lost one's has no end, and no way."""
    sent = {_frame(span.place): span for span in spans if span.kind == "send"}
    middle = {_frame(one.arrival.place): one for one in flown}
    number = 0
    for arrival in arrivals:
        frame = _frame(arrival.place)
        if arrival.lost or frame not in sent:
            continue
        number += 1
        flow: Event = {"name": "frame", "cat": "frame", "id": number}
        begin = sent[frame].end
        here = {"pid": AGENTS, "tid": arrival.place.source}
        yield {**flow, "ph": "s", **here, **clock.at(begin)}
        if frame in middle:
            there = {"pid": LINKS, "tid": tracks[arrival.place[:2]]}
            yield {**flow, "ph": "t", **there, **clock.at(middle[frame].begin)}
        # Clocks of two hosts may differ by more than a frame needs.
        end = clock.at(max(begin, arrival.moment))
        yield {**flow, "ph": "f", "bp": "e", "pid": AGENTS, "tid": arrival.place.target, **end}


def _frame(place: Place) -> Frame:
    return place.source, place.target, place.number


def _names(topology: Topology, virtual: bool) -> Iterator[Event]:
    """Yield the names and the order of processes and threads."""
    yield _meta("process_name", AGENTS, 0, name="agents")
    for rank in range(topology.size):
        yield _meta("thread_name", AGENTS, rank, name=f"agent {rank}")
        yield _meta("thread_sort_index", AGENTS, rank, sort_index=rank)
    if not virtual:
        return
    yield _meta("process_name", LINKS, 0, name="links")
    for track, (source, target) in enumerate(topology.edges):
        yield _meta("thread_name", LINKS, track, name=f"{source} -> {target}")
        yield _meta("thread_sort_index", LINKS, track, sort_index=track)


def _meta(what: str, process: int, thread: int, **args: Any) -> Event:
    return {"name": what, "ph": "M", "pid": process, "tid": thread, "args": args}


def _cut(clock: _Clock) -> Event:
    """Return the mark that says from where on there is nothing."""
    where = {"pid": AGENTS, "tid": 0, **clock.at(clock.end or 0.0)}
    return {"name": "the trace is full", "cat": "agent", "ph": "i", "s": "g", **where}


def _facts(experiment: Experiment, clock: _Clock) -> Event:
    network = experiment.resolved["network"]
    full = "nothing" if clock.end is None else f"all after {clock.at(clock.end)['ts']} us"
    return {
        "seconds": "emulated" if network["clock"] == "virtual" else "wall",
        "clock": network["clock"],
        "compute": network["compute"],
        "topology": experiment.topology.name,
        "seed": experiment.options.seed,
        "left out": full,
    }
