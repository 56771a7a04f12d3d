"""Run directories that the tests of the reports read; each is made once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netopt import config
from netopt.engine import lockstep
from netopt.report import mpi
from netopt.report.finding import Ended

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
"""Variables by which launchers tell a rank how many there are."""
BASE: dict[str, Any] = {
    "problem": "quadratic",
    "topology": "ring-5",
    "algorithm": "qgd",
    "rounds": 40,
    "seed": 3,
    "record": {"every": 10, "frames": 12},
}


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the directories of some runs, by name."""
    folder = tmp_path_factory.mktemp("runs")
    changes: dict[str, dict[str, Any]] = {
        "qgd": {},
        "dgd": {"algorithm": "dgd", "codecs": {"mix": {"id": "raw", "dtype": "float32"}}},
        "tracking": {
            "algorithm": "gradient-tracking",
            "codecs": {"mix": {"id": "qsgd", "levels": 7}},
        },
        "star": {
            "algorithm": "diana-plus",
            "topology": {"id": "star", "size": 3},
            "codecs": {"up": "varying-steps"},
            "rounds": 10,
        },
        "logistic": {
            "problem": {"id": "logistic", "data": "breast-cancer"},
            "rounds": 20,
            "record": {"every": 10},
        },
        "wired": {
            "topology": {"id": "ring", "size": 5, "link": {"rate": "1 Mbit/s", "loss": 0.2}},
            "network": {"compute": {"id": "fixed", "seconds": "2 ms"}},
            "rounds": 10,
        },
        "dropping": {
            "topology": {"id": "ring", "size": 5, "link": {"loss": 0.2, "on_loss": "drop"}},
            "network": {"clock": "virtual", "compute": {"id": "fixed", "seconds": "2 ms"}},
            "algorithm": "dgd",
            "rounds": 10,
        },
    }
    for name, change in changes.items():
        lockstep(config.make({**BASE, **change}), folder / name)
    return {name: folder / name for name in changes}


@pytest.fixture
def copy(runs: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies a run to a folder that a test may spoil."""
    return lambda name: Path(shutil.copytree(runs[name], tmp_path / name))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes every command end with given words."""

    def answer(code: int = 0, out: str = "", err: str = "") -> None:
        monkeypatch.setattr(mpi, "execute", lambda *_: Ended(code, out, err))

    return answer


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets variables, with none that a launcher would set."""
    slurms = [name for name in os.environ if name.startswith("SLURM_")]
    for name in (*mpi.INSIDE, *mpi.ROOT, *SIZES, *slurms, "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)

    def set_all(**names: str) -> None:
        for name, value in names.items():
            monkeypatch.setenv(name, value)

    return set_all
