"""Robust PCA: QGD against descent with its rates unquantized, and with a constant step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from netopt.problems import Problem
from netopt.registry import build
from netopt.reproduce import _shares
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, at_most
from netopt.reproduce._curves import Results, rounds_to
from netopt.reproduce._drawing import Panel
from netopt.reproduce._panels import Shown, metric
from netopt.reproduce._shares import Share
from netopt.reproduce._study import Study, shortened
from netopt.reproduce.qgd import _compared
from netopt.reproduce.qgd._compared import (
    Length,
    Method,
    bends_up,
    for_the_same_bytes,
    no_worse,
    rates,
)

FRAMES, SIDE, RANK = 20, 16, 5
SINGULAR, SADDLE = "from singular vectors", "from the saddle 0"
FULL = {SINGULAR: Length(5000, 3, 50), SADDLE: Length(5000, 3, 50)}
QUICK = {SINGULAR: Length(400, 2, 20), SADDLE: Length(700, 2, 25)}


def _methods(scale: float) -> tuple[Method, ...]:
    """Return the methods, with steps that are ``scale`` times the paper's."""
    qgd = rates(0.003, round(0.0003 * scale, 7), 40)
    return (
        Method("DGD", {"id": "dgd", "lr": round(5e-5 * scale, 7)}),
        Method("QGD's rates, not quantized", qgd),
        Method("QGD, l = 32", qgd, 32),
        Method("QGD, l = 4", qgd, 4),
    )


def _columns(request: Request) -> int:
    """Return how many numbers a frame has; ConfigError for pictures that are no film."""
    if request.data is None:
        return 3 * SIDE**2
    problem = build(Problem, _problem(request))
    problem.prepare(5, 0)
    return problem.d // RANK - FRAMES


def _scale(request: Request) -> float:
    """Return how much larger the paper's films are, in their largest singular values."""
    return math.sqrt(200 * 3 * 56**2 / (FRAMES * _columns(request)))


def _problem(request: Request) -> dict[str, Any]:
    size = {"frames": FRAMES, "pixels": [SIDE, SIDE], "rank": RANK}
    data = {} if request.data is None else {"data": request.data}
    return {"id": "robust-pca", **size, **data}


METHODS = DGD, EXACT, FINE, COARSE = _methods(_scale(Request()))
COLUMNS = {
    "loss": "loss",
    "relative_error": "relative error",
    "background_error": "background error",
    "grad_norm": "gradient norm",
    "consensus": "consensus error",
    "lambda_min": "smallest eigenvalue",
}


