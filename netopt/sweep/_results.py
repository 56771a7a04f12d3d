"""Results know what came of the runs of a sweep, and which of them are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from netopt.report import labels, reading
from netopt.report.reading import Column
from netopt.sweep._grid import Cell, Grid
from netopt.sweep._statistics import Band, Interval, band, interval


class Result(NamedTuple):
    """One complete run: its last row, why it stopped, and its curve, one entry a row.

    ``y`` is None if the run has no such column.
    """

    cell: Cell
    last: Mapping[str, Any]
    stopped_by: str
    round: Column
    wire_bytes: Column
    y: Column | None


class Group(NamedTuple):
    """Runs that differ only in what is averaged over; ``failed`` of them never came to an end."""

    texts: tuple[str, ...]
    label: str
    results: Sequence[Result]
    failed: int

    def metric(self, name: str) -> Interval:
        """Return the statistics of a column of the last rows."""
        values = [result.last.get(name) for result in self.results]
        return interval(np.array([np.nan if v is None else v for v in values], np.float64))


class Curve(NamedTuple):
    """A group's mean curve, at the rounds that all of its runs recorded."""

    label: str
    n: int
    round: Column
    wire_bytes: Column
    y: Band


def read(directory: Path, cell: Cell, y: str) -> Result:
    """Return what a complete run directory says, with the curve of column ``y``."""
    files = reading.load(directory)
    table = reading.columns(files.rows)
    stopped = str((files.summary or {})["stopped_by"])
    return Result(cell, files.rows[-1], stopped, table["round"], table["wire_bytes"], table.get(y))


def metrics(results: Sequence[Result]) -> list[str]:
    """Return every column that some last row has, in the order of the rows."""
    return list(dict.fromkeys(name for result in results for name in result.last))


def groups(grid: Grid, cells: Sequence[Cell], results: Mapping[str, Result]) -> list[Group]:
    """Return the runs by what is not averaged over; ``results`` are the complete ones by name."""
    found: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(grid.group(cell.texts), []).append(cell)
    return [_group(grid, texts, some, results) for texts, some in found.items()]


def _group(
    grid: Grid, texts: tuple[str, ...], cells: Sequence[Cell], results: Mapping[str, Result]
) -> Group:
    names = grid.kept(grid.labels)
    told = ", ".join(f"{name}={text}" for name, text in zip(names, texts, strict=True))
    complete = [results[cell.name] for cell in cells if cell.name in results]
    label = told or labels.label(cells[0].resolved)
    return Group(texts, label, complete, len(cells) - len(complete))


def curve(group: Group) -> Curve | None:
    """Return a group's mean curve; None without a run that has one."""
    shown = [(result, result.y) for result in group.results if result.y is not None]
    if not shown:
        return None
    common = shown[0][0].round
    for result, _ in shown[1:]:
        common = np.intersect1d(common, result.round)
    rows = [np.searchsorted(result.round, common) for result, _ in shown]
    pairs = list(zip(shown, rows, strict=True))
    cost = np.mean([result.wire_bytes[at] for (result, _), at in pairs], axis=0)
    y = band(np.array([values[at] for (_, values), at in pairs]))
    return Curve(group.label, len(shown), common, np.asarray(cost), y)
