"""The figure knows how a sweep looks: a mean curve and its confidence for each combination."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from netopt.errors import ConfigError
from netopt.registry import suggest
from netopt.report.labels import COLUMNS
from netopt.report.plot import UNITS, logarithmic
from netopt.report.reading import Column
from netopt.report.units import prefix
from netopt.reproduce._drawing import Line, Panel, draw
from netopt.sweep import _results
from netopt.sweep._results import Curve, Group

MOST = 20
"""Lines that can be told apart at all."""
DECADE = 10.0
ROOM = 3.0
"""How far below the lowest mean a logarithmic axis goes, where a band would go to zero."""


def panels(groups: Sequence[Group], y: str) -> list[Panel]:
    """Return column ``y`` against rounds and against bytes, one line a combination.

    Raises ConfigError if no run has such a column, or none knows its value.
    """
    curves = [curve for group in groups[:MOST] if (curve := _results.curve(group)) is not None]
    if not any(np.isfinite(curve.y.mean).any() for curve in curves):
        known = _results.metrics([result for group in groups for result in group.results])
        hint = suggest(y, [k for k in known if k != y]) or f"; choose from {', '.join(known)}"
        raise ConfigError(f"-y {y}: no run of the sweep knows it{hint}")
    means = [curve.y.mean[np.isfinite(curve.y.mean)] for curve in curves]
    log = logarithmic(means)
    lowest = min(float(mean[mean > 0].min()) for mean in means if (mean > 0).any()) if log else None
    floor = None if lowest is None else lowest / ROOM
    name = COLUMNS.get(y, y.replace("_", " "))
    ends = [float(curve.wire_bytes[-1]) for curve in curves]
    divisor, letter = prefix(max(ends))
    rounds = [_line(curve, curve.round, i, floor) for i, curve in enumerate(curves)]
    sent = [_line(curve, curve.wire_bytes / divisor, i, floor) for i, curve in enumerate(curves)]
    far = min(ends) > 0 and max(ends) > DECADE * min(ends)
    return [
        Panel("rounds", "rounds", name, rounds, log_y=log, lowest=floor),
        Panel("bytes", f"{UNITS['bytes'][0]} ({letter}B)", name, sent, far, log, lowest=floor),
    ]


def paint(groups: Sequence[Group], y: str, title: str, outs: Sequence[Path]) -> None:
    """Draw the figure into each of the files; errors as ``panels``."""
    more = f", the first {MOST} of {len(groups)} combinations" if len(groups) > MOST else ""
    draw(panels(groups, y), title + more, outs)


def _line(curve: Curve, x: Column, index: int, floor: float | None) -> Line:
    mean, low, high = curve.y
    if curve.n < 2:
        return Line(curve.label, x, mean, index)
    return Line(curve.label, x, mean, index, low if floor is None else np.maximum(low, floor), high)
