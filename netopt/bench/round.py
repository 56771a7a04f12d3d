"""Measures a whole round beside MPI's bare neighbourhood collective.

``netopt bench round`` runs it: netopt, the bare collective and the same method written by hand take
turns in one mpirun, pinned, on a ring of 8; a row reports medians. The ranks' part is
:mod:`netopt.bench.round_rank`.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netopt import launcher
from netopt.bench.output import processor
from netopt.bench.ranks import printed_by
from netopt.bench.round_cases import Case, experiment_of
from netopt.bench.round_share import alone

if TYPE_CHECKING:
    from rich.table import Table

Row = dict[str, Any]
Watch = Callable[[int, int], None]


def measure(todo: Sequence[Case], watch: Watch = lambda done, of: None) -> list[Row]:
    """Measure cases of equally many ranks; return one dict a row.

    ``seconds`` and ``bare_seconds`` are those of a round, ``ratio`` is the first over the second,
    ``spread`` the quartiles' distance over the median. ``own_seconds_per_neighbour`` is netopt's
    own share under MPI, ``alone_seconds_per_neighbour`` the same with all agents in one process.
    ``difference`` is how far netopt's x is from that by hand, None where a codec rounds. Raises
    ConfigError if MPI is missing or fails.
    """
    launcher.check()
    rows = []
    for row in printed_by("netopt.bench.round_rank", todo, todo[0].ranks, len(todo)):
        rows.append(row)
        watch(len(rows), len(todo))
    for case, row in zip(todo, rows, strict=True):
        row["alone_seconds_per_neighbour"] = alone(experiment_of(case), min(100, case.rounds))
    return rows


def machine(rows: Sequence[Row]) -> str:
    """Return in one line what the rows were measured on."""
    library = rows[0]["mpi"] if rows else "no MPI"
    pinned = "each rank pinned" if hasattr(os, "sched_setaffinity") else "not pinned"
    return (
        f"{processor()}, {launcher.usable_cores()} cores, {pinned}; {library}; "
        f"Python {platform.python_version()}, numpy {np.__version__}"
    )


def table(rows: Sequence[Row]) -> Table:
    """Return the rows of :func:`measure` as a table, one line each."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = "A round: milliseconds, and netopt's own microseconds a neighbour (under MPI, alone)"
    lines = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in ("algorithm", "codec"):
        lines.add_column(head, no_wrap=True)
    for head in ("d", "netopt", "bare", "ratio", "hand", "disropt", "spread", "own", "alone"):
        lines.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        lines.add_row(*_cells(row))
    lines.caption = machine(rows)
    return lines


def _cells(row: Row) -> list[str]:
    times = [f"{1e3 * row[name]:.3f}" for name in ("seconds", "bare_seconds")]
    other = row["disropt_seconds"]
    rivals = [f"{1e3 * row['handwritten_seconds']:.3f}", f"{1e3 * other:.3f}" if other else "-"]
    own = [f"{1e6 * row[f'{name}_seconds_per_neighbour']:.1f}" for name in ("own", "alone")]
    size = [row["algorithm"], row["codec"], f"{row['d']:g}", *times, f"{row['ratio']:.2f}"]
    return [*size, *rivals, f"{row['spread']:.0%}", *own]


def progress() -> Watch:
    """Return a watch that says on a terminal how far the measurement is; silent elsewhere."""
    if not sys.stderr.isatty():
        return lambda done, of: None

    def show(done: int, of: int) -> None:
        sys.stderr.write(f"\r{done} of {of} rows measured" + ("\n" if done == of else ""))
        sys.stderr.flush()

    return show
