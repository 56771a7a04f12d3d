"""The figure of ``netopt bench break-even``: a message's time over the link's rate, by codec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netopt.bench import figures
from netopt.bench.break_even_cases import BASE
from netopt.bench.break_even_model import Parts
from netopt.bench.break_even_tables import pays
from netopt.bench.link_tables import rate
from netopt.report.plot import COLOURS, DASHES
from netopt.report.units import seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = dict[str, Any]
RATES = np.logspace(6, 11, 201)
"""bit/s of the links that are drawn."""


def draw(rows: Sequence[Row], file: str) -> None:
    """Draw the rows of :func:`netopt.bench.break_even.measure`."""
    figures.draw(lambda figure: _paint(figure, rows), (12.5, 8.2), file)


def _paint(figure: Figure, rows: Sequence[Row]) -> None:
    base = next(row for row in rows if row["codec"] == BASE)
    whole, ratio = figure.subplots(1, 2, sharex=True)
    whole.set_title("Encode, send, decode", loc="left")
    ratio.set_title(f"Times quicker than plain {BASE}", loc="left")
    for number, row in enumerate(rows):
        _curves(whole, ratio, row, base, number)
    for axes, name in ((whole, "time of a message"), (ratio, "")):
        figures.logarithmic(axes, "rate of the link", name)
        figures.label(axes.xaxis, rate)
    figures.label(whole.yaxis, seconds)
    figures.label(ratio.yaxis, lambda value: f"{value:g}")
    ratio.annotate(
        "dots: where it begins to pay; crosses: measured over emulated links",
        (0, 0),
        (4, 4),
        "axes fraction",
        "offset points",
        fontsize=9.5,
    )
    handles, names = whole.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=9.5)


def _curves(whole: Axes, ratio: Axes, row: Row, base: Row, number: int) -> None:
    """Draw one codec: its line, where it crosses that of plain numbers, and what was checked."""
    parts, plain = _parts(row), _parts(base)
    colour = COLOURS[-1] if row is base else COLOURS[number % (len(COLOURS) - 1)]
    dash = "-" if row is base else DASHES[number // (len(COLOURS) - 1) % len(DASHES)]
    style: dict[str, Any] = {"color": colour, "linestyle": dash}
    style["linewidth"] = 2.4 if row is base else 1.4
    verdict = row["against"].get(BASE)
    label = row["codec"] if verdict is None else f"{row['codec']}: {pays(verdict)}"
    own = parts.own + parts.bits / RATES
    whole.plot(RATES, own, label=label, **style)
    ratio.plot(RATES, (plain.own + plain.bits / RATES) / own, **style)
    even = verdict and verdict["rate"]
    if even and RATES[0] <= even <= RATES[-1]:
        whole.plot(even, parts.seconds(even), "o", color=colour, markersize=6)
        ratio.plot(even, 1.0, "o", color=colour, markersize=6)
    for check in row["checks"]:
        whole.plot(check["rate"], check["measured"], "x", color=colour, markersize=5)
        ratio.plot(check["rate"], 1 / check["ratio"], "x", color=colour, markersize=5)


def _parts(row: Row) -> Parts:
    return Parts(row["encode"], row["decode"], 8 * row["frame_bytes"])
