"""What all tests share: a small experiment and the rows of a run, without their timings."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from netopt import config, registry
from netopt.config import Experiment
from netopt.engine import Outcome, lockstep

sys.path.append(str(Path(__file__).parent))  # so that any test can import laws.py
# How long an example takes depends on what else runs; hangs are ended by pytest-timeout.
settings.register_profile("netopt", deadline=None)
settings.load_profile("netopt")

Make = Callable[..., Experiment]
SERIAL = ("mpi", "bench")
"""Folders whose tests need the cores for themselves."""
SMALL = {"problem": "quadratic", "topology": "ring-5", "algorithm": "dgd", "rounds": 20, "seed": 1}


@pytest.hookimpl(tryfirst=True)  # before pytest picks by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of some folders as serial."""
    for item in items:
        if item.path.parent.name in SERIAL:
            item.add_marker(pytest.mark.serial)


@pytest.fixture
def make() -> Make:
    """Return a function that makes a small experiment with some keys of its run file replaced."""
    return lambda **changes: config.make({**SMALL, **changes})


@pytest.fixture
def play(make: Make) -> Callable[..., Outcome]:
    """Return a function that plays such an experiment in lockstep."""
    return lambda **changes: lockstep(make(**changes), None)


@pytest.fixture
def rows(play: Callable[..., Outcome]) -> Callable[..., list[dict[str, Any]]]:
    """Return a function that gives the rows of such a run, less the seconds they took."""
    return lambda **changes: [{**row, "seconds": 0} for row in play(**changes).rows]


@pytest.fixture
def private_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget afterwards the components that a test registers."""
    monkeypatch.setattr(registry, "_known", copy.deepcopy(registry._known))
