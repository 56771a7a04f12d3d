"""The convolutional network of QGD's experiments: quantized iterates against exact ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from netopt.reproduce import _images
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, at_least, exact
from netopt.reproduce._curves import Results
from netopt.reproduce._drawing import Panel
from netopt.reproduce._images import FLOATS
from netopt.reproduce._panels import Shown, metric
from netopt.reproduce._study import Study
from netopt.reproduce.qgd import _escapes

LEVELS, WIDTH = 1100, 12
EDGES = 10
"""Directed edges of the graph w2."""
SPLITS = {"IID": "iid", "pairs of classes": "pairs"}
FULL_SIZE, SMALL_SIZE = {"channels": [32, 64, 128]}, {"channels": [6, 12, 24], "hidden": 32}
BASE: dict[str, Any] = {
    "id": "classifier",
    "model": "cnn",
    "model_options": SMALL_SIZE,
    "batch": 32,
}
SCHEDULE: dict[str, Any] = {
    "id": "sample-and-hold",
    "c_e": 0.5, "c_g": 0.5, "r": 0.03, "a": 0.6, "b": 0.9, "t0": 200, "c_k": 1,
    "evaluate_at": "stage",
}  # fmt: skip
QUANTIZED = {"id": "per-tensor", "codec": {"id": "switching", "levels": LEVELS}}


class Length(NamedTuple):
    """How much a version plays: images used and looked at, rounds, and rounds between rows."""

    rows: int
    evaluate: int
    rounds: int
    every: int


FULL, QUICK = Length(5000, 250, 600, 50), Length(2500, 100, 240, 40)


class Method(NamedTuple):
    """A method with its algorithm and the codec of its messages."""

    series: str
    algorithm: dict[str, Any]
    codec: dict[str, Any]


QGD = Method("QGD, l = 1100", {"id": "qgd", "schedule": SCHEDULE}, QUANTIZED)
EXACT = Method("DGD, QGD's schedule", {"id": "qgd", "schedule": SCHEDULE}, FLOATS)
CDSGD = Method("CDSGD", {"id": "cdsgd", "lr": 0.2}, FLOATS)
POLYAK = Method("CDSGD-P", {"id": "cdsgd", "lr": 0.2, "momentum": "polyak"}, FLOATS)
NESTEROV = Method("CDSGD-N", {"id": "cdsgd", "lr": 0.2, "momentum": "nesterov"}, FLOATS)
METHODS = (QGD, EXACT, CDSGD, POLYAK, NESTEROV)


class Network(Study):
    """Five agents train a convolutional network on images, dealt evenly or by pairs of classes."""

    shows = "accuracy of a convolutional network at 12 bits a parameter, IID and not"
    reference = _escapes.REFERENCE
    data = _images.MNIST
    measure = "accuracy"
    seeds = (2, 1)
    needs = ("torch",)
    paper = (
        "Five agents train a convolutional network of 302 566 parameters on CIFAR-10 for 4000 "
        "epochs with batches of 32, once with an even split and once with 50 % of one pair of "
        "classes and 12.5 % of each other pair an agent. QGD quantizes each tensor to 1100 "
        "levels, with eps_k and alpha_k held between the points of a schedule, and is said to be "
        "at least as accurate as CDSGD, its momentum variants and others that send floats."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return every method on both splits with every seed; quick leaves momentum out."""
        images, size = _images.data(request), QUICK if request.quick else FULL
        problem = {**BASE, "data": images, "rows": size.rows, "evaluate": size.evaluate}
        if images.startswith("cifar10"):
            problem["model_options"] = FULL_SIZE
        seeds = range(1, 1 + self.seeds[request.quick])
        return [
            Case(one.series, _run(one, {**problem, "split": split}, size, seed), group=group)
            for group, split in SPLITS.items()
            for one in (METHODS[:3] if request.quick else METHODS)
            for seed in seeds
        ]

    def short(self) -> list[Case]:
        """Return four rounds of each method on the small digits."""
        options = {"model_options": {"channels": [2], "hidden": 3}}
        return _images.short(self.cases(Request(_images.SMALL, True)), options, 4)

    def panels(self, results: Results) -> list[Panel]:
        """Return accuracy and loss on both splits against rounds and bytes."""
        found: list[Panel] = []
        for group in SPLITS:
            for name, label in (("accuracy", "accuracy on held-out images"), ("loss", "loss")):
                shown = [
                    Shown(results.curve(one.series, None, group, name), one.series, colour)
                    for colour, one in enumerate(_played(results))
                ]
                found += metric(shown, label, f"{group}, {name}")[:2]
        return found

    def claims(self, results: Results) -> list[Claim]:
        """Return the bits, the accuracies, and the curvature where runs end."""
        return [_payload(results), *_accurate(results)]

    def notes(self, results: Results) -> Sequence[str]:
        """Return the table of all methods at the end."""
        head = (
            "## At the end\nMeans over seeds, of the network mean. The smallest eigenvalue of the "
            "Hessian is by Lanczos on the images that a row looks at.\n\n"
            "| split | method | accuracy | loss | smallest eigenvalue | gradient | consensus "
            "| MB on all edges |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        )
        rows = [_row(results, group, one) for group in SPLITS for one in _played(results)]
        return [head + "\n".join(rows)]

    def deviations(self, request: Request) -> list[str]:
        """Return how this differs from the paper's experiment."""
        size = QUICK if request.quick else FULL
        return [
            f"{size.rows} digits, {size.rounds} rounds of 32 images an agent and channels 6-12-24 "
            "instead of 32-64-128, for two cores; with --data cifar10:FOLDER the network is the "
            "paper's.",
            "The rates decay ten times more slowly (r = 0.03 instead of 0.3), since the rounds are "
            "few; c_e, c_g, a, b, t0 and c_k are the paper's.",
            "Accuracy is that of the network mean, not averaged over agents.",
            "CDSGD's step is 0.2 (the paper's 0.001 learns nothing in so few rounds) and its "
            "momentum 0.3; the method to compare with is DGD with QGD's own schedule.",
        ]


def _run(one: Method, problem: dict[str, Any], size: Length, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "rounds": size.rounds,
        "problem": problem,
        "topology": "w2",
        "algorithm": one.algorithm,
        "codecs": {"mix": one.codec},
        "record": {"every": size.every, "lambda_min": size.rounds},
    }


def _played(results: Results) -> list[Method]:
    return [one for one in METHODS if results.runs(one.series, None, next(iter(SPLITS)))]


def _row(results: Results, group: str, one: Method) -> str:
    runs = results.runs(one.series, None, group)
    names = ("accuracy", "loss", "lambda_min", "grad_norm", "consensus", "payload_bits")
    found = {
        name: float(np.mean([run.last(name) if name in run.table else np.nan for run in runs]))
        for name in names
    }
    cells = [f"{found[name]:.3f}" for name in names[:-1]] + [f"{found['payload_bits'] / 8e6:.1f}"]
    return f"| {group} | {one.series} | {' | '.join(cells)} |"


def _payload(results: Results) -> Claim:
    """Return that each tensor has 32 bits and 12 a parameter, or each parameter a float32."""
    wrong = counted = 0
    for group in SPLITS:
        for one in _played(results):
            sizes = results.experiment(one.series, None, group).problem.tensors()
            last = 32 + WIDTH * sizes[-1]
            # Every tensor but the last fills its last byte up.
            quantized = sum(-(-(32 + WIDTH * size) // 8) * 8 for size in sizes[:-1]) + last
            each = quantized if one is QGD else 32 * sum(sizes)
            for run in results.runs(one.series, None, group):
                counted += 1
                wrong += bool((run.table["payload_bits"] != EDGES * each * run.round).any())
    return exact(
        "every round has the payload of the formula, by the ledger", wrong, counted, "runs"
    )


def _accurate(results: Results) -> list[Claim]:
    """Return that QGD is at least as accurate as what sends floats, but for two points."""
    found = []
    for group in SPLITS:
        mine = [run.last("accuracy") for run in results.runs(QGD.series, None, group)]
        for one in _played(results)[1:]:
            other = [run.last("accuracy") for run in results.runs(one.series, None, group)]
            found.append(
                at_least(
                    f"{group}: accuracy of QGD less that of {one.series}",
                    -0.02,
                    [a - b for a, b in zip(mine, other, strict=True)],
                    "at least 0, but for 2 points",
                )
            )
    return found
