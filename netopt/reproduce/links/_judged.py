"""What is claimed of times over links, judged."""

from __future__ import annotations

import math

from netopt.report.units import PREFIXES
from netopt.reproduce._claims import Claim, at_least, at_most, exact, spread
from netopt.reproduce._curves import Results, rounds_to
from netopt.reproduce.links._crossings import emulated_to
from netopt.reproduce.links._lines import ALIKE, FAST, RATES, SHAPES, SWEPT, Shape, sent
from netopt.reproduce.links._methods import COMPRESSED, FLOATS, GD, METHODS, PLUS, Method
from netopt.reproduce.links._times import (
    BreakEven,
    break_even,
    deviations,
    group,
    measured,
    swept,
    workers,
)

WITHIN = 0.01
"""How far emulated times may be from the closed form."""
ROUND = 0.02
"""How far a break-even rate may be: it is a quotient of differences of times."""
SLOW, QUICK = RATES[-1], RATES[0]


def claims(results: Results, target: float) -> list[Claim]:
    """Return all claims."""
    return [
        *(_closed(results, shape) for shape in SHAPES),
        _same(results),
        _sooner(results, ALIKE, target),
        _sooner(results, FAST, target),
        *(_first(results, group(QUICK, shape), target) for shape in (ALIKE, FAST)),
        _first(results, measured(QUICK, FAST), target),
        *(
            even(results, method, shape, target, setup)
            for shape in SHAPES
            for method in COMPRESSED
            for setup in ((False, True) if method.matrices else (False,))
        ),
        _payload(results),
        _setup(results),
    ]


def _closed(results: Results, shape: Shape) -> Claim:
    found = max(deviations(results, shape))
    text = f"{shape.name}: emulated seconds of all runs, off compute + latencies + bits / rate"
    return at_most(text, WITHIN, [found], f"at most {100 * WITHIN:g} %")


def _same(results: Results) -> Claim:
    """Claim that the sweeps' runs, in lockstep, have the rows of those that the driver played."""
    wrong = counted = 0
    for shape in (ALIKE, FAST):
        for method in METHODS:
            one = results.runs(method.series, None, group(SWEPT, shape))[0]
            two = results.runs(method.series, SWEPT.rate, swept(shape))[0]
            rows = min(len(one.round), len(two.round))
            for name in ("emulated_seconds", "distance", "payload_bits"):
                wrong += int((one.table[name][:rows] != two.table[name][:rows]).sum())
                counted += rows
    return exact(
        "the driver and lockstep have the same rows, to the last bit", wrong, counted, "numbers"
    )


def ratio(results: Results, place: str, target: float, one: Method, two: Method) -> list[float]:
    """Return the emulated seconds of a method to a target by those of another, for every seed."""
    pairs = zip(
        results.runs(one.series, None, place), results.runs(two.series, None, place), strict=True
    )
    return [emulated_to(first, target) / emulated_to(second, target) for first, second in pairs]


def _sooner(results: Results, shape: Shape, target: float) -> Claim:
    """Claim that on the slowest lines DIANA+ gains at most the ratio of the bits, and gains."""
    place = group(SLOW, shape)
    base, plus = (results.runs(m.series, None, place)[0] for m in (GD, PLUS))
    bits = [
        rounds_to(run, target) * (sent(run).up + sent(run).down / shape.down)
        for run in (base, plus)
    ]
    limit = bits[0] / bits[1]
    found = ratio(results, place, target, GD, PLUS)
    mean = sum(found) / len(found)
    text = f"{place}: seconds of GD / DIANA+ to {target:g}, at most that of the bits"
    told = f"> 1; the bits allow {limit:.4g}"
    return Claim(text, told, mean, spread(found), 1 < mean <= limit * (1 + WITHIN))


def _first(results: Results, place: str, target: float) -> Claim:
    found = ratio(results, place, target, PLUS, GD)
    return at_least(f"{place}: GD is first to {target:g}; seconds of DIANA+ / GD", 1.0, found)


def even(results: Results, method: Method, shape: Shape, target: float, setup: bool) -> Claim:
    """Claim that a method breaks even with GD in the sweep where the closed form says so."""
    found = break_even(results, method, shape, target, setup)
    with_or = "" if not method.matrices else (", with set-up" if setup else ", without set-up")
    text = f"{shape.name}, {method.series}{with_or}: sooner than GD to {target:g}"
    return Claim(text, predicted(found), words(found, found.seen), None, agrees(found))


def agrees(found: BreakEven) -> bool:
    """Return whether the sweep has the crossing where it is predicted, or none as predicted."""
    if found.predicted < found.lowest:
        return found.seen == 0
    if found.predicted > found.highest:
        return math.isinf(found.seen)
    return abs(found.seen / found.predicted - 1) <= ROUND


def predicted(found: BreakEven) -> str:
    """Return the closed form's rate in words; unlike the sweep it knows when there is none."""
    return words(found, found.predicted) if found.predicted else "at no rate"


def words(found: BreakEven, rate: float) -> str:
    """Return below which rate a method is sooner, in words, as far as the sweep goes."""
    if rate < found.lowest:
        return f"nowhere above {bitrate(found.lowest)}"
    if rate > found.highest:
        return f"up to {bitrate(found.highest)} at least"
    return f"below {bitrate(rate)}"


def bitrate(rate: float) -> str:
    """Return a rate with its unit, to three digits.

    >>> bitrate(1.2345e6), bitrate(1e4)
    ('1.23 Mbit/s', '10 kbit/s')
    """
    power = max(0, min(4, math.floor(math.log10(rate) / 3 + 1e-9)))
    return f"{rate / 1000**power:.3g} {PREFIXES[power]}bit/s"


def _payload(results: Results) -> Claim:
    """Claim that GD's payload is 32 bits a number, up and down, and what comes down to all."""
    wrong = counted = 0
    for run in results.all():
        numbers = workers(run) * results.dimension(run) * run.round
        down = run.table["payload_bits"] - run.uplink_bits
        if run.case.run["codecs"]["up"] == FLOATS:
            wrong += bool((run.table["payload_bits"] != 2 * 32 * numbers).any())
            counted += 1
        wrong += bool(abs(down[-1] - 32 * numbers[-1]) > 0)
        counted += 1
    return exact("payload of float32 is 32 bits a number, by the ledger", wrong, counted, "runs")


def _setup(results: Results) -> Claim:
    """Claim that those with matrices told at least 32 d^2 bits a worker, and the others nothing."""
    wrong = 0
    for run in results.all():
        d = results.dimension(run)
        plus = run.case.run["algorithm"] == PLUS.algorithm
        least = 32 * d * d * workers(run) if plus else 0
        wrong += not least <= run.setup_bits <= least + 32 * (d + 1) * workers(run) * plus
    text = "set-up by the ledger: 32 (d^2 + at most d + 1) bits a worker with matrices, else none"
    return exact(text, wrong, len(results.all()), "runs")
