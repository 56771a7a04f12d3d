"""Differential quantization of Nesterov's method and the heavy ball: lossless above a threshold."""

from __future__ import annotations

import math
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, near
from netopt.reproduce._curves import Results, tail_factor
from netopt.reproduce._drawing import Line, Panel
from netopt.reproduce._panels import Shown, errors
from netopt.reproduce._study import Study
from netopt.reproduce.dq_gd import _sweep
from netopt.reproduce.dq_gd._sweep import E8, LOSS, REFERENCE, SCALAR, Facts

QUICK = [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0]
factor = partial(tail_factor, start=0.5)


class Method(NamedTuple):
    """A momentum method: its name, its ids without and with quantization, its problem and rounds.

    ``lost`` and ``lossless`` are the R of the printed check values below and above the threshold.
    """

    label: str
    plain: str
    id: str
    kappa: float
    rounds: int
    lost: float
    lossless: float

    def beta(self, known: Facts) -> float:
        """Return the momentum of theory."""
        root = math.sqrt(known.kappa)
        beta = (root - 1) / (root + 1)
        return beta if self.id == "dq-nag" else beta * beta

    def sigma(self, known: Facts, convex: bool = False) -> float:
        """Return the factor without quantization: of quadratics, or what is proved for convex F."""
        root = math.sqrt(known.kappa)
        if self.id == "dq-hb":
            return (root - 1) / (root + 1)
        return math.sqrt(1 - 1 / root) if convex else 1 - 1 / root


METHODS = (
    Method("NAG", "nag", "dq-nag", 10.0, 80, 2.0, 4.0),
    Method("HB", "heavy-ball", "dq-hb", 100.0, 150, 3.0, 4.0),
)


class Variant(NamedTuple):
    """A quantized form of a method: its series, algorithm, codec and colour.

    ``convex``: its ranges suppose no more than that F is convex.
    """

    series: str
    algorithm: dict[str, Any]
    kind: str
    colour: int
    convex: bool = False


def variants(method: Method) -> list[Variant]:
    """Return the quantized forms of a method; the first one is that of the printed values."""
    name, plain = f"DQ-{method.label}", {"id": method.id}
    if method.id == "dq-hb":
        return [
            Variant(f"{name}, scalar", plain, SCALAR, 3),
            Variant(f"{name}, E8", plain, E8, 4),
        ]
    fitted = {**plain, "suppose": "quadratic"}
    return [
        Variant(f"{name}, scalar", fitted, SCALAR, 0),
        Variant(f"{name}, E8", fitted, E8, 1),
        Variant(f"{name}, scalar, ranges for any convex F", plain, SCALAR, 2, True),
    ]


def lambda_plus(error: float, beta: float) -> float:
    """Return the larger root of x^2 = a (1 + beta) x + a beta for a = rho 2^-R = ``error``."""
    half = error * (1 + beta) / 2
    return half + math.sqrt(half * half + error * beta)


