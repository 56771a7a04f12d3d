"""Least squares with heavy-tailed and with Gaussian data: what 60 iterations reach at R bits."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, at_most, near, spread
from netopt.reproduce._curves import Results, whole_factor
from netopt.reproduce._drawing import Panel
from netopt.reproduce._panels import Shown, errors
from netopt.reproduce._study import Study
from netopt.reproduce.dq_gd import _sweep
from netopt.reproduce.dq_gd._sweep import E8, REFERENCE, SCALAR, Facts

DQ, NQ, BALL, GD = "DQ-GD, scalar", "NQ-GD, scalar", "DQ-GD, E8 lattice", "GD, not quantized"
QUANTIZED = ((DQ, "dq-gd", SCALAR), (NQ, "nq-gd", SCALAR), (BALL, "dq-gd", E8))
ROUNDS = 60
QUICK = [0.5, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0]
RATE = 5.0
"""The R of the panels that show the error."""
NEAR = 0.05
"""How far from the printed factors others may be, whose data were drawn by another generator."""


class Data(NamedTuple):
    """A problem of the study, and the factors that were printed for it: series, R, factor."""

    label: str
    options: dict[str, Any]
    printed: tuple[tuple[str, float | None, float], ...] = ()


HEAVY = Data("heavy-tailed", {"data": "heavy-tailed", "rows": 500, "dimension": 116})
GAUSSIAN = Data(
    "Gaussian",
    {"data": "gaussian", "rows": 500, "dimension": 100},
    (
        *((GD, None, 0.719), (DQ, 3.0, 1.27), (DQ, 4.0, 0.759), (DQ, 5.0, 0.734), (DQ, 8.0, 0.719)),
        *((NQ, 5.0, 1.25), (NQ, 6.0, 0.978), (NQ, 8.0, 0.769)),
    ),
)


class LeastSquares(Study):
    """The paper's measure (||x_T - x*|| / ||x_0 - x*||)^(1/T) against R."""

    shows = "least squares in 60 iterations"
    reference = REFERENCE
    data = "heavy-tailed 500 x 116 and Gaussian 500 x 100, drawn"
    paper = (
        "On simulated and real-world least squares, differentially quantized gradient descent "
        "contracts as gradient descent does once R is large enough, while quantizing the plain "
        "gradient needs log2 kappa more bits a dimension. What is plotted is "
        "(||x_T - x*|| / ||x_0 - x*||)^(1/T) against R, with max{sigma, rho_n 2^-R}, "
        "sigma + eta L rho_n 2^-R and the lower bound max{sigma, 2^-R} over it."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return a sweep over R = 0.1, 0.3, ..., 5 and the R of the printed factors."""
        odd = [(2 * k + 1) / 10 for k in range(25)]
        seeds = 2 if request.quick else 5
        found: list[Case] = []
        for data in _all(request):
            problem = {"id": "least-squares", "at": "random", **data.options}
            common = (problem, ROUNDS, seeds, data.label)
            rates = QUICK if request.quick else sorted({*QUICK, *odd})
            found += _sweep.unquantized(GD, "gd", *common)
            for series, algorithm, kind in QUANTIZED:
                found += _sweep.sweep(series, algorithm, kind, rates, *common)
        return found

    def panels(self, results: Results) -> list[Panel]:
        """Return the factor against R of each problem, then the errors of the first at one R."""
        panels = [_factors(results, group) for group in results.groups()]
        group = results.groups()[0]
        shown = [
            Shown(results.curve(series, RATE, group), series, index)
            for index, (series, _, _) in enumerate(QUANTIZED)
        ]
        known = _mean_facts(results, group)
        shown.append(Shown(results.curve(GD, None, group), GD, 3, known.sigma))
        title = f"{group}, R = {RATE:g}"
        return panels + errors(shown, "relative error ||x - x*||", title, "sigma^k")

    def claims(self, results: Results) -> list[Claim]:
        """Return the printed factors, and on all data what the two methods need."""
        found: list[Claim] = []
        for data in _all(results.request):
            found += _printed(results, data)
            found += _needs(results, data.label)
        return found

    def deviations(self, request: Request) -> list[str]:
        """Return what the paper leaves open."""
        return [
            "The paper's dimensions, rates and data are not known; 500 x 116 with entries "
            "N(0, 1)^5 is a public protocol that fits, and x_0 is N(0, I).",
            "The seeds draw the data too, so that kappa differs from seed to seed; the lines of "
            "theory are those of the mean sigma and mean kappa.",
            "The printed factors of Gaussian data are those of an independent program with data of "
            f"its own; {NEAR:.0%} or three times the spread of single draws is allowed.",
        ]


def _all(request: Request) -> list[Data]:
    if request.data is None:
        return [HEAVY, GAUSSIAN]
    return [Data(request.data.rpartition("/")[2], {"data": request.data})]


def _mean(results: Results, group: str, series: str, rate: float | None = None) -> float:
    return _sweep.mean_factor(results, series, rate, group, whole_factor)


def _mean_facts(results: Results, group: str) -> Facts:
    """Return the geometric means over the seeds of L and mu."""
    every = [_sweep.facts(one) for one in results.experiments(GD, None, group)]
    top, mu = (
        math.exp(float(np.mean([math.log(value) for value in values])))
        for values in ([f.top for f in every], [f.mu for f in every])
    )
    return Facts(top, mu, every[0].d)


def _factors(results: Results, group: str) -> Panel:
    known = _mean_facts(results, group)
    rates = results.places(DQ, group)
    grid = _sweep.fine(rates)

    def dq(kind: str, rate: float) -> float:
        return max(known.sigma, _sweep.covering(kind, rate, known.d))

    def nq(rate: float) -> float:
        return known.naive(_sweep.covering(SCALAR, rate, known.d))

    lines = [
        *(
            _sweep.swept(results, s, group, whole_factor, i)
            for i, (s, _, _) in enumerate(QUANTIZED)
        ),
        _sweep.level(GD, _mean(results, group, GD), rates, 3),
        _sweep.theory("max{sigma, rho 2^-R}", grid, partial(dq, SCALAR), 0, "--"),
        _sweep.theory(
            "max{sigma, rho 2^-R}, E8", results.places(BALL, group), partial(dq, E8), 2, "--"
        ),
        _sweep.theory("sigma + eta L rho 2^-R", grid, nq, 1, "--"),
        _sweep.theory(
            "lower bound max{sigma, 2^-R}", grid, lambda r: max(known.sigma, 2.0**-r), None, ":"
        ),
    ]
    marks = [(math.log2(math.sqrt(known.d) / known.sigma), "log2(rho/sigma)")]
    title = f"{group}, kappa {known.kappa:.3g}"
    return Panel(title, _sweep.AXIS, "factor an iteration", lines, False, True, marks)


def _printed(results: Results, data: Data) -> list[Claim]:
    found = []
    for series, rate, factor in data.printed:
        values = _sweep.factors(results, series, rate, data.label, whole_factor)
        place = "" if rate is None else f", R = {rate:g}"
        text = f"{data.label}: {series}{place}: factor printed for other data of the kind"
        one = near(text, factor, values, NEAR)
        # What was printed is a single draw: it may be as far off as single draws here are.
        apart = abs(float(one.measured) - factor) <= 3 * (spread(values) or 0.0)
        found.append(one._replace(held=one.held or apart))
    return found


def _needs(results: Results, group: str) -> list[Claim]:
    rates = results.places(DQ, group)
    plain = _mean(results, group, GD)
    last, sigma = rates[-1], _mean_facts(results, group).sigma
    dq, nq = (
        next((r for r in rates if _mean(results, group, s, r) < 1), math.inf) for s in (DQ, NQ)
    )
    ball = next((r for r in results.places(BALL, group) if _mean(results, group, BALL, r) < 1), 99)
    exact = _sweep.exact_payload(results, [series for series, _, _ in QUANTIZED], group)
    values = _sweep.factors(results, DQ, last, group, whole_factor)
    least = min(
        _mean(results, group, s, r) / max(plain, 2.0**-r)
        for s, _, _ in QUANTIZED
        for r in results.places(s, group)
    )
    return [
        at_most(
            f"{group}: DQ-GD at R = {last:g}: factor at most sigma, what is proved for GD",
            sigma * 1.01,
            values,
            f"<= {sigma:.4g}",
        ),
        Claim(
            f"{group}: DQ-GD gets nearer (factor < 1) with fewer bits than NQ-GD: least R",
            f"below {nq:g}",
            float(dq),
            None,
            dq < nq,
        ),
        Claim(
            f"{group}: the E8 lattice needs no more bits for that than the scalar: least R",
            f"<= {dq:g}",
            float(ball),
            None,
            ball <= math.ceil(dq),
        ),
        Claim(
            f"{group}: least ratio of a factor to max{{GD's, 2^-R}}",
            ">= 0.99",
            least,
            None,
            least >= 0.99,
        ),
        exact._replace(claim=f"{group}: {exact.claim}"),
    ]
