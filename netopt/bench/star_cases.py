"""What ``bench star`` measures: one problem and the methods side by side, without the MPI library.

The problem is logistic regression with the preparation of Wang, Safaryan and Richtarik (NeurIPS
2022): rows scaled by their largest entry and sorted by norm, equal parts, no intercept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from netopt import config
from netopt.algorithms import Algorithm
from netopt.codecs import Codec
from netopt.config import Experiment
from netopt.registry import build

DEFAULT = "gaussian"
SHAPE = {"rows": 1000, "dimension": 60}
"""Drawn data have splice's size; whose values the entries are does not matter to the clock."""
WORKERS = {"a8a": 8, "w8a": 8}
"""n of the published experiments, by the file's name; 4 for all other data."""
ROUNDS, QUICK_ROUNDS = 500, 100
REPEATS, QUICK_REPEATS = 9, 3


class Method(NamedTuple):
    """A row: its name, the algorithm's id and the codec of the messages to the hub."""

    name: str
    algorithm: str
    codec: str


BASE, PLUS = "GD", "DIANA+"
METHODS = (
    Method(BASE, "gd", "raw"),
    Method("DIANA", "diana", "dithering"),
    Method(PLUS, "diana-plus", "varying-steps"),
    Method("DIANA+ sparse", "diana-plus", "rand-tau"),
)


class Case(NamedTuple):
    """What is measured: the data, n workers, whether the hub is one of them, and how often what.

    ``pinned`` says whether each rank is kept on one core.
    """

    data: str = DEFAULT
    workers: int = 4
    hub_works: bool = False
    rounds: int = ROUNDS
    repeats: int = REPEATS
    pinned: bool = True

    @property
    def ranks(self) -> int:
        """Return the number of agents: the workers, and the hub if it does not work."""
        return self.workers + (0 if self.hub_works else 1)


def case_of(
    data: str | None, workers: int | None, hub_works: bool, rounds: int | None, quick: bool
) -> Case:
    """Return what the user asks for; None stands for what this benchmark takes by itself.

    >>> case_of("libsvm:data/w8a", None, False, None, quick=True)[:4]
    ('libsvm:data/w8a', 8, False, 100)
    """
    name = data or DEFAULT
    n = workers or WORKERS.get(Path(name.rpartition(":")[2]).stem, 4)
    length = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    return Case(name, n, hub_works, length, QUICK_REPEATS if quick else REPEATS)


def experiments(case: Case) -> dict[str, Experiment]:
    """Return each method's experiment, by its name; all share one problem, which is made once.

    Raises ConfigError for data that do not exist, and for workers that are too many for them.
    """
    first = METHODS[0]
    made = config.make(
        {
            "seed": 1,
            "rounds": case.rounds,
            "problem": {"id": "logistic", "data": case.data, **_preparation(), **SHAPE},
            "topology": {"id": "star", "size": case.ranks},
            "algorithm": {"id": first.algorithm, "hub_works": case.hub_works},
        }
    )
    return {method.name: _with(made, method, case) for method in METHODS}


def _preparation() -> dict[str, Any]:
    return {
        "scale": "row-max",
        "equal": True,
        "split": "sorted-by-norm",
        "intercept": False,
        "test_fraction": 0.0,
        "l2": 1e-3,
    }


def _with(made: Experiment, method: Method, case: Case) -> Experiment:
    """Return the experiment with another algorithm and codec."""
    algorithm = build(Algorithm, {"id": method.algorithm, "hub_works": case.hub_works})
    codecs = tuple(
        build(Codec, method.codec if channel.name == "up" else channel.default)
        for channel in algorithm.channels
    )
    algorithm.review(made.topology, made.problem, codecs)
    return made._replace(algorithm=algorithm, codecs=codecs)