class RobustPcaStudy(Study):
    """Backgrounds of five films, from the paper's start and from a saddle."""

    shows = "low-rank backgrounds of films, with 7 and with 4 bits a number"
    reference = _compared.REFERENCE
    data = "a drawn scene, five films of 20 frames of 16 x 16 pixels"
    measure = "loss"
    seeds = (FULL[SINGULAR].seeds, QUICK[SINGULAR].seeds)
    paper = (
        "Five agents on a directed graph factor their films D_i into a background U V that they "
        "share and what passes before it, S_i, recomputed at each step. QGD rounds the factors to "
        "grids of l = 32, 7 bits a number, and reaches a loss at least as good as DGD's with a "
        "step of 5e-5. To tell the rounding from the rates, QGD's rates are played without "
        "rounding as well. An end is a second-order point only if no direction bends down, so the "
        "smallest eigenvalue of the Hessian of F is looked at, not the gradient alone."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return all methods from both starts; quick has fewer rounds and seeds."""
        lengths = QUICK if request.quick else FULL
        problem, methods = _problem(request), _methods(_scale(request))
        starts = {SINGULAR: problem, SADDLE: {**problem, "at": "saddle"}}
        return [
            case
            for group, start in starts.items()
            for case in _compared.cases(start, methods, lengths[group], group)
        ]

    def short(self) -> list[Case]:
        """Return a few rounds of all methods on a small scene."""
        small = {"frames": 4, "pixels": [3, 3], "rank": 1}
        quick = self.cases(Request(None, True))
        return [
            shortened(case._replace(run={**case.run, "problem": {**case.run["problem"], **small}}))
            for case in quick
        ]

    def panels(self, results: Results) -> list[Panel]:
        """Return the loss from both starts, and the relative error from the paper's."""
        return [
            *_panels(results, SINGULAR, "loss", "loss of the mean")[:2],
            *_panels(results, SADDLE, "loss", "loss of the mean")[:1],
            *_panels(results, SINGULAR, "relative_error", "mean ||D - UV - S|| / ||D||")[1:2],
        ]

    def claims(self, results: Results) -> list[Claim]:
        """Return what QGD reaches, what stays in the saddle, and the payload."""
        return [
            no_worse(results, SINGULAR, FINE.series, EXACT.series),
            no_worse(results, SINGULAR, FINE.series, DGD.series),
            no_worse(
                results, SINGULAR, FINE.series, DGD.series, "relative_error", "relative error"
            ),
            for_the_same_bytes(results, SINGULAR, FINE.series, DGD.series),
            no_worse(results, SINGULAR, COARSE.series, EXACT.series),
            *_saddle(results),
            *_bends(results),
            _compared.payload(results, METHODS),
        ]

    def notes(self, results: Results) -> Sequence[str]:
        """Return a table of the ends."""
        return [_compared.ends(results, METHODS, COLUMNS)]

    def deviations(self, request: Request) -> list[str]:
        """Return how this differs from the paper."""
        length = (QUICK if request.quick else FULL)[SINGULAR]
        columns, scale = _columns(request), _scale(request)
        film = (
            f"a scene is drawn, {SIDE} x {SIDE} pixels (pictures of yours: --data images:FOLDER)"
            if request.data is None
            else f"it is {request.data}"
        )
        return [
            "The paper's films are recorded: 200 frames an agent of 56 x 56 pixels, rank 30. Here "
            f"{film}, {FRAMES} frames an agent, which go to the agents in turn, and rank {RANK}.",
            f"Curvature grows with the films' singular values, so all steps are {scale:.4g} times "
            f"the paper's, which is the square root of how many more numbers its films have: DGD's "
            f"is {_methods(scale)[0].algorithm['lr']:.3g}.",
            "From iteration 100 on QGD's step is held at 0.3 of DGD's, so that it is behind DGD at "
            "equal iterations, rounded or not.",
            "The noise of a round is about sqrt(d) / (2 l) of the iterate, and the paper's d is "
            f"{30 * (200 + 9408) / (RANK * (FRAMES + columns)):.3g} times as large: of a drawn "
            "scene l = 4 is as noisy as l = 32 is there.",
            "Errors are those of the network mean; the paper's are of each agent's own factors, "
            "which fit its own film better where agents hardly agree.",
            "From 0, all agents start in an exact saddle; the paper has no such start. There each "
            "agent is carried off by its own noise, and U V is the same for other signs and "
            "mixtures of its factors: agents that mix as slowly as with the paper's rates (5e-4 a "
            "round) settle in different ones, each in a good one, and their mean is a bad one for "
            "long. The consensus error tells.",
            f"{length.rounds} iterations from the paper's start, and {length.seeds} seeds; the "
            "paper has 5000 and 20.",
        ]


def _panels(results: Results, group: str, measure: str, label: str) -> list[Panel]:
    shown = [
        Shown(results.curve(one.series, None, group, measure), one.series, colour)
        for colour, one in enumerate(METHODS)
    ]
    return metric(shown, label, group, log_y=True)


def _saddle(results: Results) -> list[Claim]:
    """Return that exact gradients stay at 0 and rounded iterates do not."""
    slopes = [
        float(run.table["grad_norm"].max())
        for one in (DGD, EXACT)
        for run in results.runs(one.series, None, SADDLE)
    ]
    left = [
        run.last("loss") / run.table["loss"][0] for run in results.runs(FINE.series, None, SADDLE)
    ]
    quick = results.request.quick  # which ends on the way out
    text = f"{SADDLE}: loss at the end of {FINE.series}, over that at 0"
    return [
        _shares.none(
            f"{SADDLE}, without rounding: a gradient that is not exactly 0",
            Share.among(slope > 0 for slope in slopes),
        ),
        at_most(text, 0.9 if quick else 0.01, left),
        at_most(
            f"{SADDLE}: iterations to half of the loss, {COARSE.series} over {FINE.series}",
            1.0,
            [_halved(results, COARSE) / _halved(results, FINE)],
            "< 1",
        ),
    ]


def _bends(results: Results) -> list[Claim]:
    """Return that nothing bends down at the ends; the quick version stops before that."""
    if results.request.quick:
        return []
    return [bends_up(results, group, FINE.series) for group in (SINGULAR, SADDLE)]


def _halved(results: Results, method: Method) -> float:
    """Return the iterations until the loss from 0 is half of what it was, a mean over seeds."""
    runs = results.runs(method.series, None, SADDLE)
    return sum(rounds_to(run, run.error[0] / 2) for run in runs) / len(runs)
