"""A plot shows a column of one run or several over what it cost: bytes, rounds or seconds.

Seconds are those of the wall, or those that the run's clock emulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from netopt.errors import ConfigError
from netopt.registry import suggest
from netopt.report.labels import COLUMNS, legend
from netopt.report.reading import Column, RunFiles, columns, load
from netopt.report.units import prefix, scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

X = {
    "bytes": "wire_bytes",
    "bits": "payload_bits",
    "rounds": "round",
    "seconds": "seconds",
    "emulated": "emulated_seconds",
}
UNITS = {
    "bytes": ("bytes on the wire, all edges, headers included", "B"),
    "bits": ("payload on the wire, all edges", "bit"),
    "rounds": ("rounds", ""),
    "seconds": ("wall time", "s"),
    "emulated": ("emulated time", "s"),
}
# What each format writes about when and by what it was made would differ from run to run.
METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}
# Okabe and Ito's colours for all kinds of colour vision, less the yellow that white swallows.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
MARKERS = "osD^vPX*"
LOG_DECADES = 1.5
"""An axis is logarithmic if its positive values span more decades than this."""

STYLE: Any = {
    "font.size": 11,
    "axes.labelsize": 12,
    "axes.titlesize": 13,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "grid.color": "#e3e3e3",
    "lines.linewidth": 2.0,
    "lines.markersize": 5.5,
    "svg.hashsalt": "netopt",  # the ids in an SVG are random without it
}


class Curve(NamedTuple):
    """One run's line: its label and its points, two arrays of equal length."""

    label: str
    x: Column
    y: Column


def plot(
    directories: Sequence[str | Path],
    out: str | Path,
    y: str = "loss",
    x: str = "bytes",
    title: str | None = None,
) -> Path:
    """Draw column ``y`` of the runs in ``directories`` over ``x``, and return the path ``out``.

    ``x`` is 'bytes' (payload and headers of all edges), 'bits' (payload), 'rounds', 'seconds' (of
    the wall) or 'emulated' (seconds of the run's clock); ``out`` ends in .png, .pdf or .svg. The
    same runs give the same file, byte for byte, and no display is needed. Raises ConfigError for an
    unknown column, axis or suffix, a column that is not known for a run, a directory that is none
    of a run, and a file that cannot be written.
    """
    out = drawable(out)
    if x not in X:
        hint = suggest(x, X) or f"; choose from {', '.join(X)}"
        raise ConfigError(f"the x axis cannot be '{x}'{hint}")
    if not directories:
        raise ConfigError("no run to plot; give one run directory or more")
    runs = [load(directory) for directory in directories]
    found = [Curve(name, *points(run, y, x)) for name, run in zip(legend(runs), runs, strict=True)]
    with styled():
        save(_figure(found, y, x, title), out)
    return out


def points(run: RunFiles, y: str, x: str) -> tuple[Column, Column]:
    """Return column ``y`` of a run over the axis ``x``, without the rows in which y is not finite.

    Raises ConfigError for a column that the run does not have, or that is null in every row.
    """
    table = columns(run.rows)
    if y not in table:
        hint = suggest(y, table) or f"; choose from {', '.join(table)}"
        raise ConfigError(f"'{run.directory}' has no column '{y}'{hint}")
    if x == "emulated" and np.isnan(table.get(X[x], np.array(np.nan))).all():
        raise ConfigError(
            f"'{run.directory}' has no {X[x]}: it had no clock; give its topology links, or "
            "network.clock: virtual"
        )
    known = np.isfinite(table[y]) & np.isfinite(table[X[x]])
    if not known.any():
        some = ", ".join(name for name in table if np.isfinite(table[name]).any())
        raise ConfigError(
            f"'{run.directory}': {y if np.isnan(table[y]).all() else X[x]} is not known for this "
            f"problem; choose from {some}"
        )
    return table[X[x]][known], table[y][known]


