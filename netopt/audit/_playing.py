"""A run under audit: as ``netopt run`` plays it, with an MPI library that counts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from netopt import launcher
from netopt.audit import _kernel, _libfabric, _monitoring, _tcp
from netopt.audit._kernel import Packets
from netopt.audit._witness import Absence, Count, Edge, Traffic, Transport
from netopt.speech import say
from netopt.topologies import Topology

Watch = Callable[[Mapping[str, Any]], None]


class Played(NamedTuple):
    """What a run left: its exit code, and what the kernel says of each direction."""

    code: int
    kernel: Mapping[Edge, Packets] | None


class Job(NamedTuple):
    """What to play: the words of ``netopt.worker``, its directory, and where witnesses write."""

    topology: Topology
    worker: Sequence[str]
    out: Path
    folder: Path


class Library(NamedTuple):
    """An MPI library: its name, how it testifies, what its transport adds, what it has seen."""

    family: str
    how: str
    transport: Transport
    read: Callable[[Path, int], Traffic]


MPICH = Library(_libfabric.FAMILY, _libfabric.HOW, _libfabric.TRANSPORT, _libfabric.read)
OPEN_MPI = Library(_monitoring.FAMILY, _monitoring.HOW, _monitoring.TRANSPORT, _monitoring.read)


def library() -> Library:
    """Return the library whose launcher will be used; ConfigError if there is none."""
    return OPEN_MPI if launcher.is_open_mpi(launcher.find_mpirun()) else MPICH


def over_mpi(job: Job, family: str, watch: Watch) -> Played:
    """Play a run on this machine."""
    arguments, variables = launcher.command(job.topology.size, job.worker)
    place = arguments.index("netopt.worker")
    arguments[place : place + 1] = _rank(job, family)
    say(launcher.written(arguments, variables))
    return Played(launcher.launch(arguments, variables, job.out, watch), None)


def over_fabric(job: Job, family: str, watch: Watch) -> Played:
    """Play a run across a fabric of its own, which the kernel counts."""
    from netopt import fabric  # late: few machines can build one
    from netopt.fabric import _namespaces
    from netopt.fabric._plan import address
    from netopt.fabric._signals import ended_by_signals

    with ended_by_signals(), fabric.build(job.topology) as built:
        program = [sys.executable, "-m", *_rank(job, family), *job.worker]
        arguments, variables = built.command(program)
        say(launcher.written(arguments, variables))
        for namespace in built.plan.agents:
            _namespaces.within(namespace, _kernel.prepare)
        before = built.counters().directions
        host = built.plan.agents[0]
        code = launcher.launch(arguments, variables, job.out, watch, host)
        after = built.counters().directions
    again = _tcp.read(job.folder, {str(address(i)): i for i in range(job.topology.size)})
    kernel = {}
    for way in after:
        counted = after[way] - before[way]
        kernel[way] = Packets(Count(counted.tx_packets, counted.tx_bytes), again.get(way, 0))
    return Played(code, kernel)


def hear(library: Library, folder: Path, size: int) -> tuple[Traffic | None, str]:
    """Return what the MPI library saw, or None and why it cannot tell."""
    try:
        return library.read(folder, size), ""
    except Absence as reason:
        return None, str(reason)


def _rank(job: Job, family: str) -> list[str]:
    return ["netopt.audit.rank", family, str(job.folder)]
