"""Figures (iii) and (iv): a norm for each block, on the paper's data and on data made for it."""

from __future__ import annotations

from itertools import chain

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, near
from netopt.reproduce._curves import Results
from netopt.reproduce._drawing import Panel
from netopt.reproduce._study import Study
from netopt.reproduce.smoothness import _judged, _methods
from netopt.reproduce.smoothness._methods import (
    DCGD,
    DCGD_BLOCKS,
    DIANA,
    DIANA_BLOCKS,
    PLUS_BLOCKS,
    REFERENCE,
    SMOOTH_BLOCKS,
    Length,
)

METHODS = (DCGD, DIANA, DIANA_BLOCKS, PLUS_BLOCKS, SMOOTH_BLOCKS)
"""Figure (iii) compares the first two with the last one, figure (iv) the last three."""
MADE = (DCGD, DIANA, DCGD_BLOCKS, SMOOTH_BLOCKS)
SIZES = (4, 8)
"""Workers n of the data made for blocks; d = n^2."""
TARGET = 0.1
QUICK, FULL = Length(200, 1, 2), Length(800, 2, 5)
"""How long the data made for blocks are played."""


class Blocks(Study):
    """Block quantization against the others, and its gain where smoothness is concentrated."""

    shows = "what a norm for each block is worth"
    reference = REFERENCE
    data = f"{_methods.DEFAULT}; concentrated, drawn"
    power = 2
    paper = (
        "With n blocks of coordinates, each with a norm and a step of its own, the norms cost "
        "32 n bits, and the variance falls where few blocks carry the curvature: the gain in "
        "iterations is of the order n if n is about sqrt(d). On the paper's data DIANA+ with "
        "block quant+ needs fewer iterations than DCGD and DIANA with standard dithering "
        "(figure iii), and than DIANA with blocks and DIANA+ with equal steps (figure iv)."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return the methods on the data, and some on concentrated data of two sizes."""
        made = request._replace(data="concentrated")
        length = QUICK if request.quick else FULL
        found = _methods.cases(METHODS, request)
        for n in SIZES:
            more = {"rows": 40 * n * n, "dimension": n * n, "l2": 1e-2}
            found += _methods.cases(MADE, made, _made(n), more, n, length)
        return found

    def panels(self, results: Results) -> list[Panel]:
        """Return the panels of the data, then a column for each size of concentrated data."""
        columns = [_methods.panels(results, _made(n), f"d = {n * n}, n = {n}")[:2] for n in SIZES]
        return [
            *_methods.panels(results, "", _methods.short(results.request)),
            *chain.from_iterable(zip(*columns, strict=True)),
        ]

    def claims(self, results: Results) -> list[Claim]:
        """Return the order on the data, and the gain of the order n on concentrated data."""
        target = _judged.common_target(results, METHODS)
        both = SMOOTH_BLOCKS
        return [
            *(_judged.faster(results, both, other, target) for other in (DCGD, DIANA)),
            *(
                _judged.faster(results, both, other, target)
                for other in (DIANA_BLOCKS, PLUS_BLOCKS)
            ),
            _judged.with_setup(results, both, target),
            *(_judged.faster(results, DCGD_BLOCKS, DCGD, TARGET, _made(n)) for n in SIZES),
            *(_judged.gain(results, DCGD_BLOCKS, DCGD, _made(n), TARGET) for n in SIZES),
            *(_judged.gain(results, both, DIANA, _made(n), TARGET) for n in SIZES),
            _grows(results),
            _judged.exact_setup(results, METHODS),
            *(_judged.exact_setup(results, MADE, _made(n)) for n in SIZES),
            *_judged.printed(results, METHODS),
        ]

    def deviations(self, request: Request) -> list[str]:
        """Return in what this differs from the published experiment."""
        return [
            *_methods.usual_deviations(request),
            "The budget of the steps is spent wholly; the published step is an upper bound of it. "
            "DIANA's block baseline has the standard step in every block, and so more bits.",
            "The concentrated data are netopt's own: each worker's curvature lies in one block.",
        ]


def _made(n: int) -> str:
    return f"concentrated, n = {n}"


def _grows(results: Results) -> Claim:
    """Claim that twice the workers gain twice as many rounds, but for a third."""
    small, large = (_judged.ratios(results, DCGD_BLOCKS, DCGD, TARGET, _made(n)) for n in SIZES)
    ratios = [one / two for one, two in zip(large, small, strict=True)]
    text = f"the gain of DCGD+ with block quant+ is of the order n: gain at n = {SIZES[1]} / "
    return near(f"{text}that at n = {SIZES[0]}", SIZES[1] / SIZES[0], ratios, 1 / 3)