def logarithmic(series: Sequence[Column]) -> bool:
    """Return whether the values call for a log axis: none negative, and decades apart.

    Zeros do not count: a log axis leaves them out.
    """
    values = np.concatenate(series)
    positive = values[values > 0]
    if np.any(values < 0) or not len(positive):
        return False
    return bool(np.log10(positive.max() / positive.min()) > LOG_DECADES)


def drawable(out: str | Path) -> Path:
    """Return the path of a figure; ConfigError unless its suffix is one that can be drawn."""
    out = Path(out)
    if out.suffix.lower() not in METADATA:
        got = f"'{out.suffix}'" if out.suffix else "no suffix"
        raise ConfigError(f"'{out}' must end in {', '.join(METADATA)}, got {got}")
    return out


@contextmanager
def styled() -> Iterator[None]:
    """Set matplotlib's own defaults, not the user's, and the style on top; undo both afterwards."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def _figure(curves: Sequence[Curve], y: str, x: str, title: str | None) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(True)
    axes.set_axisbelow(True)
    divisor, unit = _unit(curves, x)
    curves = [curve._replace(x=curve.x / divisor) for curve in curves]
    # Rounds are counted evenly, whatever their number; costs and errors are compared by ratio.
    wide_x = x != "rounds" and logarithmic([curve.x for curve in curves])
    wide_y = logarithmic([curve.y for curve in curves])
    for index, curve in enumerate(curves):
        _draw(axes, _shown(curve, wide_x, wide_y), index)
    axes.set_xlabel(UNITS[x][0] + unit)
    axes.set_ylabel(COLUMNS.get(y, y))
    if wide_x:
        _log(axes, "x")
    if wide_y:
        _log(axes, "y")
    if title:
        axes.set_title(title, loc="left", pad=12)
    # Outside the axes a legend cannot cover a line, wherever the lines go.
    figure.legend(loc="outside lower center", ncols=min(2, len(curves)), frameon=False)
    return figure


def _unit(curves: Sequence[Curve], x: str) -> tuple[float, str]:
    """Return by what to divide x, and the unit in brackets that goes behind the axis label."""
    unit = UNITS[x][1]
    if x in ("bytes", "bits"):
        divisor, letter = prefix(max(float(curve.x.max()) for curve in curves))
        return divisor, f" ({letter}{unit})"
    if x == "emulated":
        divisor, name = scale(max(float(curve.x.max()) for curve in curves))
        return divisor, f" ({name})"
    return 1.0, f" ({unit})" if unit else ""


def _shown(curve: Curve, wide_x: bool, wide_y: bool) -> Curve:
    """Return a curve without the points for which a log axis has no place."""
    kept = (curve.x > 0) | (not wide_x)
    kept &= (curve.y > 0) | (not wide_y)
    return Curve(curve.label, curve.x[kept], curve.y[kept])


def _draw(axes: Axes, curve: Curve, index: int) -> None:
    step = max(1, len(curve.x) // 10)
    axes.plot(
        curve.x,
        curve.y,
        label=curve.label,
        color=COLOURS[index % len(COLOURS)],
        linestyle=DASHES[index % len(DASHES)],
        marker=MARKERS[index % len(MARKERS)],
        markevery=(index % step, step),  # curves that coincide are marked in turn
        markeredgecolor="white",
        markeredgewidth=0.8,
    )


def _log(axes: Axes, which: str) -> None:
    """Make one axis logarithmic, with plain numbers at its ticks where those are short."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set(**{f"{which}scale": "log"})
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    axis = axes.xaxis if which == "x" else axes.yaxis
    if low >= 1e-4 and high < 1e5:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def save(figure: Figure, out: Path) -> None:
    """Write a figure, the same bytes each time; ConfigError if it cannot be written."""
    try:
        figure.savefig(out, dpi=150, metadata=METADATA[out.suffix.lower()])
    except OSError as error:
        raise ConfigError(
            f"cannot write '{out}': {error.strerror}; give a file in a folder that exists"
        ) from None
