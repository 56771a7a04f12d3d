"""The options of a run file that belong to no component, and what they mean together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from netopt import quantities
from netopt.algorithms import Algorithm
from netopt.compute import Compute
from netopt.errors import ConfigError
from netopt.registry import build
from netopt.topologies import Topology


class NetworkOptions(msgspec.Struct, kw_only=True):
    """How messages travel: ``driver``, how long an exchange may wait, how frames are checked.

    ``clock`` says whose seconds the links take, ``compute`` what agents' thinking takes of virtual
    ones.
    """

    driver: Annotated[
        Literal["mpi", "lockstep"], Meta(description="one MPI rank an agent, or all in one process")
    ] = "mpi"
    clock: (
        Annotated[
            Literal["none", "virtual", "real"],
            Meta(
                description="virtual: agents carry logical time; real: frames are held back; null: "
                "virtual if there are links"
            ),
        ]
        | None
    ) = None
    compute: Annotated[
        Compute | None, Meta(description="compute model; null: measured, or fixed if asynchronous")
    ] = None
    tick: (
        Annotated[
            float | int | str,
            Meta(description="time of a round of an asynchronous method; null: of fixed compute"),
        ]
        | None
    ) = None
    timeout: Annotated[float, Meta(gt=0, description="seconds an exchange may wait")] = 60.0
    checksum: Annotated[
        Literal["frame", "header"],
        Meta(description="what a frame's CRC-32C covers; header saves a look at each payload"),
    ] = "frame"


class StopOptions(msgspec.Struct, kw_only=True):
    """When a run ends besides its number of rounds; looked at after each recorded round."""

    rounds: Annotated[int, Meta(ge=1, description="rounds to play at most")] | None = None
    bits: (
        Annotated[int | str, Meta(description="payload bits of all edges, e.g. 10 Mbit")] | None
    ) = None
    loss: Annotated[float, Meta(description="stop at a loss of at most this")] | None = None
    emulated_seconds: (
        Annotated[float | int | str, Meta(description="seconds of the clock, e.g. 10 s")] | None
    ) = None


class RecordOptions(msgspec.Struct, kw_only=True):
    """What a run writes down: a row every ``every`` rounds, the first ``frames`` frames.

    ``lambda_min`` adds a column, the smallest eigenvalue of F's Hessian at the network mean, which
    takes some 50 Hessian-vector products at the root, and 1000 at most. ``trace`` writes
    trace.json in Chrome's Trace Event format, which Perfetto shows.
    """

    every: Annotated[int, Meta(ge=1, description="rounds between two rows")] = 10
    frames: Annotated[int, Meta(ge=0, le=10_000, description="frames to capture")] = 0
    lambda_min: (
        Annotated[
            int, Meta(ge=0, description="rounds between two eigenvalues, and one at the end; 0: no")
        ]
        | None
    ) = None
    trace: Annotated[
        bool, Meta(description="write what each agent does when, for a timeline: trace.json")
    ] = False

    def __post_init__(self) -> None:
        """Refuse eigenvalues for rounds that have no row."""
        if self.lambda_min and self.lambda_min % self.every:
            next_row = -(-self.lambda_min // self.every) * self.every
            raise ValueError(
                f"'lambda_min' must be a multiple of 'every', {self.every} rounds, got "
                f"{self.lambda_min}; use {next_row}"
            )


class RunOptions(msgspec.Struct, kw_only=True):
    """The top level of a run file; the component mappings are built after it."""

    problem: Any
    topology: Any
    algorithm: Any
    codecs: dict[str, Any] = {}
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="names every random stream")] = 0
    rounds: Annotated[int, Meta(ge=1, le=2**32 - 1, description="rounds to play")] = 200
    network: NetworkOptions = msgspec.field(default_factory=NetworkOptions)
    stop: StopOptions = msgspec.field(default_factory=StopOptions)
    record: RecordOptions = msgspec.field(default_factory=RecordOptions)
    description: str = ""


def settle(options: RunOptions, topology: Topology, algorithm: Algorithm) -> Compute:
    """Fix clock and compute model, and return the latter; ConfigError if they fit nothing else."""
    network = options.network
    if network.clock is None:
        timed = topology.wired or network.compute or algorithm.asynchronous
        network.clock = "virtual" if timed else "none"
    if network.clock == "real" and network.driver == "lockstep":
        raise ConfigError(
            "lockstep plays all agents in one process, which has no real clock for each; use "
            "clock: virtual, or the driver mpi",
            "$.network.clock",
        )
    if network.clock == "none" and algorithm.asynchronous:
        raise ConfigError(f"{algorithm.id} is asynchronous and needs a clock", "$.network.clock")
    if network.clock != "virtual" and network.compute is not None:
        raise ConfigError(
            f"compute is modelled for clock: virtual, and the clock is {network.clock}; leave one "
            "of them out",
            "$.network.compute",
        )
    steady = algorithm.asynchronous and network.clock == "virtual"  # else no run is like another
    compute = network.compute or build(Compute, "fixed" if steady else "measured")
    compute.check(topology.size)
    network.compute = compute if network.clock == "virtual" else None
    _check_drops(topology, algorithm)
    network.tick = _tick(network, topology, algorithm, compute)
    return compute


def _tick(
    network: NetworkOptions, topology: Topology, algorithm: Algorithm, compute: Compute
) -> float | None:
    """Return the seconds of a round of an asynchronous method, None of another; or ConfigError."""
    path = "$.network.tick"
    if not algorithm.asynchronous:
        if network.tick is not None:
            raise ConfigError(f"it is for asynchronous methods, which {algorithm.id} is not", path)
        return None
    if topology.downlinks or any(link.duplex == "half" for link in topology.links.values()):
        raise ConfigError(
            f"{algorithm.id} is asynchronous: neither downlinks nor half-duplex links are known "
            "for it; leave them out",
            "$.topology",
        )
    given = getattr(compute, "seconds", None) if network.tick is None else network.tick
    if given is None:
        raise ConfigError(
            f"{algorithm.id} is asynchronous: a round is a time, in which each agent goes as far "
            "as it comes; give it, such as tick: 10 ms",
            path,
        )
    try:
        seconds = quantities.duration(given)
    except ValueError as error:
        raise ConfigError(str(error), path) from None
    if seconds <= 0:
        raise ConfigError(f"expected a time above 0, got {given!r}", path)
    return seconds


def _check_drops(topology: Topology, algorithm: Algorithm) -> None:
    """Raise ConfigError if an edge loses frames and the algorithm cannot live with that."""
    for (source, target), link in topology.links.items():
        if link.loss and link.on_loss == "drop" and not algorithm.tolerates_loss:
            raise ConfigError(
                f"edge {source} -> {target} drops frames, and {algorithm.id} cannot do without "
                "one: what a frame tells builds on all before it; use on_loss: reliable, or an "
                "algorithm such as consensus or dgd",
                "$.topology",
            )


def stop_seconds(value: float | int | str | None, clock: str | None) -> float | None:
    """Return the emulated seconds at which a run ends; ConfigError without a clock."""
    if value is None:
        return None
    path = "$.stop.emulated_seconds"
    if clock == "none":
        raise ConfigError("there is no clock; give the topology links, or network.clock", path)
    try:
        return quantities.duration(value)
    except ValueError as error:
        raise ConfigError(str(error), path) from None
