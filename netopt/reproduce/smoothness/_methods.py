"""What the studies of smoothness-aware quantization share: problem, methods, theory, panels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from netopt import data as sources
from netopt.codecs import Codec, Tuning
from netopt.config import Experiment
from netopt.errors import ConfigError
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._curves import Results
from netopt.reproduce._drawing import Panel
from netopt.reproduce._panels import Shown, errors

REFERENCE = (
    "Wang, Safaryan and Richtarik, Theoretically better and numerically faster distributed "
    "optimization with smoothness-aware quantization techniques, NeurIPS 2022."
)
MEASURE = "||x - x*||^2 / ||x_0 - x*||^2"
RATE = "(1 - min(gamma mu, alpha/2))^k, the rate of theory"
MU = 1e-3
DEFAULT = "breast-cancer"
WORKERS = {"splice": 6, "a8a": 8, "a9a": 8, "w8a": 8, "german": 4, "svmguide3": 4, "covtype": 6}
"""n of the published experiments (of the independent re-run for splice), by the file's name."""


class Method(NamedTuple):
    """A method of the paper: its series, its algorithm (an id or a mapping), and its codec."""

    series: str
    algorithm: Any
    codec: dict[str, Any]


QUANT, SMOOTH = {"id": "dithering"}, {"id": "varying-steps"}
STANDARD = {"id": "blocks", "steps": "standard"}
DCGD = Method("DCGD, quant", "dcgd", QUANT)
DCGD_SMOOTH = Method("DCGD+, quant+", "dcgd-plus", SMOOTH)
DIANA = Method("DIANA, quant", "diana", QUANT)
DIANA_UNIFORM = Method("DIANA+, quant", "diana-plus", {**SMOOTH, "steps": "uniform"})
DIANA_SMOOTH = Method("DIANA+, quant+", "diana-plus", SMOOTH)
DIANA_BLOCKS = Method("DIANA, block quant", "diana", STANDARD)
PLUS_BLOCKS = Method("DIANA+, block quant", "diana-plus", {"id": "blocks", "steps": "uniform"})
SMOOTH_BLOCKS = Method("DIANA+, block quant+", "diana-plus", {"id": "blocks"})
DCGD_BLOCKS = Method("DCGD+, block quant+", "dcgd-plus", {"id": "blocks"})
RAND_TAU = Method("DIANA+, rand-tau+", "diana-plus", {"id": "rand-tau"})
BIASED = "DIANA+, rand-tau+ without 1/p (as published)"
COLOURS = {
    DCGD.series: 4,
    DCGD_SMOOTH.series: 3,
    DIANA.series: 0,
    DIANA_UNIFORM.series: 5,
    DIANA_SMOOTH.series: 1,
    DIANA_BLOCKS.series: 3,
    PLUS_BLOCKS.series: 5,
    SMOOTH_BLOCKS.series: 2,
    DCGD_BLOCKS.series: 6,
    RAND_TAU.series: 6,
    BIASED: 4,
}


class Length(NamedTuple):
    """How long a run is, how often it is looked at, and how many seeds there are."""

    rounds: int
    every: int
    seeds: int


QUICK, FULL = Length(1500, 25, 2), Length(5000, 50, 5)


def cases(
    methods: Sequence[Method],
    request: Request,
    group: str = "",
    more: dict[str, Any] | None = None,
    workers: int | None = None,
    length: Length | None = None,
) -> list[Case]:
    """Return every method on every seed; ``more`` options of the problem replace the usual ones."""
    name = request.data or DEFAULT
    n = workers or workers_for(name)
    rounds, every, seeds = length or (QUICK if request.quick else FULL)
    problem = {
        **{"id": "logistic", "data": name, "scale": "row-max", "split": "sorted-by-norm"},
        **{"equal": True, "intercept": False, "test_fraction": 0.0, "solve": True, "l2": MU},
        **(more or {}),
    }
    return [
        Case(
            method.series,
            {
                "seed": seed,
                "rounds": rounds,
                "problem": problem,
                "topology": {"id": "star", "size": n + 1},
                "algorithm": method.algorithm,
                "codecs": {"up": method.codec},
                "record": {"every": every},
            },
            None,
            group,
        )
        for method in methods
        for seed in range(1, seeds + 1)
    ]


