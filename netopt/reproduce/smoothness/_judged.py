"""What the smoothness-aware paper says of its methods, judged: rounds, bytes, floors, set-up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from netopt.config import Experiment
from netopt.reproduce._claims import Claim, spread
from netopt.reproduce._curves import Results, Run, bits_to, rounds_to
from netopt.reproduce.smoothness._methods import (
    DCGD,
    DCGD_SMOOTH,
    DIANA,
    DIANA_BLOCKS,
    DIANA_SMOOTH,
    DIANA_UNIFORM,
    RAND_TAU,
    SMOOTH_BLOCKS,
    Method,
    theory,
)

TARGETS = (1e-1, 1e-2, 1e-4, 1e-6)
"""Squared relative errors at which methods are compared."""


class Printed(NamedTuple):
    """An independent re-run: rounds and MB up with set-up to an error, None if not reached."""

    target: float
    rows: dict[str, tuple[int, float] | None]


PRINTED = {
    "splice": Printed(
        1e-4,
        {
            DIANA.series: (200, 0.019),
            DIANA_UNIFORM.series: (150, 0.103),
            DIANA_SMOOTH.series: (150, 0.104),
            DIANA_BLOCKS.series: (150, 0.035),
            SMOOTH_BLOCKS.series: (150, 0.115),
            RAND_TAU.series: (150, 0.122),
        },
    ),
    "a8a": Printed(
        1e-2,
        {
            DCGD_SMOOTH.series: (1050, 0.698),
            DIANA.series: (3850, 0.631),
            DIANA_UNIFORM.series: (1250, 0.727),
            DIANA_SMOOTH.series: (1100, 0.687),
            DIANA_BLOCKS.series: (2000, 0.887),
            SMOOTH_BLOCKS.series: (1200, 0.901),
            RAND_TAU.series: (1100, 1.01),
        },
    ),
    "w8a": Printed(
        1e-2,
        {
            DCGD_SMOOTH.series: (810, 3.27),
            DIANA_UNIFORM.series: (1050, 3.43),
            DIANA_SMOOTH.series: (930, 3.35),
            SMOOTH_BLOCKS.series: (1080, 3.50),
            RAND_TAU.series: (930, 3.98),
        },
    ),
}
"""By the file's name; the step between two rows is 50 rounds, 30 for w8a."""
FLOORS = {"splice": {DCGD.series: 6e-3, DCGD_SMOOTH.series: 1e-2}}
"""Where methods without shifts stop, by the same re-run."""


def printed(results: Results, methods: Sequence[Method]) -> list[Claim]:
    """Claim the numbers of the re-run, if the data are those, at their full length."""
    name = Path((results.request.data or "").rpartition(":")[2]).stem
    if name not in PRINTED or results.request.quick:
        return []
    target, rows = PRINTED[name]
    found = []
    for method in methods:
        floor = FLOORS.get(name, {}).get(method.series)
        if floor is not None:
            found.append(_floor_as_printed(results, method, floor))
        known = rows.get(method.series)
        if known is not None:
            found += _as_printed(results, method, target, *known)
    return found


def _floor_as_printed(results: Results, method: Method, floor: float) -> Claim:
    """Claim the printed floor, in the mean over the last third, but for a factor of 1.5."""
    values = [
        float(np.exp(np.mean(np.log(run.error[_third(run) :]))))
        for run in results.runs(method.series)
    ]
    mean = float(np.exp(np.mean(np.log(values))))
    text = f"{method.series}: floor, as re-run independently"
    return Claim(text, floor, mean, spread(values), floor / 1.5 <= mean <= 1.5 * floor)


