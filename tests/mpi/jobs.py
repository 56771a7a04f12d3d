"""Several run files in few starts of mpirun, and what of their leavings has to equal lockstep's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from netopt import config, engine, launcher
from netopt.topologies import load

from .conftest import command


def play(folder: Path, jobs: Mapping[str, Mapping[str, Any]]) -> None:
    """Play jobs over MPI, those of the same number of agents in one start; fail if one does."""
    waiting: dict[int, list[str]] = {}
    for name, job in jobs.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(dict(job)), encoding="utf-8")
        waiting.setdefault(load(job["topology"]).size, []).append(name)
    for ranks, names in waiting.items():
        start(folder, ranks, names)


def start(folder: Path, ranks: int, names: Sequence[str]) -> None:
    """Play the run files of these names, which lie in ``folder``, one after another."""
    words = [str(path) for name in names for path in (folder / f"{name}.yaml", folder / name)]
    arguments, variables = launcher.command(ranks, ["mpi", *words])
    player = ["netopt.reproduce._player" if w == "netopt.worker" else w for w in arguments]
    done = command(player, timeout=240, **variables)
    if done.code:
        pytest.fail(done.err)


def rows(directory: Path) -> list[dict[str, Any]]:
    """Return the rows of a run, without wall seconds."""
    lines = (directory / "metrics.jsonl").read_text().splitlines()
    return [{**json.loads(line), "seconds": 0} for line in lines]


def edges(directory: Path) -> list[dict[str, int]]:
    """Return the rows of a run's edges.csv."""
    names, *lines = (directory / "edges.csv").read_text().split()
    return [dict(zip(names.split(","), map(int, line.split(",")), strict=True)) for line in lines]


def assert_equals_lockstep(mpi: Path, lockstep: Path) -> None:
    """Play the run file of a run over MPI in this process and compare all that they leave."""
    engine.lockstep(
        config.make(config.read(mpi / "run.yaml", ["network.driver=lockstep"])), lockstep
    )
    for folder in (mpi, lockstep):
        assert json.loads((folder / "summary.json").read_text())["sent_equals_received"]
    assert rows(mpi) == rows(lockstep)
    for name in ("edges.csv", "frames.jsonl"):
        assert (mpi / name).read_text() == (lockstep / name).read_text()
