"""A tiny study's worth of cases, and ways to play them in a process of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from netopt.reproduce import _playing
from netopt.reproduce._cases import Case

TINY = {
    "rounds": 4,
    "problem": {"id": "quadratic", "dimension": 3},
    "topology": {"id": "star", "size": 3},
    "algorithm": "gd",
    "record": {"every": 2},
}


@pytest.fixture
def case() -> Callable[..., Case]:
    """Return a function that makes a case of gd on two workers, with some keys replaced."""
    return lambda seed=1, series="GD", **changes: Case(series, {**TINY, "seed": seed, **changes})


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function that plays cases in lockstep and returns the names of those it played."""

    def playing(cases: Sequence[Case], watch: Any = lambda job, rounds: None) -> list[str]:
        plan = _playing.plan(cases, tmp_path, "lockstep")
        _playing.play(plan, 1, watch)
        return [job.case.name for job in plan.jobs]

    return playing