class Momentum(Study):
    """Measured factors of DQ-NAG and DQ-HB against max{sigma, lambda_+}."""

    shows = "how many bits momentum needs"
    reference = REFERENCE
    data = "least squares, d = 16, kappa = 10 and 100, drawn"
    paper = (
        "Nesterov's accelerated gradient descent and Polyak's heavy ball are quantized alike: the "
        "gradient is taken where the unquantized method would be, and the quantizer gets it less "
        "(1 + beta) e_{i-1} - beta e_{i-2}, the errors that the momentum carries on. Above a "
        "threshold of R nothing is lost. With a = rho_n 2^-R the factor is max{sigma, lambda_+}, "
        "lambda_+ = (a (1 + beta) + sqrt(a^2 (1 + beta)^2 + 4 a beta))/2, and the threshold is "
        "2^R >= rho_n ((1 + beta) sigma + beta)/sigma^2 (the formulas are derived here)."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return a sweep over R of both methods, scalar and on E8."""
        rates = QUICK if request.quick else [1 + step / 4 for step in range(29)]
        seeds = 2 if request.quick else 5
        found: list[Case] = []
        for method in METHODS:
            problem = _problem(method, request)
            common = (problem, method.rounds, seeds, method.label)
            found += _sweep.unquantized(method.label, method.plain, *common)
            for one in variants(method):
                found += _sweep.sweep(one.series, one.algorithm, one.kind, rates, *common)
        return found

    def panels(self, results: Results) -> list[Panel]:
        """Return a column for each method: the factor against R, the errors above the threshold."""
        columns = []
        for method in METHODS:
            title = f"{method.label}, R = {_places(results, method)[1]:g}"
            shown = _shown(results, method)
            below = errors(shown, "relative error ||x - x*||", title, f"{method.label}: sigma^k")
            columns.append([_factors(results, method), *below])
        return list(chain.from_iterable(zip(*columns, strict=True)))

    def claims(self, results: Results) -> list[Claim]:
        """Return the printed values, the thresholds and the payload."""
        return [claim for method in METHODS for claim in _claims(results, method)]

    def deviations(self, request: Request) -> list[str]:
        """Return what the paper leaves open."""
        return [
            "The paper states that momentum is lossless above a threshold; the ranges, lambda_+ "
            "and the threshold's form are derived.",
            "Least squares is quadratic, where NAG's factor is 1 - 1/sqrt(kappa). Ranges that hold "
            "for every convex F shrink by sqrt(1 - 1/sqrt(kappa)) only, and DQ-NAG with them.",
            "The paper's own problems are not known; these are drawn. The factor is measured over "
            "the last half of the iterations, without those in which the error is rounding.",
        ]


def _problem(method: Method, request: Request) -> dict[str, Any]:
    more = {} if request.data is None else {"data": request.data}
    drawn = {"id": "least-squares", "data": "synthetic", "rows": 200, "dimension": 16}
    return {**drawn, "kappa": method.kappa, "at": "random", **more}


def _known(results: Results, method: Method) -> Facts:
    return _sweep.facts(results.experiment(method.label, None, method.label))


def _mean(results: Results, method: Method, series: str, rate: float | None = None) -> float:
    return _sweep.mean_factor(results, series, rate, method.label, factor)


def _factors(results: Results, method: Method) -> Panel:
    known, group = _known(results, method), method.label
    beta, sigma = method.beta(known), method.sigma(known)
    rates = results.places(variants(method)[0].series, group)

    def bound(one: Variant, rate: float) -> float:
        lost = lambda_plus(_sweep.covering(one.kind, rate, known.d), beta)
        return max(method.sigma(known, one.convex), lost)

    lines: list[Line] = []
    for one in variants(method):
        lines.append(_sweep.swept(results, one.series, group, factor, one.colour))
        grid = results.places(one.series, group)
        grid = grid if one.kind == E8 else _sweep.fine(grid)
        of = partial(bound, one)
        lines.append(_sweep.theory(f"{group}: max{{sigma, lambda+}}", grid, of, one.colour, "--"))
    lines.append(_sweep.level(group, _mean(results, method, group), rates, 5 + (group == "HB")))
    lowest = _sweep.theory(
        "max{sigma, 2^-R}", _sweep.fine(rates), lambda r: max(sigma, 2.0**-r), None, ":"
    )
    place = math.log2(math.sqrt(known.d) * ((1 + beta) * sigma + beta) / sigma**2)
    title = f"{group}, kappa = {known.kappa:.4g}"
    marks = [(place, "no loss from here (scalar)")]
    return Panel(title, _sweep.AXIS, "factor an iteration", [*lines, lowest], False, True, marks)


def _places(results: Results, method: Method) -> tuple[float, float]:
    """Return an R at which lambda_+ rules, and one without loss: those printed, or as data ask."""
    if results.request.data is None:
        return method.lost, method.lossless
    known, series = _known(results, method), variants(method)[0].series
    rates = results.places(series, method.label)
    lost = [lambda_plus(_sweep.covering(SCALAR, r, known.d), method.beta(known)) for r in rates]
    ruled = [r for r, factor in zip(rates, lost, strict=True) if factor > 1.05]
    fine = [r for r, factor in zip(rates, lost, strict=True) if factor <= method.sigma(known)]
    return max(ruled, default=rates[0]), min(fine, default=rates[-1])


def _shown(results: Results, method: Method) -> list[Shown]:
    group, (_, rate) = method.label, _places(results, method)
    sigma = method.sigma(_known(results, method))
    plain = Shown(results.curve(group, None, group), group, 5 + (group == "HB"), sigma)
    return [
        *(
            Shown(results.curve(v.series, rate, group), v.series, v.colour)
            for v in variants(method)
        ),
        plain,
    ]


def _claims(results: Results, method: Method) -> list[Claim]:
    known, group = _known(results, method), method.label
    series = variants(method)[0].series
    rates = results.places(series, group)
    plain = _mean(results, method, group)
    names = [one.series for one in variants(method)]

    def bound(rate: float) -> float:
        return lambda_plus(_sweep.covering(SCALAR, rate, known.d), method.beta(known))

    def values(rate: float) -> list[float]:
        return _sweep.factors(results, series, rate, group, factor)

    lost, lossless = _places(results, method)
    text = f"{series}, R = {lost:g}: factor lambda_+"
    same = f"{series}, R = {lossless:g}: factor of {group} without quantization"
    exact = _sweep.exact_payload(results, names, group)
    above = [r for r in rates if bound(r) <= method.sigma(known)]
    worst = max((_mean(results, method, series, r) for r in above), default=math.nan)
    allowed = max(plain, method.sigma(known)) * (1 + LOSS)
    return [
        near(text, bound(lost), values(lost), LOSS),
        near(same, plain, values(lossless), 2 * LOSS),
        _sweep.knee(
            f"{series} converges (theory: lambda_+ < 1)",
            rates,
            lambda r: bound(r) < 1,
            lambda r: _mean(results, method, series, r) < 1 - 1e-3,
        ),
        Claim(
            f"{series}: nothing is lost at any R above the threshold (worst factor)",
            f"<= {allowed:.4g}",
            worst,
            None,
            worst <= allowed,
        ),
        exact._replace(claim=f"DQ-{group}: {exact.claim}"),
    ]
