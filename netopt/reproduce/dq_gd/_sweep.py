"""What the studies of differential quantization share: sweeps over R, and the paper's formulas."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from netopt.codecs import Codec
from netopt.config import Experiment
from netopt.registry import build
from netopt.reproduce._cases import Case
from netopt.reproduce._claims import Claim
from netopt.reproduce._curves import Results, Run
from netopt.reproduce._drawing import Line

REFERENCE = (
    "Lin, Kostina and Hassibi, Differentially quantized gradient methods, IEEE Transactions on "
    "Information Theory, 2022."
)
AXIS = "R, bits a dimension and iteration"
SCALAR, E8 = "uniform", "lattice"
PLAIN = {"id": "raw", "dtype": "float64"}
LOSS = 0.01
"""A factor within this of the unquantized method's counts as no loss."""
Factor = Callable[[Run], float]


class Facts(NamedTuple):
    """Constants of one run's problem: smoothness L, strong convexity mu, d."""

    top: float
    mu: float
    d: int

    @property
    def kappa(self) -> float:
        """Return the condition number."""
        return self.top / self.mu

    @property
    def sigma(self) -> float:
        """Return (kappa - 1)/(kappa + 1), what gradient descent reaches."""
        return (self.top - self.mu) / (self.top + self.mu)

    def naive(self, error: float) -> float:
        """Return sigma + eta L rho 2^-R with eta = 2/(L + mu), for rho 2^-R = ``error``."""
        return self.sigma + 2 * self.top / (self.top + self.mu) * error


def facts(experiment: Experiment) -> Facts:
    """Return what theory needs to know of a problem that is known to be strongly convex."""
    problem = experiment.problem
    top, mu = problem.top(), problem.strong_convexity()
    assert top is not None
    assert mu is not None
    return Facts(top, mu, problem.d)


def codec_of(kind: str, rate: float) -> dict[str, Any]:
    """Return the quantizer of a range of 1 with ``rate`` bits a dimension."""
    bits = int(rate) if rate == int(rate) else rate
    more = {"lattice": "e8"} if kind == E8 else {}
    return {"id": kind, **more, "bits": bits, "range": 1.0}


def covering(kind: str, rate: float, d: int) -> float:
    """Return rho_n 2^-R of a quantizer, as it is: with a fraction of a bit too."""
    found = build(Codec, codec_of(kind, rate)).covering(d)
    assert found is not None
    return found


def run_file(
    problem: dict[str, Any], algorithm: Any, up: dict[str, Any], rounds: int, seed: int
) -> dict[str, Any]:
    """Return the run file of one worker and its server; every round is recorded."""
    return {
        "seed": seed,
        "rounds": rounds,
        "problem": problem,
        "topology": {"id": "star", "size": 2},
        "algorithm": {"id": algorithm} if isinstance(algorithm, str) else algorithm,
        "codecs": {"up": up},
        "record": {"every": 1},
    }


def sweep(
    series: str,
    algorithm: Any,
    kind: str,
    rates: Iterable[float],
    problem: dict[str, Any],
    rounds: int,
    seeds: int,
    group: str = "",
) -> list[Case]:
    """Return the cases of one method at all rates and seeds; a lattice takes whole bits only."""
    return [
        Case(
            series,
            run_file(problem, algorithm, codec_of(kind, rate), rounds, seed),
            rate,
            group,
        )
        for rate in rates
        for seed in range(1, seeds + 1)
        if kind != E8 or rate == int(rate)
    ]


def unquantized(
    series: str, algorithm: str, problem: dict[str, Any], rounds: int, seeds: int, group: str = ""
) -> list[Case]:
    """Return the cases of a method that sends raw numbers."""
    return [
        Case(series, run_file(problem, algorithm, PLAIN, rounds, seed), None, group)
        for seed in range(1, seeds + 1)
    ]


def factors(
    results: Results, series: str, rate: float | None, group: str, of: Factor
) -> list[float]:
    """Return the contraction factor of every seed."""
    return [of(run) for run in results.runs(series, rate, group)]


def mean_factor(results: Results, series: str, rate: float | None, group: str, of: Factor) -> float:
    """Return the geometric mean over the seeds of the contraction factor."""
    return float(np.exp(np.mean(np.log(factors(results, series, rate, group, of)))))


def swept(results: Results, series: str, group: str, of: Factor, colour: int) -> Line:
    """Return the measured factor against R, with a band of one log standard deviation."""
    rates = np.array(results.places(series, group))
    logs = [np.log(factors(results, series, rate, group, of)) for rate in rates]
    mean = np.array([values.mean() for values in logs])
    off = np.array([values.std() for values in logs])
    return Line(series, rates, np.exp(mean), colour, np.exp(mean - off), np.exp(mean + off))


def level(series: str, value: float, rates: Sequence[float], colour: int) -> Line:
    """Return what does not depend on R as a line."""
    ends = np.array([min(rates), max(rates)])
    return Line(series, ends, np.full(2, value), colour)


def theory(
    label: str, rates: Sequence[float], of: Callable[[float], float], colour: int | None, dash: Any
) -> Line:
    """Return a formula of R as a dashed line."""
    x = np.array(rates)
    return Line(label, x, np.array([of(rate) for rate in rates]), colour, dash=dash)


def fine(rates: Sequence[float]) -> list[float]:
    """Return a grid of R for formulas, from the least to the largest of ``rates``."""
    return [round(rate, 10) for rate in np.linspace(min(rates), max(rates), 121).tolist()]


def exact_payload(results: Results, series: Sequence[str], group: str = "") -> Claim:
    """Claim that every frame of the quantized methods has exactly floor(d R) payload bits."""
    wrong, frames = 0, 0
    for name in series:
        for rate in results.places(name, group):
            for run in results.runs(name, rate, group):
                d = results.dimension(run)
                # As a fraction of whole tenths of a thousandth: 0.3 * 10 is not 3 in binary.
                per = round(rate * 10_000) * d // 10_000
                wrong += bool(run.uplink_bits[-1] != per * run.round[-1])
                frames += run.up_frames
    return Claim(
        "every message has exactly floor(d R) payload bits, by the ledger",
        "0 runs differ",
        f"{wrong} differ, {frames} messages counted",
        None,
        wrong == 0,
    )


def knee(
    label: str,
    rates: Sequence[float],
    exact: Callable[[float], bool],
    measured: Callable[[float], bool],
) -> Claim:
    """Claim that the least R of a grid with some property is the one that theory says.

    The place beside it is right too if the two are as close as the grid is fine.
    """
    first = [next((r for r in rates if of(r)), math.inf) for of in (exact, measured)]
    places = [*rates, math.inf]
    apart = abs(places.index(first[0]) - places.index(first[1]))
    text = f"{label}: least R of those played"
    return Claim(text, float(first[0]), float(first[1]), None, apart == 0)
