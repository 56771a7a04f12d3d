"""A plan says what a run will send before anything is sent, and what its graph is like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from netopt.codecs import Codec, nbytes
from netopt.config import Experiment
from netopt.frame import HEADER_BYTES
from netopt.options import StopOptions
from netopt.report.plan_links import LinksPlan, links
from netopt.topologies import Topology

if TYPE_CHECKING:
    from rich.console import RenderableType

Frame = tuple[int, int, int]
"""Source, destination and channel of one frame."""


class ChannelPlan(NamedTuple):
    """The frames of one channel: each has ``payload_bits`` in ``frame_bytes``, header included.

    The numbers are upper bounds if ``exact`` is False: the codec's payload depends on the data.
    """

    name: str
    codec: Codec
    vectors: int
    payload_bits: int
    payload_bytes: int
    frame_bytes: int
    frames_per_round: int
    exact: bool


class EdgePlan(NamedTuple):
    """What one directed edge carries in one round; the columns that the ledger counts.

    ``setup_bits`` and ``setup_bytes`` (headers included) are what it carries before round 0.
    """

    source: int
    target: int
    frames: int
    payload_bits: int
    payload_bytes: int
    header_bytes: int
    setup_bits: int = 0
    setup_bytes: int = 0

    @property
    def wire_bytes(self) -> int:
        """Return payload and headers together."""
        return self.payload_bytes + self.header_bytes


class ExtraPlan(NamedTuple):
    """What all edges carry each time that something out of the ordinary happens, such as a reset.

    ``times`` is how often it does in the run; None: that depends on the data, and the totals are
    without it. ``exact`` as in ChannelPlan.
    """

    what: str
    times: int | None
    payload_bits: int
    wire_bytes: int
    exact: bool


class Plan(NamedTuple):
    """A run's graph and traffic, as plain data.

    ``exact`` is False if a codec's payload depends on the data; ``may_stop`` is True if a stop
    condition can end the run before ``rounds``. ``edges`` are per round; ``*_per_round`` and
    ``*_total`` are sums over all directed edges, and the totals have the ``extras`` whose number is
    known. ``diameter`` is None for an unconnected graph; ``links`` for a run that has neither links
    nor a clock. In an ``asynchronous`` run a round stands for one of an agent's own, of which each
    plays as many as it can: its totals are those of one a tick.
    """

    topology: str
    agents: int
    directed_edges: int
    degree_min: int
    degree_max: int
    connected: bool
    directed: bool
    doubly_stochastic: bool
    spectral_gap: float
    second_singular_value: float
    diameter: int | None
    d: int
    rounds: int
    exact: bool
    may_stop: bool
    channels: tuple[ChannelPlan, ...]
    edges: tuple[EdgePlan, ...]
    payload_bits_per_round: int
    wire_bytes_per_round: int
    payload_bits_total: int
    wire_bytes_total: int
    setup_bytes: int
    extras: tuple[ExtraPlan, ...] = ()
    links: LinksPlan | None = None
    asynchronous: bool = False


def plan(experiment: Experiment) -> Plan:
    """Return what ``experiment`` will send, edge by edge; nothing is played."""
    graph = experiment.topology
    traffic = experiment.algorithm.traffic(graph)
    channels = _channels(experiment, traffic)
    told = experiment.algorithm.setup_traffic(graph, experiment.problem, experiment.codecs)
    edges = _edges(graph, traffic, channels, told)
    bits = sum(edge.payload_bits for edge in edges)
    wire = sum(edge.wire_bytes for edge in edges)
    extras = _extras(experiment, channels)
    known = [(extra, extra.times) for extra in extras if extra.times is not None]
    stop = experiment.options.stop
    exact = all(channel.exact for channel in channels if channel.frames_per_round)
    return Plan(
        topology=graph.name,
        agents=graph.size,
        directed_edges=len(graph.edges),
        degree_min=min(graph.degrees),
        degree_max=max(graph.degrees),
        connected=graph.strongly_connected,
        directed=graph.directed,
        doubly_stochastic=graph.doubly_stochastic,
        spectral_gap=graph.spectral_gap,
        second_singular_value=1.0 - graph.spectral_gap,
        diameter=graph.diameter if graph.strongly_connected else None,
        d=experiment.problem.d,
        rounds=experiment.rounds,
        exact=exact and all(extra.exact for extra in extras),
        may_stop=stop != StopOptions(rounds=stop.rounds),
        channels=channels,
        edges=edges,
        payload_bits_per_round=bits,
        wire_bytes_per_round=wire,
        payload_bits_total=bits * experiment.rounds + sum(n * e.payload_bits for e, n in known),
        wire_bytes_total=wire * experiment.rounds + sum(n * e.wire_bytes for e, n in known),
        setup_bytes=sum(edge.setup_bytes for edge in edges),
        extras=extras,
        links=links(experiment, [channel.frame_bytes for channel in channels], exact, bool(extras)),
        asynchronous=experiment.algorithm.asynchronous,
    )


def render(plan: Plan) -> RenderableType:
    """Return the graph, the channels, the totals and the links of a plan as tables."""
    from netopt.report import plan_tables  # late: it is built on this module

    return plan_tables.render(plan)


def _channels(experiment: Experiment, traffic: Sequence[Frame]) -> tuple[ChannelPlan, ...]:
    pairs = zip(experiment.algorithm.channels, experiment.codecs, strict=True)
    found = []
    for index, (channel, codec) in enumerate(pairs):
        bits = codec.nbits(experiment.problem.d)
        one = codec.max_nbits(experiment.problem.d) if bits is None else bits
        # Each vector of a frame is padded to a byte of its own.
        payload = channel.vectors * nbytes(one)
        found.append(
            ChannelPlan(
                name=channel.name,
                codec=codec,
                vectors=channel.vectors,
                payload_bits=channel.vectors * one,
                payload_bytes=payload,
                frame_bytes=HEADER_BYTES + payload,
                frames_per_round=sum(c == index for _, _, c in traffic),
                exact=bits is not None,
            )
        )
    return tuple(found)


def _edges(
    graph: Topology,
    traffic: Sequence[Frame],
    channels: Sequence[ChannelPlan],
    told: Sequence[Frame],
) -> tuple[EdgePlan, ...]:
    carried: dict[tuple[int, int], list[ChannelPlan]] = {edge: [] for edge in graph.edges}
    for source, target, channel in traffic:
        carried[source, target].append(channels[channel])
    numbers: dict[tuple[int, int], list[int]] = {edge: [] for edge in graph.edges}
    for source, target, count in told:
        numbers[source, target].append(count)
    return tuple(_edge(edge, mine, numbers[edge]) for edge, mine in carried.items())


def _edge(edge: tuple[int, int], mine: Sequence[ChannelPlan], numbers: Sequence[int]) -> EdgePlan:
    return EdgePlan(
        *edge,
        frames=len(mine),
        payload_bits=sum(channel.payload_bits for channel in mine),
        payload_bytes=sum(channel.payload_bytes for channel in mine),
        header_bytes=HEADER_BYTES * len(mine),
        setup_bits=32 * sum(numbers),
        setup_bytes=4 * sum(numbers) + HEADER_BYTES * len(numbers),
    )


def _extras(experiment: Experiment, channels: Sequence[ChannelPlan]) -> tuple[ExtraPlan, ...]:
    algorithm, found = experiment.algorithm, []
    for extra in algorithm.extras(experiment.topology, experiment.rounds):
        bits = wire = 0
        for _, _, index in extra.frames:
            channel = channels[index]
            told = channel.codec.nbits(extra.count) if algorithm.channels[index].telling else None
            bits += channel.payload_bits if told is None else told
            wire += channel.frame_bytes if told is None else HEADER_BYTES + nbytes(told)
        exact = all(channels[index].exact for _, _, index in extra.frames)
        found.append(ExtraPlan(extra.what, extra.times, bits, wire, exact))
    return tuple(found)
