"""A timeline draws a run's trace: a row for each agent, with a bar for all that it does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from netopt.errors import ConfigError
from netopt.report.plot import drawable, save, styled
from netopt.report.reading import existing
from netopt.report.units import scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AGENTS = 1
"""The process of the trace whose threads are agents."""
COLOURS = {
    "compute": "#0072B2",
    "encode": "#E69F00",
    "decode": "#009E73",
    "send": "#CC79A7",
    "wait": "#e3e3e3",
}
"""Okabe and Ito's colours for all kinds of colour vision; waiting is as pale as a grid."""
HEIGHT = {"compute": 0.8, "wait": 0.8, "encode": 0.4, "decode": 0.4, "send": 0.8}
"""Bars in rows of height 1: what is part of computing lies within it."""
MOST_ARROWS = 200
"""Frames that are drawn at most: more would cover the bars."""
AGAIN = "run the experiment again with record: {trace: true}"


class Bar(NamedTuple):
    """What an agent does from ``begin`` on for some ``duration``, in seconds."""

    kind: str
    agent: int
    begin: float
    duration: float


class Arrow(NamedTuple):
    """A frame's way from an agent and a time (s) to an agent and a time."""

    source: int
    sent: float
    target: int
    came: float


class Timeline(NamedTuple):
    """Bars and arrows of a trace, the number of its agents, and whose seconds they are."""

    bars: list[Bar]
    arrows: list[Arrow]
    agents: int
    seconds: str


def timeline(
    directory: str | Path,
    out: str | Path,
    rounds: tuple[int, int] | None = None,
    title: str | None = None,
) -> Path:
    """Draw the trace of a run directory to ``out``, a .png, .pdf or .svg file; return its path.

    ``rounds`` are the first and the last to draw, as each agent counts them; None draws all. Raises
    ConfigError for a directory without a trace, a suffix that is none of these, and rounds that
    nobody played.
    """
    out = drawable(out)
    found = load(directory, rounds)
    with styled():
        save(_figure(found, title), out)
    return out


def load(directory: str | Path, rounds: tuple[int, int] | None = None) -> Timeline:
    """Return what trace.json of a run directory says, of some rounds or of all."""
    folder = existing(directory)
    file = folder / "trace.json"
    if not file.is_file():
        raise ConfigError(f"'{folder}' has no trace.json; {AGAIN}")
    try:
        whole = json.loads(file.read_text("utf-8"))
        return _timeline(whole["traceEvents"], whole["otherData"]["seconds"], rounds, folder)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"'{file}' is no trace of netopt ({error!r}); {AGAIN}") from None


def _timeline(
    events: Sequence[Mapping[str, Any]],
    seconds: str,
    rounds: tuple[int, int] | None,
    folder: Path,
) -> Timeline:
    first, last = rounds or (0, 2**32)
    mine = [event for event in events if event["pid"] == AGENTS]
    names = {event["tid"] for event in mine if event["name"] == "thread_name"}
    slices = [event for event in mine if event["ph"] == "X"]
    kept = [event for event in slices if first <= event["args"]["round"] <= last]
    bars = [Bar(e["name"], e["tid"], e["ts"] / 1e6, e["dur"] / 1e6) for e in kept]
    if not bars:
        raise ConfigError(f"'{folder}' has no trace of rounds {first} to {last}; choose others")
    shown = {(event["tid"], _nanoseconds(event["ts"] + event["dur"])) for event in kept}
    ways: dict[int, dict[str, Mapping[str, Any]]] = {}
    for event in mine:
        if event["ph"] in ("s", "f"):
            ways.setdefault(event["id"], {})[event["ph"]] = event
    arrows = [
        Arrow(way["s"]["tid"], way["s"]["ts"] / 1e6, way["f"]["tid"], way["f"]["ts"] / 1e6)
        for way in ways.values()
        if (way["s"]["tid"], _nanoseconds(way["s"]["ts"])) in shown
    ]
    return Timeline(bars, arrows, len(names), seconds)


def _nanoseconds(microseconds: float) -> int:
    return round(microseconds * 1000)


def _figure(found: Timeline, title: str | None) -> Figure:
    from matplotlib.figure import Figure

    end = max(bar.begin + bar.duration for bar in found.bars)
    begin = min(bar.begin for bar in found.bars)
    divisor, unit = scale(end)
    figure = Figure(figsize=(9.0, 1.4 + 0.42 * found.agents), layout="constrained")
    axes = figure.add_subplot()
    lasting = {bar.kind for bar in found.bars if bar.duration > 0}
    kinds = [kind for kind in COLOURS if kind in lasting]
    for kind in kinds:
        _draw(axes, kind, found, divisor)
    if len(found.arrows) <= MOST_ARROWS:
        for arrow in found.arrows:
            ends = [(arrow.sent / divisor, arrow.source), (arrow.came / divisor, arrow.target)]
            axes.plot(*zip(*ends, strict=True), color="#555555", linewidth=0.6, alpha=0.7, zorder=3)
    axes.set_xlim(begin / divisor, end / divisor)
    axes.set_ylim(found.agents - 0.4, -0.6)
    axes.set_yticks(range(found.agents), [f"agent {i}" for i in range(found.agents)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"{found.seconds} time ({unit})")
    if title:
        axes.set_title(title, loc="left", pad=12)
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    return figure


def _draw(axes: Axes, kind: str, found: Timeline, divisor: float) -> None:
    """Draw the bars of one kind in all rows; what takes no time has none."""
    rows: dict[int, list[tuple[float, float]]] = {}
    for bar in found.bars:
        if bar.kind == kind and bar.duration > 0:
            span = (bar.begin / divisor, bar.duration / divisor)
            rows.setdefault(bar.agent, []).append(span)
    height, label = HEIGHT[kind], kind
    for agent, spans in rows.items():
        place = (agent - height / 2, height)
        axes.broken_barh(spans, place, facecolors=COLOURS[kind], linewidth=0, label=label)
        label = "_" + kind  # once in the legend
