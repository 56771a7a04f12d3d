"""Tucker decomposition: QGD against descent with its rates unquantized, and with constant steps."""

from __future__ import annotations

from collections.abc import Sequence

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim
from netopt.reproduce._curves import Results
from netopt.reproduce._drawing import Panel
from netopt.reproduce._panels import Shown, metric
from netopt.reproduce._study import Study
from netopt.reproduce.qgd import _compared
from netopt.reproduce.qgd._compared import (
    Length,
    Method,
    bends_up,
    for_the_same_bytes,
    no_worse,
)

FULL, QUICK = Length(20_000, 3, 200), Length(2000, 2, 50)
START = "from [0, 1)"
_RATES = _compared.rates(0.03, 0.003, 80)
DGD = Method("DGD, 1.5e-4", {"id": "dgd", "lr": 1.5e-4})
LARGE = Method("DGD, 3e-3", {"id": "dgd", "lr": 3e-3})
EXACT = Method("QGD's rates, not quantized", _RATES)
FINE = Method("QGD, l = 64", _RATES, 64)
METHODS = (DGD, LARGE, EXACT, FINE)
COLUMNS = {
    "loss": "loss",
    "relative_error": "relative error",
    "relative_loss": "loss / norm of T",
    "grad_norm": "gradient norm",
    "lambda_min": "smallest eigenvalue",
}


class TuckerStudy(Study):
    """A planted tensor of multilinear rank (5, 5, 5), which all agents know."""

    shows = "a tensor's core and factors, with 8 bits a number"
    reference = _compared.REFERENCE
    data = "a planted 8 x 8 x 8 tensor of rank (5, 5, 5)"
    measure = "relative_loss"
    seeds = (FULL.seeds, QUICK.seeds)
    paper = (
        "Five agents on a directed graph approximate the same 3-way tensor T by a core and three "
        "factors of rank (5, 5, 5), all of which start uniform in [0, 1). The misfit is a norm, "
        "not its square, and the factors are penalised. QGD rounds to grids of l = 64, 8 bits a "
        "number, and should do at least as well as descent without rounding, and end where no "
        "direction bends down. The paper gives no step of DGD for this problem: the smaller one "
        "here is the one at which QGD's rates are held from iteration 100 on, the larger one is "
        "that with which they begin."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return all methods; quick has fewer rounds and seeds."""
        problem = {"id": "tucker", **({} if request.data is None else {"data": request.data})}
        return _compared.cases(problem, METHODS, QUICK if request.quick else FULL, START)

    def panels(self, results: Results) -> list[Panel]:
        """Return the loss and the error against iterations and bytes."""
        return [
            *_panels(results, "relative_loss", "loss / ||T||")[:2],
            *_panels(results, "relative_error", "||T - T^|| / ||T||")[:2],
        ]

    def claims(self, results: Results) -> list[Claim]:
        """Return what QGD reaches, and the payload."""
        return [
            no_worse(results, START, FINE.series, EXACT.series),
            no_worse(results, START, FINE.series, DGD.series),
            no_worse(results, START, FINE.series, LARGE.series),
            for_the_same_bytes(results, START, FINE.series, DGD.series),
            bends_up(results, START, FINE.series),
            _compared.payload(results, METHODS),
        ]

    def notes(self, results: Results) -> Sequence[str]:
        """Return a table of the ends."""
        return [_compared.ends(results, METHODS, COLUMNS)]

    def deviations(self, request: Request) -> list[str]:
        """Return how this differs from the paper."""
        length = QUICK if request.quick else FULL
        tensor = (
            "here a tensor of exactly that rank is drawn, 8 x 8 x 8, core N(0, 1) and factors in "
            "[0, 1). A 3-way array of yours: --data FILE.npy."
            if request.data is None
            else f"here it is {request.data}, and the rank is (5, 5, 5) as there."
        )
        return [
            f"The paper's tensor is not at hand; {tensor}",
            f"{length.rounds} iterations, where the paper has 100 001, and {length.seeds} seeds.",
            "All agents start at the same point, so that without rounding they stay together.",
        ]


def _panels(results: Results, measure: str, label: str) -> list[Panel]:
    shown = [
        Shown(results.curve(one.series, None, START, measure), one.series, colour)
        for colour, one in enumerate(METHODS)
    ]
    return metric(shown, label, START, log_y=True)
