"""Times to an accuracy of all methods over all lines: as emulated, and by the closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from netopt.algorithms._star import HUB
from netopt.report import captures
from netopt.reproduce._curves import Results, Run, rounds_to
from netopt.reproduce.links._crossings import emulated_to
from netopt.reproduce.links._lines import (
    FAST,
    RATES,
    SWEPT,
    Rate,
    Shape,
    Time,
    pays_below,
    round_time,
    seen_below,
    sent,
    setup_time,
    thinks,
)
from netopt.reproduce.links._methods import GD, PLUS, Method

TARGETS = (1e-1, 1e-2, 1e-3, 1e-4)
"""Squared relative errors at which methods are compared."""


def group(rate: Rate, shape: Shape) -> str:
    """Return the group of the runs at a rate."""
    return f"{rate.name}, {shape.name}"


def swept(shape: Shape) -> str:
    """Return the group of a sweep of rates."""
    return f"sweep, {shape.name}"


def measured(rate: Rate, shape: Shape) -> str:
    """Return the group of the runs whose compute is measured."""
    return f"{group(rate, shape)}, measured compute"


def workers(run: Run) -> int:
    """Return n."""
    return int(run.case.run["topology"]["size"]) - 1


def common_target(results: Results, shape: Shape) -> float:
    """Return the smallest target that GD and DIANA+ reach in a sweep; the largest if none is."""
    rate = results.places(GD.series, swept(shape))[0]
    runs = [r for m in (GD, PLUS) for r in results.runs(m.series, rate, swept(shape))]
    reached = [t for t in TARGETS if all(math.isfinite(rounds_to(run, t)) for run in runs)]
    return reached[-1] if reached else TARGETS[0]


class Cost(NamedTuple):
    """What a method costs over lines of one shape and latency: a round, and its set-up."""

    round: Time
    setup: Time

    def to(self, rounds: float, setup: bool) -> Time:
        """Return the time of so many rounds, with or without the set-up."""
        time = self.round.times(rounds)
        return time.and_then(self.setup) if setup else time


def spread(results: Results, series: str) -> float:
    """Return by how much the largest frame up of a round is above the mean: in captured rounds.

    It is of the run of a sweep that captured frames; 1 if there is none.
    """
    runs = results.runs(series, SWEPT.rate, swept(FAST))
    return _spread(runs[0].directory, workers(runs[0])) if runs and runs[0].directory else 1.0


@cache
def _spread(directory: Path, n: int) -> float:
    sizes: dict[int, list[int]] = {}
    for frame in captures.captured(directory):
        if frame.target == HUB:
            sizes.setdefault(frame.round, []).append(len(frame.data))
    whole = [found for found in sizes.values() if len(found) == n]
    return float(np.mean([max(found) for found in whole]) / np.mean(whole)) if whole else 1.0


def cost(results: Results, run: Run, shape: Shape, latency: float) -> Cost:
    """Return what a run cost by the closed form, from the bytes in its ledger."""
    told, n = sent(run, spread(results, run.case.series)), workers(run)
    around = round_time(shape, n, latency, thinks(run), told)
    return Cost(around, setup_time(shape, n, latency, told))


def deviations(results: Results, shape: Shape) -> list[float]:
    """Return |emulated / closed form - 1| at the end of every run over lines of a shape."""
    found = []
    for run, rate, latency in over(results, shape):
        time = cost(results, run, shape, latency).round.times(run.round[-1])
        found.append(abs(run.table["emulated_seconds"][-1] / time.at(rate) - 1))
    return found


def over(results: Results, shape: Shape) -> list[tuple[Run, float, float]]:
    """Return the runs over lines of a shape with modelled compute, their rates and latencies."""
    places = [(group(rate, shape), None, rate.rate, rate.latency) for rate in RATES]
    rates = results.places(GD.series, swept(shape))
    places += [(swept(shape), at, at, SWEPT.latency) for at in rates]  # type: ignore[misc]
    return [
        (run, rate, latency)
        for place, at, rate, latency in places
        for series in results.series(place)
        for run in results.runs(series, at, place)
    ]


class BreakEven(NamedTuple):
    """The rate below which a method is sooner than GD: in closed form, and in the sweep."""

    predicted: float
    seen: float
    lowest: float
    highest: float


def break_even(
    results: Results, method: Method, shape: Shape, target: float, setup: bool
) -> BreakEven:
    """Return where a method breaks even with GD, to a target, over lines of a shape."""
    place = swept(shape)
    rates = results.places(GD.series, place)
    times: list[Time] = []
    seconds: list[Sequence[float]] = []
    for one in (GD, method):
        runs = [results.runs(one.series, at, place)[0] for at in rates]
        own = cost(results, runs[0], shape, SWEPT.latency)
        more = own.setup if setup else Time(0.0, 0.0)
        times.append(own.to(rounds_to(runs[0], target), setup))
        seconds.append(
            [emulated_to(run, target) + more.at(at) for run, at in zip(runs, rates, strict=True)]
        )
    return BreakEven(pays_below(*times), seen_below(rates, *seconds), rates[0], rates[-1])
