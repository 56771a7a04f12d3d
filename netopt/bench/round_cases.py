"""What ``bench round`` measures: methods, codecs and sizes, without the MPI library."""

from __future__ import annotations

from typing import Any, NamedTuple

from netopt import config
from netopt.bench.round_rivals import Linear
from netopt.config import Experiment

RANKS = 8
ROUNDS = {100: 400, 10_000: 100, 1_000_000: 4}
"""Rounds of one repetition, for each d."""
QUICK_ROUNDS = {100: 150, 10_000: 40}
REPEATS, QUICK_REPEATS = 7, 5
METHODS = {
    "gradient-tracking": ("raw float64", "qsgd 4 bit"),
    "qgd": ("raw float64", "switching 4 bit"),
}
CODECS: dict[str, Any] = {
    "raw float64": "raw",
    "qsgd 4 bit": {"id": "qsgd", "levels": 7},
    "switching 4 bit": {"id": "switching", "levels": 7},
}


class Case(NamedTuple):
    """One row: a method and a codec, by their names here, and how often what is timed."""

    algorithm: str
    codec: str
    ranks: int
    d: int
    rounds: int
    repeats: int


def experiment_of(case: Case) -> Experiment:
    """Return the case as an experiment on a ring, with a gradient that costs nothing."""
    made = config.make(
        {
            "problem": {"id": "quadratic", "dimension": case.d},
            "topology": {"id": "ring", "size": case.ranks},
            "algorithm": case.algorithm,
            "codecs": {"mix": CODECS[case.codec]},
        }
    )
    problem = Linear()
    problem.d = case.d
    problem.prepare(case.ranks, made.options.seed)
    return made._replace(problem=problem)


def cases(quick: bool, ranks: int = RANKS) -> list[Case]:
    """Return what is measured, the fastest first."""
    rounds, repeats = (QUICK_ROUNDS, QUICK_REPEATS) if quick else (ROUNDS, REPEATS)
    return [
        Case(algorithm, codec, ranks, d, rounds[d], repeats)
        for d in rounds
        for algorithm, codecs in METHODS.items()
        for codec in codecs
    ]