def _as_printed(
    results: Results, method: Method, target: float, rounds: int, megabytes: float
) -> list[Claim]:
    runs = results.runs(method.series)
    counts = [rounds_to(run, target) for run in runs]
    sent = [(bits_to(run, target) + run.setup_bits) / 8e6 for run in runs]
    mean, size = float(np.mean(counts)), float(np.mean(sent))
    step = float(runs[0].round[1] - runs[0].round[0])
    text = f"{method.series} to {target:g}, as re-run independently"
    near = abs(mean - rounds) <= max(step, 0.1 * rounds)
    # The bytes of one row more or less, and a tenth for what is coded in another way.
    slack = 0.1 * megabytes + step * (size - runs[0].setup_bits / 8e6) / max(mean, 1)
    return [
        Claim(f"{text}: rounds", float(rounds), mean, spread(counts), near),
        Claim(
            f"{text}: MB with set-up",
            megabytes,
            size,
            spread(sent),
            bool(abs(size - megabytes) <= slack),
        ),
    ]


def common_target(results: Results, series: Sequence[Method], group: str = "") -> float:
    """Return the smallest target that the best of these methods reaches in every seed."""
    reached = [
        target
        for target in TARGETS
        if any(
            all(
                math.isfinite(rounds_to(run, target)) for run in results.runs(m.series, None, group)
            )
            for m in series
        )
    ]
    return reached[-1] if reached else TARGETS[0]


def rounds_of(results: Results, method: Method, target: float, group: str = "") -> list[float]:
    """Return the rounds of every seed to a target; inf for one that does not reach it."""
    return [rounds_to(run, target) for run in results.runs(method.series, None, group)]


def faster(
    results: Results, first: Method, second: Method, target: float, group: str = ""
) -> Claim:
    """Claim that the first method needs no more rounds to a target than the second one."""
    one, two = (np.mean(rounds_of(results, m, target, group)) for m in (first, second))
    text = f"{_place(group)}{first.series} needs no more rounds than {second.series} to {target:g}"
    values = rounds_of(results, first, target, group)
    held = bool(math.isfinite(one) and one <= two)
    return Claim(text, f"<= {_words(float(two))}", _reached(float(one)), spread(values), held)


def gain(
    results: Results, plus: Method, plain: Method, group: str = "", target: float | None = None
) -> Claim:
    """Claim that the gain in rounds is the ratio of the step sizes, but for a factor of 2.

    It is looked at as far as both of them get, unless a ``target`` is given; if the plain method
    gets nowhere, the rounds that it has played are a bound from below.
    """
    if target is None:
        target = max(common_target(results, [method], group) for method in (plus, plain))
    gammas = [theory(results.experiment(m.series, None, group)).gamma for m in (plus, plain)]
    values = ratios(results, plus, plain, target, group)
    expected, measured = gammas[0] / gammas[1], float(np.mean(values))
    whole = all(map(math.isfinite, rounds_of(results, plain, target, group)))
    text = (
        f"{_place(group)}rounds of {plain.series} / {plus.series} to {target:g}"
        f"{'' if whole else ' (at least)'}: ratio of the step sizes"
    )
    held = measured <= 2 * expected and (measured >= expected / 2 or not whole)
    return Claim(text, expected, measured, spread(values), bool(held and measured > 0))


def ratios(
    results: Results, plus: Method, plain: Method, target: float, group: str = ""
) -> list[float]:
    """Return how many times more rounds the plain method takes, by seed; at least, if it stops."""
    counts = rounds_of(results, plus, target, group)
    played = [
        min(rounds_to(run, target), run.round[-1])
        for run in results.runs(plain.series, None, group)
    ]
    return [float(many / few) for many, few in zip(played, counts, strict=True)]


def fewer_bytes(
    results: Results, first: Method, second: Method, target: float, group: str = ""
) -> Claim:
    """Claim that the first method sends no more payload bytes to a target than the second one.

    Both have the same set-up, or it is left out.
    """
    sent = [
        [bits_to(run, target) / 8 for run in results.runs(m.series, None, group)]
        for m in (first, second)
    ]
    one, two = (float(np.mean(values)) for values in sent)
    text = f"{_place(group)}{first.series} sends no more bytes than {second.series} to {target:g}"
    held = math.isfinite(one) and one <= two
    return Claim(text, f"<= {two:.6g} B", one, spread(sent[0]), held)


