"""What a run's links and clock will make of its frames, before anything is sent.

Seconds are foretold by the parts that a run asks as well: its links, their chance and its clock,
with frames of the size that the plan knows and without what these say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import structs

from netopt.agent import Agent
from netopt.compute.fixed import Fixed
from netopt.config import Experiment
from netopt.links import Link
from netopt.links.queue import Flight
from netopt.network import agents_of
from netopt.network.travel import Travel
from netopt.report.components import flow
from netopt.topologies import Topology

MOST_FLIGHTS = 50_000
"""Frames that are played at most; a run with more is foretold from its first rounds."""
Bound = Literal["exact", "least", "most", "about"]
Exchange = list[tuple[int, int, int]]
"""Source, destination and bytes of the frames of one exchange."""


class LinkClass(NamedTuple):
    """Directed edges that have the same link."""

    link: Link
    edges: tuple[tuple[int, int], ...]


class EdgeTime(NamedTuple):
    """How long one round's frames are on their way along an edge (s), one after the other.

    It is the mean over jitter, and over what a reliable link sends again.
    """

    source: int
    target: int
    seconds: float


class TimePlan(NamedTuple):
    """Emulated seconds of the agent that is the furthest: after round 0, and after all rounds.

    ``played`` is the number of rounds that they were foretold from. ``computed`` says whether they
    have what agents compute, ``largest`` whether frames may be smaller, ``rare`` whether there can
    be frames that they leave out. ``bound`` says what they are:
    exact if compute is fixed and so are the frames; at least that if more comes on top, compute or
    frames that not every round has; at most that if frames may be smaller; about that if both, or
    if not all rounds were played.
    """

    first: float
    seconds: float
    played: int
    bound: Bound
    computed: bool
    largest: bool
    rare: bool


class LinksPlan(NamedTuple):
    """A run's links, clock and compute model (as text), and their time.

    ``slowest`` and ``time`` are None where nothing takes time: without a clock; ``time`` also for
    an asynchronous method, whose agents go as far as they come.
    """

    classes: tuple[LinkClass, ...]
    edges: tuple[EdgeTime, ...]
    uplinks: Mapping[int, float]
    downlinks: Mapping[int, float]
    clock: str
    compute: str | None
    tick: float | None
    slowest: EdgeTime | None
    time: TimePlan | None


def links(
    experiment: Experiment, frames: Sequence[int], exact: bool, more: bool
) -> LinksPlan | None:
    """Return what is known of the links; None for a run without links and without a clock.

    ``frames`` are the bytes of a frame by channel; ``exact`` says whether all are that large, and
    ``more`` whether there can be others.
    """
    graph, network = experiment.topology, experiment.options.network
    if network.clock == "none" and not graph.wired:
        return None
    traffic = experiment.algorithm.traffic(graph)
    timed = network.clock != "none"
    edges = _edges(graph, traffic, frames)
    return LinksPlan(
        classes=_classes(graph),
        edges=edges,
        uplinks=graph.uplinks,
        downlinks=graph.downlinks,
        clock=str(network.clock),
        compute=flow(experiment.compute.config()) if network.clock == "virtual" else None,
        tick=experiment.tick if experiment.algorithm.asynchronous else None,
        slowest=max(edges, key=lambda edge: edge.seconds, default=None) if timed else None,
        time=None
        if not timed or experiment.algorithm.asynchronous
        else _time(experiment, exchanges(traffic, frames), exact, more),
    )


def exchanges(traffic: Sequence[tuple[int, int, int]], frames: Sequence[int]) -> list[Exchange]:
    """Return a round's frames by exchange: one ends where the channel changes, or an edge recurs.

    >>> exchanges([(1, 0, 0), (2, 0, 0), (1, 0, 0), (0, 1, 1)], [50, 90])
    [[(1, 0, 50), (2, 0, 50)], [(1, 0, 50)], [(0, 1, 90)]]
    """
    found: list[Exchange] = []
    last, seen = -1, set[tuple[int, int]]()
    for source, target, channel in traffic:
        if channel != last or (source, target) in seen:
            found.append([])
            last, seen = channel, set()
        seen.add((source, target))
        found[-1].append((source, target, frames[channel]))
    return found


def mean_seconds(link: Link, size: int) -> float:
    """Return how long a frame of ``size`` bytes is on its way, in the mean over chance."""
    once = link.seconds(size)
    again = link.loss / (1.0 - link.loss) if link.on_loss == "reliable" else 0.0
    wait = float(link.latency) + float(link.jitter) / 2
    return once + wait + again * (float(link.resend_after) + once)


def _classes(graph: Topology) -> tuple[LinkClass, ...]:
    kinds: list[tuple[Link, list[tuple[int, int]]]] = []
    for edge in graph.edges:
        link = graph.link(*edge)
        for known, edges in kinds:
            if known == link:
                edges.append(edge)
                break
        else:
            kinds.append((link, [edge]))
    return tuple(LinkClass(link, tuple(edges)) for link, edges in kinds)


def _edges(
    graph: Topology, traffic: Sequence[tuple[int, int, int]], frames: Sequence[int]
) -> tuple[EdgeTime, ...]:
    seconds = dict.fromkeys(graph.edges, 0.0)
    for source, target, channel in traffic:
        seconds[source, target] += mean_seconds(graph.link(source, target), frames[channel])
    return tuple(EdgeTime(*edge, time) for edge, time in seconds.items())


def _time(experiment: Experiment, round_: Sequence[Exchange], exact: bool, more: bool) -> TimePlan:
    """Return the emulated seconds of the first round and of all."""
    known = isinstance(experiment.compute, Fixed) and experiment.options.network.clock == "virtual"
    flights = sum(map(len, round_))
    played = min(experiment.rounds, max(2, MOST_FLIGHTS // max(1, flights)))
    ends = play(experiment if known else _without_compute(experiment), round_, played)
    top = more or not known
    bound: Bound = "exact" if exact and not top else "least" if exact else "most"
    if (top and not exact) or played < experiment.rounds:
        bound = "about"
    half = played // 2
    pace = (ends[-1] - ends[half - 1]) / (played - half) if half else ends[-1]
    whole = ends[-1] + pace * (experiment.rounds - played)
    return TimePlan(ends[0], whole, played, bound, known, not exact, more)


def _without_compute(experiment: Experiment) -> Experiment:
    """Return an experiment with a virtual clock whose agents think in no time."""
    network = structs.replace(experiment.options.network, clock="virtual")
    options = structs.replace(experiment.options, network=network)
    return experiment._replace(options=options, compute=Fixed(seconds=0.0))


def play(experiment: Experiment, round_: Sequence[Exchange], rounds: int) -> list[float]:
    """Return when each round ends for the agent that is the furthest, in emulated seconds.

    Nothing but sizes is exchanged; the agents' own part is what their clocks are told.
    """
    agents = agents_of(experiment, dict.fromkeys(range(experiment.topology.size)))
    travels = [Travel(agent, experiment) for agent in agents]
    for travel in travels:
        travel.begin()
    ends = []
    for k in range(rounds):
        for agent in agents:
            agent.begin(k)
        for frames in round_:
            _think(travels)
            _exchange(agents, travels, frames)
        _think(travels)
        ends.append(max(travel.clock.now for travel in travels if travel.clock is not None))
    return ends


def _think(travels: Sequence[Travel]) -> None:
    for travel in travels:
        assert travel.clock is not None
        travel.clock.work()
        travel.clock.rest()


def _exchange(agents: Sequence[Agent], travels: Sequence[Travel], frames: Exchange) -> None:
    flights: list[list[Flight]] = [[] for _ in agents]
    for source, target, size in sorted(frames):
        fate = travels[source].fate(source, target)
        stamp = travels[source].leave(target, size, fate)
        flights[target].append(Flight(source, target, size, stamp, fate))
    for travel, coming in zip(travels, flights, strict=True):
        travel.arrive(coming)
    for agent in agents:
        agent.advance()
