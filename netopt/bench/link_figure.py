"""The figure of ``netopt bench link``: a curve for each edge, its configured link in dashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from netopt.bench import figures
from netopt.bench.link_cases import BANDWIDTH, BIDIRECTIONAL, LATENCY
from netopt.bench.link_tables import count, rate, size
from netopt.report.plot import COLOURS, MARKERS
from netopt.report.units import seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = dict[str, Any]


class Panel(NamedTuple):
    """One pair of axes: a test, what a row's values are divided by, and how they are written."""

    title: str
    test: str
    written: Callable[[float], str]
    bits: bool = False  # whether values are counted in messages


PANELS = (
    Panel("Latency", LATENCY, seconds),
    Panel("Message rate, one way", BANDWIDTH, lambda value: f"{count(value)}/s", True),
    Panel("Bandwidth, one way", BANDWIDTH, rate),
    Panel("Bandwidth, both ways at once", BIDIRECTIONAL, rate),
)


def draw(rows: Sequence[Row], file: str) -> None:
    """Draw the rows of :func:`netopt.bench.link.measure`; bands are the quartiles."""
    figures.draw(lambda figure: _paint(figure, rows), (11.0, 7.6), file)


def _paint(figure: Figure, rows: Sequence[Row]) -> None:
    pairs = list(dict.fromkeys((row["source"], row["target"]) for row in rows))
    for place, panel in enumerate(PANELS):
        axes = figure.add_subplot(2, 2, place + 1)
        axes.set_title(panel.title, loc="left")
        for number, pair in enumerate(pairs):
            found = [
                r for r in rows if (r["source"], r["target"], r["test"]) == (*pair, panel.test)
            ]
            _curve(axes, panel, found, number)
        figures.logarithmic(axes, "message size" if place > 1 else "", "")
        figures.label(axes.xaxis, lambda value: size(round(value)), 16)
        figures.label(axes.yaxis, panel.written)
    handles, names = figure.axes[-2].get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside lower center", ncols=min(6, len(names)), frameon=False
    )


def _curve(axes: Axes, panel: Panel, rows: Sequence[Row], number: int) -> None:
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    known = [row for row in rows if row["samples"]]
    if not known:
        return

    def values(name: str, some: Sequence[Row]) -> list[float]:
        return [row[name] / (8 * row["bytes"] if panel.bits else 1) for row in some]

    x = [row["bytes"] for row in known]
    label = f"{known[0]['source']} → {known[0]['target']}"
    axes.plot(x, values("median", known), color=colour, marker=marker, label=label)
    axes.fill_between(
        x, values("q25", known), values("q75", known), color=colour, alpha=0.2, linewidth=0
    )
    told = [row for row in rows if row["predicted"]]
    if told:
        axes.plot(
            [row["bytes"] for row in told],
            values("predicted", told),
            color=colour,
            linestyle="--",
            linewidth=1.0,
            label=f"{label}, as configured",
        )
