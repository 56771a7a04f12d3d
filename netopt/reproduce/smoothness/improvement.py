"""Figure (i): what knowing the smoothness matrices is worth."""

from __future__ import annotations

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim
from netopt.reproduce._curves import Results
from netopt.reproduce._drawing import Panel
from netopt.reproduce._study import Study
from netopt.reproduce.smoothness import _judged, _methods
from netopt.reproduce.smoothness._methods import DCGD, DCGD_SMOOTH, DIANA, DIANA_SMOOTH, REFERENCE

METHODS = (DCGD, DIANA, DCGD_SMOOTH, DIANA_SMOOTH)
STRONG, MU = "mu = 0.1", 0.1
"""The same problem with a larger mu, where all methods come to their end within the rounds."""


class Improvement(Study):
    """DCGD and DIANA with standard dithering against DCGD+ and DIANA+ with varying steps."""

    shows = "what knowing the smoothness matrices is worth"
    reference = REFERENCE
    data = _methods.DEFAULT
    power = 2
    paper = (
        "Workers that quantize L_i^(-1/2) grad f_i instead of the gradient, with a step for each "
        "coordinate that is fitted to the diagonal of L_i, allow larger step sizes. DCGD+ and "
        "DIANA+ then need fewer iterations than DCGD and DIANA, by about the ratio of the step "
        "sizes. Methods without shifts (DCGD, DCGD+) stop in a neighbourhood of the solution, "
        "those with shifts (DIANA, DIANA+) reach it. The '+' methods send each L_i^(1/2) once."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return the four methods, on the paper's problem and with a larger mu."""
        return [
            *_methods.cases(METHODS, request),
            *_methods.cases(METHODS, request, STRONG, {"l2": MU}),
        ]

    def panels(self, results: Results) -> list[Panel]:
        """Return the error against iterations, bytes with and without set-up, and seconds."""
        name = _methods.short(results.request)
        return [
            *_methods.panels(results, "", name),
            *_methods.panels(results, STRONG, f"{name}, {STRONG}")[:2],
        ]

    def claims(self, results: Results) -> list[Claim]:
        """Return the gains, the floors and what was sent."""
        target = _judged.common_target(results, [DIANA_SMOOTH])
        near = _judged.common_target(results, [DCGD_SMOOTH])  # as far as its neighbourhood
        return [
            _judged.faster(results, DIANA_SMOOTH, DIANA, target),
            _judged.gain(results, DIANA_SMOOTH, DIANA),
            _judged.faster(results, DCGD_SMOOTH, DCGD, near),
            _judged.promised(results, DIANA),
            _judged.promised(results, DIANA_SMOOTH),
            *(_judged.floors(results, method, STRONG) for method in (DCGD, DCGD_SMOOTH)),
            *(_judged.arrives(results, method, STRONG) for method in (DIANA, DIANA_SMOOTH)),
            _judged.with_setup(results, DIANA_SMOOTH, target),
            _judged.exact_setup(results, METHODS),
            *_judged.printed(results, METHODS),
        ]

    def deviations(self, request: Request) -> list[str]:
        """Return in what this differs from the published experiment."""
        return [
            *_methods.usual_deviations(request),
            f"{STRONG} is not in the paper, whose mu is {_methods.MU:g} throughout.",
        ]
