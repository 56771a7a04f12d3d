"""What compression costs a classifier of real digits: accuracy and loss against bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from netopt.reproduce import _images
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, at_least, exact
from netopt.reproduce._curves import Results, Run, value_at
from netopt.reproduce._drawing import Panel
from netopt.reproduce._panels import Shown, metric
from netopt.reproduce._study import Study
from netopt.reproduce.compressed_sgd import _methods
from netopt.reproduce.compressed_sgd._methods import ALL, QSGD, RANDOM, SGD, SIGN, TOP, Method

LR = 0.2
ROUNDS, QUICK = 1500, 400
PROBLEM: dict[str, Any] = {
    "id": "classifier",
    "model": "mlp",
    "model_options": {"hidden": [32]},
    "rows": 5000,
    "batch": 16,
    "evaluate": 1000,
}


class Classify(Study):
    """Eight workers and a hub train a small network on real digits with ten kinds of messages."""

    shows = "accuracy and loss of a digit classifier against bytes, with ten kinds of messages"
    reference = _methods.REFERENCE
    data = _images.MNIST
    measure = "accuracy"
    seeds = (2, 1)
    needs = ("torch",)
    paper = (
        "About ten machines train an image classifier with compressed SGD, RandomK and TopK at "
        "0.1 to 10 % of the coordinates: compression is said to cost little accuracy for much "
        "less communication. That is a recollection of the experiments, a hypothesis and no "
        "number to reproduce."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return every method with every seed."""
        problem = {**PROBLEM, "data": _images.data(request)}
        rounds, every = (QUICK, 40) if request.quick else (ROUNDS, 75)
        more: dict[str, Any] = {"rounds": rounds, "record": {"every": every}}
        seeds = range(1, 1 + self.seeds[request.quick])
        return [
            Case(one.series, _images.star(problem, *one.run(LR), seed=seed, **more))
            for one in ALL
            for seed in seeds
        ]

    def short(self) -> list[Case]:
        """Return four rounds of each method on the small digits."""
        cases = self.cases(Request(_images.SMALL, True))
        return _images.short(cases, {"model_options": {"hidden": [3]}}, 4)

    def panels(self, results: Results) -> list[Panel]:
        """Return accuracy and loss against rounds, bytes and seconds."""
        curves = {
            name: [
                Shown(results.curve(one.series, measure=name), one.series, colour)
                for colour, one in enumerate(ALL)
            ]
            for name in ("accuracy", "loss")
        }
        accuracy = metric(curves["accuracy"], "accuracy on held-out images", "Accuracy")
        return [*accuracy, *metric(curves["loss"], "loss", "Training loss", log_y=True)[:2]]

    def claims(self, results: Results) -> list[Claim]:
        """Return the bits, and what accuracy is left at the end and at equal bytes."""
        return [_payload(results), *_at_the_end(results), *_at_equal_bytes(results)]

    def notes(self, results: Results) -> Sequence[str]:
        """Return the table of all methods at the end."""
        head = (
            "## At the end\nMeans over seeds; bytes are payload, up and down, of all workers.\n\n"
            "| messages | accuracy | loss | MB |\n| --- | --- | --- | --- |\n"
        )
        return [head + "\n".join(_row(results, one) for one in ALL)]

    def deviations(self, request: Request) -> list[str]:
        """Return how this differs from the paper's experiment."""
        rounds = QUICK if request.quick else ROUNDS
        return [
            "5000 digits of 28 x 28 pixels and a network with one hidden layer of 32 tanh units "
            f"(25 450 parameters) instead of CIFAR-10 and a large network, {rounds} rounds of 16 "
            "images a worker: two cores have to play ten methods.",
            "r = 0: the noise of the batches is all there is. TopK is not reset, although theory "
            "asks for it: one reset sends as many bytes as hundreds of rounds.",
            "Step sizes were tuned by hand in a few runs on 4000 of the digits: 0.2 for SGD, a "
            "quarter of it where 0.1 % is sent, and 0.001 for signSGD.",
        ]


def _last(results: Results, one: Method, column: str = "accuracy") -> list[float]:
    return [run.last(column) for run in results.runs(one.series)]


def _row(results: Results, one: Method) -> str:
    accuracy, loss, bits = (
        float(np.mean(_last(results, one, name))) for name in ("accuracy", "loss", "payload_bits")
    )
    return f"| {one.series} | {accuracy:.3f} | {loss:.3f} | {bits / 8e6:.2f} |"


def _payload(results: Results) -> Claim:
    """Return that the ledger has the formula's bits, wherever the data do not decide them."""
    wrong = counted = 0
    for one in ALL:
        for run in results.runs(one.series):
            each = one.bits(results.dimension(run))
            if each is not None:
                counted += 1
                bits = _methods.WORKERS * each * run.round
                wrong += bool((run.table["payload_bits"] != bits).any())
    return exact(
        "every round has the payload of the formula, by the ledger", wrong, counted, "runs"
    )


def _at_the_end(results: Results) -> list[Claim]:
    """Return that compression costs little accuracy at equal rounds."""
    best = float(np.mean(_last(results, SGD)))
    return [
        at_least(
            f"{one.series}: accuracy at the end",
            best - 0.03,
            _last(results, one),
            f"within 3 points of SGD's {best:.3f}",
        )
        for one in (*RANDOM, *TOP, SIGN, QSGD)
    ]


def _at_equal_bytes(results: Results) -> list[Claim]:
    """Return that at the bytes that a method took, plain SGD was not as good."""
    found = []
    for one in (RANDOM[0], RANDOM[1], SIGN):
        pairs = zip(results.runs(one.series), results.runs(SGD.series), strict=True)
        found.append(
            at_least(
                f"{one.series}: accuracy above SGD's at the bytes of its whole run",
                0.0,
                [run.last("accuracy") - _spent(plain, run) for run, plain in pairs],
                "> 0",
            )
        )
    return found


def _spent(plain: Run, run: Run) -> float:
    """Return SGD's accuracy before it has spent the payload of another run."""
    return value_at(plain, "accuracy", "payload_bits", float(run.table["payload_bits"][-1]))
