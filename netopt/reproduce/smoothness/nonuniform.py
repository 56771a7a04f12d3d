"""Figure (ii): what steps fitted to the smoothness are worth, beside equal steps."""

from __future__ import annotations

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim
from netopt.reproduce._curves import Results
from netopt.reproduce._drawing import Panel
from netopt.reproduce._study import Study
from netopt.reproduce.smoothness import _judged, _methods
from netopt.reproduce.smoothness._methods import DIANA, DIANA_SMOOTH, DIANA_UNIFORM, REFERENCE

METHODS = (DIANA, DIANA_UNIFORM, DIANA_SMOOTH)


class Nonuniform(Study):
    """DIANA+ with a step for each coordinate against DIANA+ with one step, and DIANA."""

    shows = "what a step for each coordinate is worth"
    reference = REFERENCE
    data = _methods.DEFAULT
    power = 2
    paper = (
        "DIANA+ owes part of its gain to the preconditioning by L_i^(1/2) and part to steps that "
        "differ from coordinate to coordinate. With steps fitted to the diagonal of L_i (quant+) "
        "it needs no more iterations than with equal steps of the same budget (quant), and both "
        "need fewer than DIANA."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return DIANA+ with both kinds of steps, and DIANA."""
        return _methods.cases(METHODS, request)

    def panels(self, results: Results) -> list[Panel]:
        """Return the error against iterations, bytes with and without set-up, and seconds."""
        return _methods.panels(results, "", _methods.short(results.request))

    def claims(self, results: Results) -> list[Claim]:
        """Return the order of the three in iterations, and what was sent."""
        target = _judged.common_target(results, METHODS)
        return [
            _judged.faster(results, DIANA_SMOOTH, DIANA_UNIFORM, target),
            _judged.faster(results, DIANA_UNIFORM, DIANA, target),
            _judged.gain(results, DIANA_SMOOTH, DIANA_UNIFORM),
            _judged.gain(results, DIANA_UNIFORM, DIANA),
            *(_judged.with_setup(results, method, target) for method in METHODS[1:]),
            _judged.exact_setup(results, METHODS),
            *_judged.printed(results, METHODS),
        ]

    def deviations(self, request: Request) -> list[str]:
        """Return in what this differs from the published experiment."""
        return _methods.usual_deviations(request)
