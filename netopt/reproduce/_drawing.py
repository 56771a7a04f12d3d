"""Drawing knows how a study's panels look: measurement in colour, theory in dashes over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from netopt.report.plot import COLOURS, MARKERS, METADATA, STYLE
from netopt.report.reading import Column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#666666"
COLUMNS = 2
"""Panels in a row."""
WIDTH, HEIGHT = 6.2, 4.0
"""A panel's size in inches."""


class Line(NamedTuple):
    """One line of a panel: points x and y of equal shape, and the band ``low`` to ``high``.

    ``colour`` is an index, the same for what belongs together in all panels; None is grey.
    ``dash`` '' is a measured line, with markers; any other of matplotlib's is theory. ``points``
    leaves the line between the markers out: what is there was not measured.
    """

    label: str
    x: Column
    y: Column
    colour: int | None
    low: Column | None = None
    high: Column | None = None
    dash: Any = ""
    points: bool = False


class Bar(NamedTuple):
    """One row of a panel of bars: a value, the interval ``low`` to ``high``, and a ``note``.

    ``colour`` is an index as a line's; None is grey. The note stands at the right edge.
    """

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    colour: int | None = 0
    note: str = ""


class Panel(NamedTuple):
    """One pair of axes; ``marks`` are vertical lines, each a place and what is there.

    A panel with ``bars`` has a row for each of them instead of lines, the first one on top, and
    ``lowest`` and ``highest`` bound its x axis; with ``points`` a row is a point in its interval.
    Else they bound the y axis where a line would leave no room for the others.
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    log_x: bool = False
    log_y: bool = False
    marks: Sequence[tuple[float, str]] = ()
    lowest: float | None = None
    highest: float | None = None
    bars: Sequence[Bar] = ()
    points: bool = False


def draw(panels: Sequence[Panel], title: str, outs: Sequence[Path]) -> None:
    """Draw panels, two in a row, into each of the files; no display is needed."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**STYLE, "lines.linewidth": 1.8, "lines.markersize": 4.5})
        figure = _figure(panels, title)
        for out in outs:
            figure.savefig(out, dpi=130, metadata=METADATA[out.suffix])


def _figure(panels: Sequence[Panel], title: str) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    rows = math.ceil(len(panels) / COLUMNS)
    spaced = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    figure = Figure(figsize=(WIDTH * COLUMNS, HEIGHT * rows + 1.3), layout=spaced)
    figure.suptitle(title, fontsize=15, x=0.01, ha="left")
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        _panel(axes, panel)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    # One legend for all panels: a label means the same in each of them.
    known: dict[str, Any] = {}
    for axes in grid[: len(panels)]:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _panel(axes: Axes, panel: Panel) -> None:
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.set_title(panel.title, loc="left", fontsize=12)
    axes.set_xlabel(panel.x)
    axes.set_ylabel(panel.y)
    for index, line in enumerate(panel.lines):
        _line(axes, _shown(line, panel), index, bool(line.dash))
    if panel.log_x:
        axes.set_xscale("log")
    if panel.log_y:
        axes.set_yscale("log")
    if panel.bars:
        _rows(axes, panel)
    else:
        _limits(axes, panel)
    for place, label in panel.marks:
        _mark(axes, place, label)


def _shown(line: Line, panel: Panel) -> Line:
    """Return a line without the points for which a log axis has no place."""
    kept = np.isfinite(line.y) & np.isfinite(line.x)
    kept &= (line.x > 0) | (not panel.log_x)
    kept &= (line.y > 0) | (not panel.log_y)
    low, high = (None if end is None else end[kept] for end in (line.low, line.high))
    return line._replace(x=line.x[kept], y=line.y[kept], low=low, high=high)


def _line(axes: Axes, line: Line, index: int, theory: bool) -> None:
    colour = GREY if line.colour is None else COLOURS[line.colour % len(COLOURS)]
    if theory:
        colour = _darker(colour)
        # Above the measurement, so that a line that it follows stays to be seen.
        style: dict[str, Any] = {"linestyle": line.dash, "linewidth": 1.3, "zorder": 3}
    else:
        step = 1 if len(line.x) <= 40 else len(line.x) // 12
        style = {"marker": MARKERS[(line.colour or 0) % len(MARKERS)]}
        style |= {"markevery": (index % step, step), "markeredgecolor": "white"}
        style |= {"markeredgewidth": 0.6}
        if line.colour is not None and line.colour >= len(COLOURS):  # the colours come again
            style |= {"markerfacecolor": "white", "markeredgecolor": colour, "linewidth": 1.1}
        if line.points:
            style |= {"linestyle": "", "markersize": 7, "markeredgewidth": 1.0}
    axes.plot(line.x, line.y, label=line.label, color=colour, **style)
    if line.low is not None and line.high is not None:
        axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.15, linewidth=0)


def _rows(axes: Axes, panel: Panel) -> None:
    """Draw the bars of a panel as rows, the first one on top; x is bounded as the panel says."""
    for place, bar in enumerate(panel.bars):
        colour = GREY if bar.colour is None else COLOURS[bar.colour % len(COLOURS)]
        if panel.points:
            axes.plot([bar.value], [place], marker="o", color=colour, linestyle="")
        else:
            axes.barh(place, bar.value, height=0.7, color=colour, alpha=0.85)
        if bar.low is not None and bar.high is not None:
            ink = colour if panel.points else "black"
            axes.errorbar(
                [bar.value],
                [place],
                xerr=[[bar.value - bar.low], [bar.high - bar.value]],
                color=ink,
                capsize=3,
                linewidth=1.4,
            )
        axes.annotate(
            bar.note,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=GREY,
        )
    size = min(9.0, 160 / len(panel.bars))
    axes.set_yticks(range(len(panel.bars)), [bar.label for bar in panel.bars], fontsize=size)
    axes.set_ylim(len(panel.bars) - 0.4, -0.6)
    axes.set_xlim(panel.lowest, panel.highest)
    axes.locator_params(axis="x", nbins=6)


def _darker(colour: str) -> str:
    """Return a colour '#rrggbb' at half its brightness, to be seen on a line of that colour."""
    parts = (int(colour[i : i + 2], 16) // 2 for i in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in parts)


def _limits(axes: Axes, panel: Panel) -> None:
    """Bound the y axis as the panel says, and label both axes."""
    low, high = axes.get_ylim()
    high = high if panel.highest is None else min(high, panel.highest)
    low = low if panel.lowest is None else max(low, panel.lowest)
    axes.set_ylim(low, high)
    if panel.log_x:
        _plain(axes.xaxis, *axes.get_xlim())
    if panel.log_y:
        _plain(axes.yaxis, low, high)


def _plain(axis: Any, low: float, high: float) -> None:
    """Give a logarithmic axis plain numbers if it spans few of them: powers would overlap."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    if high < 100 * low and low >= 1e-4 and high < 1e5:
        axis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())


def _mark(axes: Axes, place: float, label: str) -> None:
    axes.axvline(place, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    axes.annotate(
        label,
        (place, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -3),
        textcoords="offset points",
        rotation=90,
        va="top",
        fontsize=8.5,
        color=GREY,
    )
