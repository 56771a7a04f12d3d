"""Autoencoders of real digits, started at or near a saddle: what gets away, and at what bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from netopt.reproduce import _images, _shares
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, exact
from netopt.reproduce._curves import Results, Run
from netopt.reproduce._drawing import Panel
from netopt.reproduce._images import FLOATS
from netopt.reproduce._panels import Shown, metric
from netopt.reproduce._shares import Share
from netopt.reproduce._study import Study
from netopt.reproduce.compressed_sgd import _methods
from netopt.reproduce.compressed_sgd._methods import (
    EF_SIGN,
    QSGD,
    SGD,
    Method,
    compressed,
)

AT, NEAR, DEEP = "at the saddle", "near the saddle", "deep, near the saddle"
ROUNDS, QUICK = 600, 240
AWAY = 0.9
"""A run is away once its loss is below this share of the mean image's."""
BASE = {"id": "autoencoder", "rows": 3000, "batch": 16, "evaluate": 800}
TWO_LAYERS: dict[str, Any] = {**BASE, "model": "linear", "model_options": {"code": 8}}
FOUR_LAYERS: dict[str, Any] = {**BASE, "model": "mlp", "model_options": {"hidden": [16, 8]}}


class Group(NamedTuple):
    """A problem, its step size and the total deviation r of the noise, where there is any."""

    problem: dict[str, Any]
    lr: float
    r: float


GROUPS = {
    AT: Group({**TWO_LAYERS, "scale": 0.0}, 5.0, 0.01),
    NEAR: Group({**TWO_LAYERS, "scale": 0.01}, 5.0, 0.01),
    DEEP: Group({**FOUR_LAYERS, "scale": 0.01}, 5.0, 0.2),
}
PLAIN = SGD._replace(series="SGD")
NOISY = Method("SGD with noise", "perturbed-sgd", FLOATS, FLOATS)
RANDOM_SILENT = compressed("RandomK", 10)._replace(series="RandomK 10 %")
RANDOM_NOISY = compressed("RandomK", 10)._replace(series="RandomK 10 % with noise")
TOP_NOISY = compressed("TopK", 1)._replace(series="TopK 1 % with noise")
QUANTIZED = QSGD._replace(series="QSGD, 4 bits")
SIGNS = EF_SIGN._replace(series="EF-SGD, scaled sign")
METHODS = (PLAIN, NOISY, RANDOM_SILENT, RANDOM_NOISY, TOP_NOISY, SIGNS, QUANTIZED)
LOUD = (NOISY, RANDOM_NOISY, TOP_NOISY)


