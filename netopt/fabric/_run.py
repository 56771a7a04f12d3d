"""A run across a fabric: built before the ranks start, counted, and gone when they have ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from netopt import launcher
from netopt.fabric import _record
from netopt.fabric._fabric import Fabric, build, prepare
from netopt.fabric._signals import ended_by_signals
from netopt.recorder import write
from netopt.speech import say
from netopt.topologies import Topology


def check(topology: Topology) -> None:
    """Raise ConfigError if this machine cannot build a topology; nothing is made."""
    prepare(topology)


def run(
    topology: Topology,
    worker: Sequence[str],
    out: Path,
    watch: Callable[[Mapping[str, Any]], None],
) -> int:
    """Run the workers across a fabric of their own and write fabric.json; return the exit code.

    ``worker`` are the words of ``netopt.worker``. Each new metrics row goes to ``watch``.
    Raises ConfigError if there can be no fabric; KeyboardInterrupt, with everything removed, if
    the run is to end.
    """
    with ended_by_signals(), build(topology) as fabric:
        cables = len(fabric.plan.cables)
        say(f"netopt: fabric {fabric.name}: {topology.size} agents, {cables} cables")
        for note in fabric.notes:
            say(f"netopt: fabric: {note}")
        return _play(fabric, worker, out, watch)


def _play(
    fabric: Fabric,
    worker: Sequence[str],
    out: Path,
    watch: Callable[[Mapping[str, Any]], None],
) -> int:
    arguments, variables = fabric.command([sys.executable, "-m", "netopt.worker", *worker])
    say(launcher.written(arguments, variables))
    before = fabric.counters()
    try:
        return launcher.launch(arguments, variables, out, watch, fabric.plan.agents[0])
    finally:
        if out.is_dir():  # the ranks made it, or else there was nothing to count
            told = _record.record(fabric.plan, fabric.latency, before, fabric.counters())
            write(out / _record.FILE, _record.encode(told))
