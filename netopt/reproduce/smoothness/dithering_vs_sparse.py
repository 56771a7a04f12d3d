"""Figure (v): quantization against sparsification, both fitted to the smoothness."""

from __future__ import annotations

from netopt import config
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim
from netopt.reproduce._curves import Results
from netopt.reproduce._drawing import Panel
from netopt.reproduce._study import Study
from netopt.reproduce.smoothness import _judged, _methods
from netopt.reproduce.smoothness._methods import (
    BIASED,
    DIANA_SMOOTH,
    RAND_TAU,
    REFERENCE,
    SMOOTH_BLOCKS,
    Method,
)

METHODS = (DIANA_SMOOTH, SMOOTH_BLOCKS, RAND_TAU)


class DitheringVsSparse(Study):
    """DIANA+ with varying steps, with blocks, and with random coordinates."""

    shows = "quantizing against leaving out coordinates"
    reference = REFERENCE
    data = _methods.DEFAULT
    power = 2
    paper = (
        "Sparsification can be fitted to the smoothness too: rand-tau+ sends coordinate j with a "
        "probability p_j that grows with L_jj. It needs about as many iterations as quantization "
        "does, but each number costs 32 bits, so that quantization (quant+ and block quant+) "
        "needs fewer bits. The published code leaves out the factor 1/p_j, which makes "
        "rand-tau+ biased, and charges no bits for the indices; here both are counted, and the "
        "biased form is shown as a variant."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return the three compressors, and rand-tau+ as it was published."""
        return [*_methods.cases(METHODS, request), *_methods.cases([_biased(request)], request)]

    def panels(self, results: Results) -> list[Panel]:
        """Return the error against iterations, bytes with and without set-up, and seconds."""
        return _methods.panels(results, "", _methods.short(results.request))

    def claims(self, results: Results) -> list[Claim]:
        """Return the order in bytes, the rates, and what was sent."""
        target = _judged.common_target(results, METHODS)
        return [
            _judged.fewer_bytes(results, DIANA_SMOOTH, RAND_TAU, target),
            _judged.fewer_bytes(results, SMOOTH_BLOCKS, RAND_TAU, target),
            _judged.promised(results, RAND_TAU),
            *(_judged.with_setup(results, method, target) for method in METHODS),
            _judged.exact_setup(results, METHODS),
            *_judged.printed(results, METHODS),
        ]

    def deviations(self, request: Request) -> list[str]:
        """Return in what this differs from the published experiment."""
        return [
            *_methods.usual_deviations(request),
            "rand-tau+ is unbiased here, and its indices are sent in their shortest coding; the "
            "biased variant has the step sizes of the unbiased one.",
        ]


def _biased(request: Request) -> Method:
    """Return rand-tau+ as published, with the step sizes that the unbiased form has in theory."""
    (first, *_) = _methods.cases([RAND_TAU], request)
    gamma, alpha, _ = _methods.theory(config.make(first.run))
    algorithm = {"id": RAND_TAU.algorithm, "lr": gamma, "alpha": alpha}
    return Method(BIASED, algorithm, {**RAND_TAU.codec, "unbiased": False})