def with_setup(results: Results, method: Method, target: float, group: str = "") -> Claim:
    """State the megabytes up to a target without and with the set-up, which is 32 d^2 and more."""
    runs = results.runs(method.series, None, group)
    up = [bits_to(run, target) / 8e6 for run in runs]
    setup = runs[0].setup_bits / 8e6
    mean = float(np.mean(up))
    text = f"{_place(group)}{method.series}: MB up to {target:g}, without / with set-up"
    told = f"{mean:.4g} / {mean + setup:.4g}" if math.isfinite(mean) else "never reached"
    return Claim(text, "reached", told, spread(up), math.isfinite(mean))


def floors(results: Results, method: Method, group: str = "") -> Claim:
    """Claim that a method without shifts stops: it is not three times nearer after a third more."""
    drops = [_fall(run) for run in results.runs(method.series, None, group)]
    text = f"{_place(group)}{method.series} stops: error after 2/3 of the rounds / at the end"
    mean = float(np.exp(np.mean(np.log(drops))))
    return Claim(text, "<= 3", mean, spread(drops), mean <= 3)


def arrives(results: Results, method: Method, group: str = "") -> Claim:
    """Claim that a method with shifts gets to rounding: a squared relative error of 1e-24."""
    least = [float(run.error.min()) for run in results.runs(method.series, None, group)]
    mean = float(np.exp(np.mean(np.log(np.maximum(least, 1e-300)))))
    text = f"{_place(group)}{method.series} reaches rounding: least squared relative error"
    return Claim(text, "<= 1e-24", mean, spread(least), mean <= 1e-24)


def promised(results: Results, method: Method, group: str = "") -> Claim:
    """Claim that a method with shifts is at least as fast as the rate of theory, at its end."""
    rate = theory(results.experiment(method.series, None, group)).rate
    runs = results.runs(method.series, None, group)
    # Only as far as rounding: what is reached then is not faster any more.
    falls = [float(run.error[-1] ** (1 / run.round[-1])) for run in runs]
    mean = float(np.exp(np.mean(np.log(falls))))
    text = f"{_place(group)}{method.series}: factor a round of the error, at most that of theory"
    return Claim(text, f"<= {rate:.6g}", f"{mean:.6g}", spread(falls), mean <= rate)


def exact_setup(results: Results, methods: Sequence[Method], group: str = "") -> Claim:
    """Claim that the set-up of '+' methods is 32 (d^2 + parameters) bits a worker, and alpha."""
    wrong, told = 0, 0
    for method in methods:
        for run in results.runs(method.series, None, group):
            expected = 32 * _numbers(results.experiment(method.series, None, group))
            wrong += run.setup_bits != expected
            told = max(told, run.setup_bits)
    text = f"{_place(group)}set-up bits by the ledger: 32 (d^2 + parameters) a worker, and alpha"
    return Claim(text, "0 runs differ", f"{wrong} differ; at most {told} bits", None, wrong == 0)


def _numbers(experiment: Experiment) -> int:
    """Return how many numbers of 32 bits the set-up of a run tells."""
    codec, algorithm = experiment.codecs[0], experiment.algorithm
    if not algorithm.id.endswith("-plus"):
        return 0
    n, d = experiment.problem.agents, experiment.problem.d
    own = {"varying-steps": d, "blocks": n, "rand-tau": d}[codec.id]
    alone = getattr(codec, "steps", "smooth") == "uniform"
    alpha = n if algorithm.id == "diana-plus" else 0
    return n * (d * d + (0 if alone else own)) + alpha


def _third(run: Run) -> int:
    return 2 * (len(run.round) - 1) // 3


def _reached(rounds: float) -> float | str:
    """Return a number of rounds, or that there is none."""
    return rounds if math.isfinite(rounds) else _words(rounds)


def _words(rounds: float) -> str:
    return f"{rounds:g}" if math.isfinite(rounds) else "never reached"


def _fall(run: Run) -> float:
    """Return the error after two thirds of the rounds by that at the end."""
    return float(run.error[_third(run)] / max(run.error[-1], 1e-300))


def _place(group: str) -> str:
    return f"{group}: " if group else ""
