"""Tables of the study's page: times, break-even rates, and what counting what would say."""

from __future__ import annotations

import math
from collections.abc import Iterator

from netopt.report import units
from netopt.reproduce._curves import Results, Run, rounds_to
from netopt.reproduce.links._crossings import emulated_to
from netopt.reproduce.links._judged import predicted, words
from netopt.reproduce.links._lines import ALIKE, FAST, RATES, SHAPES, Rate, Shape, sent
from netopt.reproduce.links._methods import COMPRESSED, GD, METHODS, Method
from netopt.reproduce.links._times import break_even, cost, group, measured

HEADER = 8 * 32
"""Bits of a frame's header."""


def notes(results: Results, target: float) -> list[str]:
    """Return all tables, each with its heading."""
    return [_times(results, target), _even(results, target), _counted(results, target)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(map(_row, [head, ["---"] * len(head), *rows]))


def _told(seconds: float) -> str:
    return units.seconds(seconds) if math.isfinite(seconds) else "-"


def _times(results: Results, target: float) -> str:
    """Return rounds and seconds to the target at every rate, as emulated and in closed form."""
    head = ["lines", "method", "rounds", "a round", "emulated", "closed form", "set-up", "sum"]
    rows = [
        [group(rate, shape), method.series, *_cells(results, rate, shape, method, target)]
        for shape in (ALIKE, FAST)
        for rate in RATES
        for method in METHODS
    ]
    rows += [
        [measured(RATES[0], FAST), method.series, *_measured(results, method, target)]
        for method in METHODS
    ]
    return (
        f"## Seconds to {target:g}\nOf the first seed, by the emulated clock; the set-up is added "
        f"by the closed form.\n\n{_table(head, rows)}"
    )


def _cells(
    results: Results, rate: Rate, shape: Shape, method: Method, target: float
) -> Iterator[str]:
    run = results.runs(method.series, None, group(rate, shape))[0]
    rounds, own = rounds_to(run, target), cost(results, run, shape, rate.latency)
    seconds, setup = emulated_to(run, target), own.setup.at(rate.rate)
    yield f"{rounds:g}" if math.isfinite(rounds) else "not reached"
    yield units.seconds(run.table["emulated_seconds"][-1] / run.round[-1])
    yield _told(seconds)
    yield _told(own.round.at(rate.rate) * rounds)
    yield units.seconds(setup) if setup else "-"
    yield _told(seconds + setup)


def _measured(results: Results, method: Method, target: float) -> list[str]:
    run = results.runs(method.series, None, measured(RATES[0], FAST))[0]
    rounds, seconds = rounds_to(run, target), emulated_to(run, target)
    around = units.seconds(run.table["emulated_seconds"][-1] / run.round[-1])
    told = f"{rounds:g}" if math.isfinite(rounds) else "not reached"
    return [told, around, _told(seconds), "-", "-", "-"]


def _even(results: Results, target: float) -> str:
    head = ["lines", "method", "sooner than GD, closed form", "in the sweep"]
    rows = []
    for shape in SHAPES:
        for method in COMPRESSED:
            for setup in (False, True) if method.matrices else (False,):
                found = break_even(results, method, shape, target, setup)
                name = f"{method.series}{', with set-up' if setup else ''}"
                told = predicted(found), words(found, found.seen)
                rows.append([shape.name, name, *told])
    return f"## Break-even rates to {target:g}\n{_table(head, rows)}"


def _counted(results: Results, target: float) -> str:
    """Return by what factor a method is ahead of GD, depending on what is counted."""
    head = ["what is counted", *(method.series for method in COMPRESSED)]
    kinds = [
        ("payload up, as the papers count", 1.0, 0.0, 0.0, 0.0),
        ("and headers", 1.0, 1.0, 0.0, 0.0),
        ("and a tenth of what comes down", 1.0, 1.0, 0.1, 0.0),
        ("and all that comes down", 1.0, 1.0, 1.0, 0.0),
        ("payload and headers up, and the set-up", 1.0, 1.0, 0.0, 1.0),
        ("all, and the set-up", 1.0, 1.0, 1.0, 1.0),
        ("iterations", 0.0, 0.0, 0.0, 0.0),
    ]
    place = group(RATES[-1], ALIKE)
    base = results.runs(GD.series, None, place)[0]
    others = [results.runs(method.series, None, place)[0] for method in COMPRESSED]
    rows = [
        [name, *(_factor(_bits(base, target, *k) / _bits(run, target, *k)) for run in others)]
        for name, *k in kinds
    ]
    return (
        f"## GD's cost to {target:g} by that of the others\nAbove 1 the method is ahead of GD; "
        f"-: not both got there.\n\n{_table(head, rows)}"
    )


def _factor(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) and value else "-"


def _bits(run: Run, target: float, up: float, header: float, down: float, setup: float) -> float:
    """Return what a worker's line carries to the target, weighed; rounds if nothing has weight."""
    told, rounds = sent(run), rounds_to(run, target)
    if not up:
        return rounds
    around = told.up - HEADER * (1 - header) + down * told.down
    return rounds * around + setup * (told.setup_up + down * told.setup_down)
