"""Tables know how the results of a sweep are written: each run, and the means over the seeds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netopt.report import units
from netopt.sweep import _results
from netopt.sweep._grid import Cell, Grid
from netopt.sweep._results import Group, Result
from netopt.sweep._statistics import Interval

if TYPE_CHECKING:
    from rich.table import Table

STATISTICS = ("metric", "n", "failed", "mean", "sd", "low", "high")
FIRST = ("loss", "grad_norm", "distance")
COUNTS = ("round", "payload_bits", "wire_bytes", "setup_bytes", "seconds", "emulated_seconds")
"""Columns of cost and time, which every run has; what a problem adds is none of them."""
WIDE = 4
"""Metrics beside the payload that the printed table has room for."""


def runs_csv(
    grid: Grid, cells: Sequence[Cell], results: Mapping[str, Result], wrong: Mapping[str, str]
) -> str:
    """Return one line a run: its values, the last row of its metrics, why it stopped.

    A run that failed has no metrics but the reason ``wrong``, by name.
    """
    names = _results.metrics(list(results.values()))
    places = [axis.place for axis in grid.axes]
    lines: list[Iterable[Any]] = [("run", *places, *names, "stopped_by", "error")]
    for cell in cells:
        result = results.get(cell.name)
        last = result.last if result else {}
        end = (result.stopped_by, "") if result else ("error", wrong.get(cell.name, ""))
        lines.append((cell.name, *cell.texts, *(last.get(name) for name in names), *end))
    return _csv(lines)


def summary_csv(grid: Grid, groups: Sequence[Group]) -> str:
    """Return one line a combination and metric: n, mean, deviation and confidence interval.

    ``n`` counts the runs that know the metric, ``failed`` those that never came to an end.
    """
    places = grid.kept([axis.place for axis in grid.axes])
    lines: list[Iterable[Any]] = [(*places, *STATISTICS)]
    names = _results.metrics([result for group in groups for result in group.results])
    for group in groups:
        for name in names:
            found = group.metric(name)
            numbers = (None if math.isnan(value) else value for value in found[1:])
            lines.append((*group.texts, name, found.n, group.failed, *numbers))
    return _csv(lines)


def shown(grid: Grid, groups: Sequence[Group], y: str) -> Table:
    """Return the means for a terminal, each with half the width of its confidence interval."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    names = _chosen(groups, y)
    failed = any(group.failed for group in groups)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for label in grid.kept(grid.labels):
        table.add_column(label, overflow="fold")
    for label in ("n", *(["failed"] if failed else []), *names, "payload bits"):
        table.add_column(label, justify="right", no_wrap=True)
    for group in groups:
        counts = [str(len(group.results)), *([str(group.failed)] if failed else [])]
        values = [pair(group.metric(name)) for name in names]
        table.add_row(*map(Text, group.texts), *counts, *values, _payload(group))
    return table


def pair(found: Interval) -> str:
    """Return mean and half width as far as they are known.

    >>> pair(Interval(9, 0.123456, 0.1, 0.12, 0.13)), pair(Interval(1, 2.0, *[math.nan] * 3))
    ('0.1235 ± 0.005', '2')
    """
    mean = "-" if found.n == 0 else f"{found.mean:.4g}"
    return mean if math.isnan(found.half) else f"{mean} ± {found.half:.2g}"


def _chosen(groups: Sequence[Group], y: str) -> list[str]:
    """Return the metrics with most to say: y, the problem's own, then what every problem has."""
    known = _results.metrics([result for group in groups for result in group.results])
    known = [name for name in known if any(group.metric(name).n for group in groups)]
    own = [name for name in known if name not in (*FIRST, *COUNTS, "consensus")]
    wanted = dict.fromkeys((y, *FIRST[:2], *own, FIRST[2], "consensus"))
    chosen = [name for name in wanted if name in known and name not in COUNTS][:WIDE]
    return [name for name in known if name in chosen]


def _payload(group: Group) -> str:
    found = group.metric("payload_bits")
    if found.n == 0:
        return "-"
    spread = "" if not found.half > 0 else f" ± {units.bits(round(found.half))}"
    return f"{units.bits(round(found.mean))}{spread}"


def _csv(lines: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
