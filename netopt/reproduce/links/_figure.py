"""The figure: errors against emulated seconds, and seconds to an accuracy against the rate."""

from __future__ import annotations

import numpy as np

from netopt.report import units
from netopt.report.plot import COLOURS
from netopt.report.reading import Column
from netopt.reproduce._curves import Results, rounds_to
from netopt.reproduce._drawing import Bar, Line, Panel
from netopt.reproduce._panels import HIGHEST
from netopt.reproduce.links._crossings import emulated_to, passes
from netopt.reproduce.links._judged import bitrate
from netopt.reproduce.links._lines import SWEPT, Rate, Shape, Time
from netopt.reproduce.links._methods import GD, METHODS, NATURAL, PLUS, Method
from netopt.reproduce.links._times import break_even, cost, group, measured, swept
from netopt.reproduce.smoothness._methods import MEASURE

AFTER = ", its set-up included"
THEORY = "the closed form: fixed + bits / rate, every round"
HOLLOW = len(COLOURS)
ROUNDING = 1e-12
"""Squared errors below are near the rounding of float32."""


def errors(results: Results, rate: Rate, shape: Shape) -> Panel:
    """Return the error against emulated seconds, with where DIANA+ passes GD."""
    place = group(rate, shape)
    lines: list[Line] = []
    marks: list[tuple[float, str]] = []
    base = results.curve(GD.series, None, place)
    for method in METHODS:
        curve = results.curve(method.series, None, place)
        seconds = curve.columns["emulated_seconds"]
        line = Line(method.series, seconds, curve.error, method.colour, curve.low, curve.high)
        lines.append(line)
        if method is PLUS:
            own = cost(results, results.runs(method.series, None, place)[0], shape, rate.latency)
            late = seconds + own.setup.at(rate.rate)
            label = f"{method.series}{AFTER}"
            lines.append(line._replace(label=label, x=late, colour=HOLLOW + method.colour))
            for x, told in ((seconds, ""), (late, " with set-up")):
                passed = passes((base.columns["emulated_seconds"], base.error), (x, curve.error))
                if passed:
                    marks.append((passed, f"DIANA+{told} passes GD: {units.seconds(passed)}"))
    title = f"{rate.name} up, {units.seconds(rate.latency)}, {shape.name}"
    panel = Panel(title, "emulated time (s)", MEASURE, lines, True, True, marks)
    return panel._replace(lowest=ROUNDING, highest=HIGHEST)


def sweep(results: Results, shape: Shape, target: float) -> Panel:
    """Return the seconds to an accuracy against the rate of the lines, with the break-even rate."""
    lines: list[Line] = []
    marks: list[tuple[float, str]] = []
    for method in METHODS:
        lines += _swept(results, method, shape, target)
    for method, setup in ((PLUS, False), (PLUS, True), (NATURAL, False)):
        found = break_even(results, method, shape, target, setup)
        # Of two methods that are close the second one would only hide the first one's label.
        if found.lowest <= found.seen <= found.highest and (method is PLUS or not marks):
            told = f"{method.series.split(', ')[1]}{' with set-up' if setup else ''}"
            marks.append((found.seen, f"{told}: {bitrate(found.seen)}"))
    title = f"to {target:g}, {units.seconds(SWEPT.latency)}, {shape.name}"
    y = f"emulated time to {target:g} (s)"
    return Panel(title, "rate up (bit/s)", y, lines, True, True, marks)


def _swept(results: Results, method: Method, shape: Shape, target: float) -> list[Line]:
    """Return the emulated seconds of a method by rate, and those of the closed form."""
    place = swept(shape)
    x = np.array(results.places(method.series, place))
    runs = [results.runs(method.series, at, place)[0] for at in x]
    own = cost(results, runs[0], shape, SWEPT.latency)
    rounds = rounds_to(runs[0], target)
    seconds = np.array([emulated_to(run, target) for run in runs])
    found = [
        Line(method.series, x, seconds, method.colour, points=True),
        _closed(own.to(rounds, False), x, method, "--"),
    ]
    if method is PLUS:
        late = seconds + np.array([own.setup.at(rate) for rate in x])
        label = f"{method.series}{AFTER}"
        found.append(Line(label, x, late, HOLLOW + method.colour, points=True))
        found.append(_closed(own.to(rounds, True), x, method, ":"))
    return found


def _closed(time: Time, rates: Column, method: Method, dash: str) -> Line:
    """Return the line of the closed form between the first and the last rate."""
    x = np.geomspace(rates[0], rates[-1], 60)
    y = [time.at(rate) if np.isfinite(time.bits) else np.nan for rate in x]
    return Line(THEORY, x, np.array(y), method.colour, dash=dash)


def compute(results: Results, rate: Rate, shape: Shape, target: float) -> Panel:
    """Return the seconds of a round with modelled and with measured compute, a bar each."""
    bars = []
    for method in METHODS:
        for place, word in ((group(rate, shape), "model"), (measured(rate, shape), "measured")):
            run = results.runs(method.series, None, place)[0]
            mean = 1e3 * run.table["emulated_seconds"][-1] / run.round[-1]
            colour = method.colour if word == "model" else None
            seconds = emulated_to(run, target)
            note = units.seconds(seconds) if np.isfinite(seconds) else "never"
            bars.append(Bar(f"{method.series}, {word}", mean, None, None, colour, note))
    title = f"{rate.name}, {shape.name}; right: to {target:g}"
    return Panel(title, "emulated time of a round (ms)", "", (), lowest=0, bars=bars)
