"""What ``bench memory`` measures: a run whose problem holds no data, without the MPI library."""

from __future__ import annotations

from typing import Any, NamedTuple

from netopt import config
from netopt.algorithms import Algorithm
from netopt.config import Experiment
from netopt.errors import ConfigError
from netopt.registry import build

TINY = 64
"""The d of the run whose memory counts as that of the interpreter and its libraries."""


class Case(NamedTuple):
    """One run: a method and a codec as a run file says them, and how many agents and numbers."""

    algorithm: Any
    codec: Any
    agents: int
    d: int
    rounds: int = 3


def experiment_of(case: Case) -> Experiment:
    """Return the case on a ring, or on a star for a method with a hub; each round has a row.

    The problem is a strict saddle, whose gradient makes the vector that it returns and no other.
    Raises ConfigError as a run file does.
    """
    ring = {"id": "ring" if case.agents > 2 else "path", "size": case.agents}
    try:
        return _made(case, ring)
    except ConfigError as error:
        if not str(error).startswith("$.topology"):
            raise
    return _made(case, {"id": "star", "size": case.agents})


def _made(case: Case, topology: dict[str, Any]) -> Experiment:
    channels = build(Algorithm, case.algorithm, "$.algorithm").channels
    return config.make(
        {
            "problem": {"id": "strict-saddle", "dimension": case.d},
            "topology": topology,
            "algorithm": case.algorithm,
            "codecs": {c.name: case.codec for c in channels if not c.telling},
            "rounds": case.rounds,
            "record": {"every": 1},
        }
    )