def workers_for(name: str) -> int:
    """Return n for a data set: the published one if its name is known, else at most sqrt(d), 8.

    Raises ConfigError if the data do not exist, or if d is too small for two workers.
    """
    stem = Path(name.removeprefix("libsvm:")).stem
    d = int(sources.load(name, 0).features.shape[1])
    n = WORKERS.get(stem, min(8, math.isqrt(d)))
    if n < 2 or n * n > d:
        raise ConfigError(
            f"'{name}' has d = {d} columns, and the levels floor(sqrt(d) / n) of n = {max(n, 2)} "
            f"workers need n <= sqrt(d) = {math.sqrt(d):.3g}; take data with more columns"
        )
    return n


class Theory(NamedTuple):
    """Step sizes of theory: gamma, alpha (nan for methods without shifts), and the rate."""

    gamma: float
    alpha: float
    mu: float

    @property
    def rate(self) -> float:
        """Return 1 - min(gamma mu, alpha / 2), the factor of the squared error a round."""
        steps = self.gamma * self.mu
        return 1 - (steps if math.isnan(self.alpha) else min(steps, self.alpha / 2))


def theory(experiment: Experiment) -> Theory:
    """Return what the paper's table of step sizes gives, from omega and calL of tuned codecs.

    Raises ConfigError for a codec without such constants.
    """
    problem, algorithm = experiment.problem, experiment.algorithm
    n, d, mu = problem.agents, problem.d, problem.strong_convexity() or 0.0
    plus = algorithm.id.endswith("-plus")
    shifts = algorithm.id.startswith("diana")
    top = float(problem.top() or math.nan)
    tunings = [
        Tuning(n, _diagonal(problem, i) if plus else None, mu, "diana" if shifts else "dcgd")
        for i in range(n)
    ]
    codec = experiment.codecs[0]
    tuned = [codec.tuned(one, d, codec.tune(one)) for one in tunings]
    omega = max(_known(one.omega(d)) for one in tuned)
    if plus:
        worst = max(_cal_l(one, problem, i) for i, one in enumerate(tuned))
        gamma = 1 / (top + (6 if shifts else 2) * worst / n)
    else:
        largest = max(_known(problem.smoothness(i)) for i in range(n))
        first = largest if shifts else top
        gamma = 1 / (first + 2 * largest * omega / n)
    return Theory(gamma, 1 / (1 + omega) if shifts else math.nan, mu)


def _diagonal(problem: Any, i: int) -> Any:
    return problem.curvature_of(i).diagonal


def _cal_l(codec: Codec, problem: Any, i: int) -> float:
    curvature = problem.curvature_of(i)
    return _known(codec.cal_l(curvature.diagonal, curvature.top))


def _known(value: float | None) -> float:
    if value is None:
        raise ConfigError("there is no step size of theory: a constant that it needs is unknown")
    return value


def panels(results: Results, group: str, title: str) -> list[Panel]:
    """Return the error of all methods of a group against iterations, bytes and seconds."""
    shown = [
        Shown(
            results.curve(series, None, group),
            series,
            COLOURS[series],
            None if series == BIASED else theory(results.experiment(series, None, group)).rate,
        )
        for series in results.series(group)
    ]
    return errors(shown, MEASURE, title, RATE, power=2)


def short(request: Request) -> str:
    """Return the data's name for a title: of a file, its own without the folder."""
    return Path((request.data or DEFAULT).rpartition(":")[2]).name


def usual_deviations(request: Request) -> list[str]:
    """Return in what all studies of this paper differ from the published experiments."""
    name = request.data or DEFAULT
    return [
        f"Data: {name}, n = {workers_for(name)} workers"
        + (
            "; the paper's own are covtype, german, svmguide3, splice, w8a and a9a."
            if request.data is None
            else "."
        ),
        "Norms are the largest entry (p = infinity) and the constants those of p = 2, as in the "
        "authors' code; bits are counted on the wire, of which the panels show the uplink.",
        "L_i^(1/2) travels as float32, and both ends take its square for L_i.",
        "The rate of theory is for the mean of a Lyapunov function that starts above the error; "
        "without shifts it holds down to the neighbourhood only.",
    ]
