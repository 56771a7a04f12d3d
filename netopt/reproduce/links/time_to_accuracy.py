"""Seconds to an accuracy over links from 100 kbit/s to 1 Gbit/s: when does compression pay?"""

from __future__ import annotations

from collections.abc import Sequence

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim
from netopt.reproduce._curves import Results
from netopt.reproduce._drawing import Panel
from netopt.reproduce._study import Study
from netopt.reproduce.links import _figure, _judged, _tables, _times
from netopt.reproduce.links._lines import ALIKE, FAST, RATES, SHAPES, SWEPT
from netopt.reproduce.links._methods import (
    METHODS,
    OPERATIONS,
    Length,
    Place,
    Setting,
    case,
    setting,
)
from netopt.reproduce.links._times import group
from netopt.reproduce.smoothness import _methods as smoothness

PANELS = (ALIKE, FAST)
"""The lines that are played at all three rates."""
FULL, QUICK = (1e4, 1e5, 1e6, 1e7, 1e8, 1e9), (1e4, 1e5, 1e7)
"""Rates of the sweep, in bit/s."""
CAPTURED = 200
"""Rounds whose frames are kept of one run a method, to see how unequal they are."""

SMALL = Setting({"id": "quadratic", "dimension": 16}, 3, 16, 16, Length(12, 8, 2))
"""What is played in place of the data where a test only wants to see that all of it fits."""


class TimeToAccuracy(Study):
    """GD against DIANA and DIANA+, by the clock of emulated lines between workers and a hub."""

    shows = "seconds to an accuracy over links: when does compression pay?"
    reference = smoothness.REFERENCE
    data = "digits"
    power = 2
    place = "rate"
    seeds = (2, 1)
    paper = (
        "The papers on compression count iterations and the bits that workers send up: DIANA+ "
        "sends a fraction of GD's bits, for some times its iterations. What a user waits for are "
        "seconds: compute, latency, headers, what comes down and, once, the matrices of the "
        "set-up are part of them. On slow lines bits should decide, and on fast ones iterations; "
        "in between is a rate at which the two break even."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return all methods at three rates, over two kinds of lines, and sweeps of the rate."""
        return self._cases(setting(request), request)

    def short(self) -> list[Case]:
        """Return a few rounds on a small quadratic: there are many cases."""
        return self._cases(SMALL, Request(None, True))

    def _cases(self, every: Setting, request: Request) -> list[Case]:
        found = [
            case(method, every, place, seed, every.length.rounds)
            for shape in PANELS
            for place in (
                Place(group(r, shape), shape, r.rate, r.latency, asked=r == SWEPT) for r in RATES
            )
            for method in METHODS
            for seed in range(1, self.seeds[request.quick] + 1)
        ]
        fast = Place(_times.measured(RATES[0], FAST), FAST, RATES[0].rate, RATES[0].latency)
        found += [_timed(case(m, every, fast, 1, every.length.swept)) for m in METHODS]
        return found + [
            case(method, every, place, 1, every.length.swept, captured)
            for shape in SHAPES
            for place, captured in (
                (Place(_times.swept(shape), shape, rate, SWEPT.latency, rate), captured)
                for rate in (QUICK if request.quick else FULL)
                for captured in ([CAPTURED] if (shape, rate) == (FAST, SWEPT.rate) else [0])
            )
            for method in METHODS
        ]

    def panels(self, results: Results) -> list[Panel]:
        """Return the error against seconds at each rate, then time to accuracy against the rate."""
        target = _times.common_target(results, FAST)
        return [
            *(_figure.errors(results, rate, shape) for rate in RATES for shape in PANELS),
            *(_figure.sweep(results, shape, target) for shape in SHAPES),
            _figure.compute(results, RATES[0], FAST, target),
        ]

    def claims(self, results: Results) -> list[Claim]:
        """Return the closed form against the clock, who is first where, and what was sent."""
        return _judged.claims(results, _times.common_target(results, FAST))

    def notes(self, results: Results) -> Sequence[str]:
        """Return tables of times, of break-even rates, and of what counting what would say."""
        return _tables.notes(results, _times.common_target(results, FAST))

    def deviations(self, request: Request) -> list[str]:
        """Return in what this differs from the papers."""
        every = setting(request)
        return [
            "The papers count bits and have no clock. Frames are real ones: float32 or quantized, "
            "with their headers of 32 bytes; what comes down is float32 for all methods.",
            f"n = {every.workers} workers, d = {every.d}; GD has the step 2 / (L + mu), the others "
            "those of the smoothness-aware paper.",
            "Lines: "
            + ", ".join(f"{r.name} with {1e3 * r.latency:g} ms" for r in RATES)
            + f" of latency; {1e3 * SWEPT.latency:g} ms in the sweeps.",
            f"Compute is modelled, {OPERATIONS:.0e} operations a second of the gradient and of the "
            "products with matrices, at a worker and at the hub, charged at the workers: a round "
            "is a chain, in which it is the same wherever it is charged.",
            "The clock starts after the set-up, as it is told in advance; its seconds are added by "
            "the closed form where it says so.",
            f"Only the runs at {SWEPT.name}, of the first seed, are played by MPI, all others in "
            "lockstep; a claim says that the two have the same rows. Sweeps have one seed.",
        ]


def _timed(one: Case) -> Case:
    """Return a case whose compute is measured."""
    network = {"clock": "virtual", "compute": {"id": "measured"}}
    return one._replace(run={**one.run, "network": network})