class Autoencode(Study):
    """Eight workers and a hub train autoencoders whose saddle is at zero weights."""

    shows = "which noise gets an autoencoder of digits off its saddle"
    reference = _methods.REFERENCE
    data = _images.MNIST
    measure = "loss"
    seeds = (2, 1)
    needs = ("torch",)
    paper = (
        "A deep convolutional autoencoder of MNIST starts near a saddle. SGD without noise and "
        "without compression is said to stall there; with artificial noise, or with the "
        "randomness of compression, it is said to leave. That is a recollection of the "
        "experiments, a hypothesis and no number to reproduce."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return every method from every start with every seed."""
        images = _images.data(request)
        rounds, every = (QUICK, 20) if request.quick else (ROUNDS, 20)
        more: dict[str, Any] = {"rounds": rounds, "record": {"every": every}}
        seeds = range(1, 1 + self.seeds[request.quick])
        return [
            Case(
                one.series,
                _images.star(
                    {**group.problem, "data": images}, *one.run(group.lr, _noise(one, group)),
                    seed=seed, **more,
                ),
                group=name,
            )
            for name, group in GROUPS.items()
            for one in METHODS
            for seed in seeds
        ]  # fmt: skip

    def short(self) -> list[Case]:
        """Return four rounds of each method and start on the small digits."""
        return _images.short(self.cases(Request(_images.SMALL, True)), {}, 4)

    def panels(self, results: Results) -> list[Panel]:
        """Return the losses from each start against rounds and bytes."""
        found: list[Panel] = []
        for name in GROUPS:
            shown = [
                Shown(results.curve(one.series, None, name), one.series, colour)
                for colour, one in enumerate(METHODS)
            ]
            found += metric(shown, "mean squared error", name[0].upper() + name[1:])[:2]
        return found

    def claims(self, results: Results) -> list[Claim]:
        """Return the bits, what stays and what leaves."""
        return [_payload(results), *_stay(results), *_leave(results)]

    def notes(self, results: Results) -> Sequence[str]:
        """Return the table of escapes."""
        head = (
            f"## Escapes\nAway means a loss below {AWAY:g} of the mean image's; rounds are the "
            "median first recorded round where it is, inf if none.\n\n"
            "| start | method | away | rounds | loss at the end | error of held-out images |\n"
            "| --- | --- | --- | --- | --- | --- |\n"
        )
        rows = [_row(results, name, one) for name in GROUPS for one in METHODS]
        return [head + "\n".join(rows)]

    def deviations(self, request: Request) -> list[str]:
        """Return how this differs from the paper's experiment."""
        deep, two = GROUPS[DEEP], GROUPS[NEAR]
        return [
            "Dense layers instead of convolutions, which two cores do not play often enough: two "
            "linear ones with a code of 8, whose saddle is strict, and four of tanh with 16 and 8 "
            "units, at whose saddle the Hessian is almost zero but for the last bias.",
            "The starts are zero and a hundredth of the usual initial weights. 3000 digits, 16 "
            f"images a worker and round; steps {two.lr:g} and {deep.lr:g}, noise r = {two.r:g} and "
            f"{deep.r:g}, chosen by hand; no resets.",
        ]


def _noise(one: Method, group: Group) -> float:
    return group.r if one in LOUD else 0.0


def level(results: Results) -> float:
    """Return the least loss of a run whose weights have not moved: that of the mean image.

    From zero weights only the last bias moves under SGD without noise, as all other slopes are
    exactly zero.
    """
    runs = results.runs(PLAIN.series, None, AT)
    return float(np.mean([run.error.min() for run in runs]))


def first(run: Run, below: float) -> float:
    """Return the first recorded round with a loss below a value; inf if there is none."""
    found = np.flatnonzero(run.error < below)
    return float(run.round[found[0]]) if len(found) else float("inf")


def _times(results: Results, name: str, one: Method) -> list[float]:
    below = AWAY * level(results)
    return [first(run, below) for run in results.runs(one.series, None, name)]


def share(results: Results, name: str, one: Method) -> Share:
    """Return how many runs of a method got away from a start."""
    return Share.among(np.isfinite(_times(results, name, one)))


def _row(results: Results, name: str, one: Method) -> str:
    runs = results.runs(one.series, None, name)
    loss, held = (float(np.median([run.last(n) for run in runs])) for n in ("loss", "test_loss"))
    rounds = float(np.median(_times(results, name, one)))
    cells = (name, one.series, str(share(results, name, one)), f"{rounds:g}")
    return f"| {' | '.join((*cells, f'{loss:.4f}', f'{held:.4f}'))} |"


def _payload(results: Results) -> Claim:
    """Return that the ledger has the formula's bits, wherever the data do not decide them."""
    wrong = counted = 0
    for name in GROUPS:
        for one in METHODS:
            for run in results.runs(one.series, None, name):
                each = one.bits(results.dimension(run))
                if each is not None:
                    counted += 1
                    bits = _methods.WORKERS * each * run.round
                    wrong += bool((run.table["payload_bits"] != bits).any())
    return exact(
        "every round has the payload of the formula, by the ledger", wrong, counted, "runs"
    )


def _stay(results: Results) -> list[Claim]:
    """Return that nothing without noise leaves the saddle, and that SGD stalls near it."""
    silent = (PLAIN, RANDOM_SILENT, QUANTIZED)
    return [
        *(_shares.none(f"{AT}, {one.series}: away", share(results, AT, one)) for one in silent),
        *(
            _shares.none(f"{name}, {PLAIN.series}: away", share(results, name, PLAIN))
            for name in (NEAR, DEEP)
        ),
    ]


def _leave(results: Results) -> list[Claim]:
    """Return that artificial noise leaves every start, and compression alone those near it."""
    return [
        *(
            _shares.every(f"{name}, {one.series}: away", share(results, name, one))
            for name in GROUPS
            for one in LOUD
        ),
        *(
            _shares.every(f"{name}, {one.series}: away", share(results, name, one))
            for name in (NEAR, DEEP)
            for one in (RANDOM_SILENT, SIGNS, QUANTIZED)
        ),
    ]
