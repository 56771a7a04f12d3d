"""Measures an iteration with a hub: how long it takes beside plain GD, and what takes it.

``netopt bench star`` runs it: GD, DIANA and DIANA+ take turns in one mpirun, n workers and a hub. A
row reports medians over turns without timers; turns with timers in between say where a worker's and
the hub's time goes. The ranks' part is :mod:`netopt.bench.star_rank`.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import numpy as np

from netopt import launcher
from netopt.bench.output import BUSY, processor, table
from netopt.bench.ranks import printed_by
from netopt.bench.star_cases import BASE, METHODS, PLUS, Case, experiments
from netopt.bench.star_split import PARTS
from netopt.engine import single_threaded

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

Row = dict[str, Any]
Watch = Callable[[int, int], None]
HEADS = (*PARTS, "rest")
"""The parts of a rank's time: those that the ranks time, and what is left."""


def measure(case: Case, watch: Watch = lambda done, of: None) -> list[Row]:
    """Measure a case; return one dict a method.

    ``seconds`` are those of an iteration at the slowest rank, ``spread`` the quartiles' distance
    over the median, ``ratio`` is to GD's. ``up_bits`` is the mean payload of a message to the hub.
    ``worker`` (their mean) and ``hub`` split the turn of median length under timers, which took
    ``timed_seconds``: all parts add up to ``total``. ``load`` is the machine's before it began:
    above 0 ranks wait for other programs. Raises ConfigError if MPI is missing or fails, or if
    there is no such case.
    """
    launcher.check()
    with single_threaded():  # as on the ranks; threads wait for each other on a busy machine
        experiments(case)  # what is wrong is told here, before anything starts
    load = os.getloadavg()[0]
    samples = []
    of = case.repeats * len(METHODS)
    for found in printed_by("netopt.bench.star_rank", case, case.ranks, of):
        samples.append(found)
        watch(len(samples), of)
    return [{**row, "load": load} for row in rows_of(case, samples)]


def rows_of(case: Case, samples: Sequence[Row]) -> list[Row]:
    """Return a row a method, given what the root has printed of each turn."""
    turns = {m.name: [s for s in samples if s["method"] == m.name] for m in METHODS}
    base = median(one["seconds"] for one in turns[BASE])
    return [_row(case, method._asdict(), turns[method.name], base) for method in METHODS]


def _row(case: Case, method: Row, turns: Sequence[Row], base: float) -> Row:
    times = [one["seconds"] for one in turns]
    typical = sorted(turns, key=lambda one: one["timed_seconds"])[len(turns) // 2]
    middle = median(times)
    low, _, high = quantiles(times, n=4) if len(times) > 1 else (middle, middle, middle)
    ranks = np.array(typical["split"])
    return {
        **method,
        **case._asdict(),
        "ranks": case.ranks,
        "d": typical["d"],
        "seconds": middle,
        "spread": (high - low) / middle,
        "ratio": middle / base,
        "up_bits": typical["up_bits"],
        "timed_seconds": typical["timed_seconds"],
        "worker": _parts(ranks[0 if case.hub_works else 1 :].mean(axis=0)),
        "hub": _parts(ranks[0]),
        "mpi": typical["mpi"],
    }


def _parts(seconds: Any) -> Row:
    total, *parts = (float(value) for value in seconds)
    return {**dict(zip(HEADS, [*parts, total - sum(parts)], strict=True)), "total": total}


def targets(rows: Sequence[Row]) -> list[Row]:
    """Return what DIANA+ is to reach on these data: ``item unit wanted measured held``, if known.

    The data are known by the number of their coordinates and workers.
    """
    found = []
    for row in rows:
        shape = (row["d"], row["workers"])
        if row["name"] == PLUS and shape == (60, 4):
            found.append(("of splice's size, n = 4", "ms an iteration", 0.15, 1e3 * row["seconds"]))
        if row["name"] == PLUS and shape in ((123, 8), (300, 8)):
            size = "a8a" if row["d"] == 123 else "w8a"
            found.append((f"of {size}'s size, n = 8", "x GD", 3.0, row["ratio"]))
    return [
        {
            "item": f"{PLUS}, {item}",
            "unit": unit,
            "wanted": wanted,
            "measured": measured,
            "held": measured <= wanted,
        }
        for item, unit, wanted, measured in found
    ]


def render(rows: Sequence[Row]) -> Group:
    """Return the rows of :func:`measure` as tables: the iterations, their parts, the targets."""
    from rich.console import Group

    judged = targets(rows)
    tables = [_iterations(rows), _split(rows)]
    if judged:
        tables.append(_judged(judged, rows[0]["load"]))
    return Group(*tables)


def _iterations(rows: Sequence[Row]) -> Table:
    first = rows[0]
    data = f"{Path(first['data'].rpartition(':')[2]).name}, d = {first['d']}"
    hub = ", one of them the hub" if first["hub_works"] else " and a hub"
    lines = table(
        f"An iteration on {data}: {first['workers']} workers{hub}, {first['rounds']} iterations",
        ("method", "algorithm", "codec"),
        ("us", "spread", "x GD", "bits a message up", "us under timers"),
    )
    for row in rows:
        times = [f"{1e6 * row['seconds']:.1f}", f"{row['spread']:.0%}", f"{row['ratio']:.2f}"]
        more = [f"{row['up_bits']:.1f}", f"{1e6 * row['timed_seconds']:.1f}"]
        lines.add_row(row["name"], row["algorithm"], row["codec"], *times, *more)
    lines.caption = machine(rows)
    return lines


def _split(rows: Sequence[Row]) -> Table:
    lines = table("What takes it, in us, under timers", ("method", "agent"), (*HEADS, "total"))
    for row in rows:
        for agent in ("worker", "hub"):
            cells = [f"{1e6 * row[agent][head]:.1f}" for head in (*HEADS, "total")]
            lines.add_row(row["name"], agent, *cells)
    lines.caption = "products: with L^(1/2) and L^(-1/2); wire: MPI and headers; wait: for others"
    return lines


def _judged(rows: Sequence[Row], load: float) -> Table:
    lines = table("Targets", ("item", "measured as"), ("wanted", "measured", "held"))
    for row in rows:
        numbers = [f"{row[name]:.3f}" for name in ("wanted", "measured")]
        lines.add_row(row["item"], row["unit"], *numbers, "yes" if row["held"] else "no")
    if load >= BUSY:
        lines.caption = (
            f"the machine was busy (load {load:.1f} before): all methods wait for other programs, "
            "which makes them slower and more alike; measure again on an idle one"
        )
    return lines


def machine(rows: Sequence[Row]) -> str:
    """Return in one line what the rows were measured on."""
    pinned = rows[0]["pinned"] and hasattr(os, "sched_setaffinity")
    cores = f"{rows[0]['ranks']} ranks on {launcher.usable_cores()} cores"
    bound = "each rank pinned" if pinned else "not pinned"
    return (
        f"{processor()}, {cores}, {bound}, load {rows[0]['load']:.1f} before; "
        f"{' '.join(rows[0]['mpi'].split())}; "
        f"Python {platform.python_version()}, numpy {np.__version__}"
    )
