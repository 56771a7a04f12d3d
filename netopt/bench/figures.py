"""What the figures of benchmarks have in common: netopt's style, logarithmic axes, the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from netopt.bench.output import check_writable
from netopt.errors import ConfigError
from netopt.report.plot import METADATA, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Written = Callable[[float], str]


def check_figure(file: str | None) -> None:
    """Raise ConfigError unless ``file`` is None or a figure that can be written."""
    if file is None:
        return
    suffix = Path(file).suffix
    if suffix.lower() not in METADATA:
        got = f"'{suffix}'" if suffix else "no suffix"
        raise ConfigError(f"--plot: '{file}' must end in {', '.join(METADATA)}, got {got}")
    check_writable(file)


def draw(paint: Callable[[Figure], None], size: tuple[float, float], file: str) -> None:
    """Let ``paint`` fill a figure of so many inches, in netopt's style, and write it."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**STYLE, "lines.linewidth": 1.6, "lines.markersize": 4})
        from matplotlib.figure import Figure

        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        figure.savefig(file, dpi=150, metadata=METADATA[Path(file).suffix.lower()])


def logarithmic(axes: Axes, x: str, y: str) -> None:
    """Make both axes logarithmic, with a grid below the lines."""
    axes.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    axes.grid(True)
    axes.set_axisbelow(True)


def label(axis: Axis, written: Written, base: int = 10) -> None:
    """Write the ticks of a logarithmic axis, at powers of ``base``, by ``written``."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis.set_major_locator(LogLocator(base, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
    axis.set_minor_formatter(NullFormatter())
    if base != 10:
        axis.set_minor_locator(NullLocator())
