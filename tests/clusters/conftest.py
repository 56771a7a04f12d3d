"""What the tests of clusters share: a small job, commands under a timeout, and what runs leave."""

from __future__ import annotations

import json
from pathlib import Path

import commands
import pytest
from commands import Done, begin, finish

from netopt import config, engine

__all__ = ["Done", "begin", "finish"]

LAUNCH = Path(__file__).parents[2] / "launch"
JOB = """\
seed: 3
rounds: 6
problem: {id: quadratic, dimension: 33}
topology: {id: ring, size: 4}
algorithm: dgd
record: {every: 2}
"""
"""Four agents, few rounds."""


def environment(**variables: str) -> dict[str, str]:
    """Return the variables of a process that no launcher has started; it has been warned."""
    return commands.environment(NETOPT_WARNED="1", **variables)


def left(directory: Path) -> tuple[list[str], str]:
    """Return the metrics of a run without their seconds, and its edges."""
    lines = (directory / "metrics.jsonl").read_text().splitlines()
    rows = [json.dumps({**json.loads(line), "seconds": 0}) for line in lines]
    return rows, (directory / "edges.csv").read_text()


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Return a run file for four agents, in a folder of its own."""
    file = tmp_path / "job.yaml"
    file.write_text(JOB, encoding="utf-8")
    return file


@pytest.fixture
def expected(job: Path, tmp_path: Path) -> tuple[list[str], str]:
    """Return what the job leaves when all agents are played in one process."""
    directory = tmp_path / "lockstep"
    engine.lockstep(config.make(config.read(job, ())), directory)
    return left(directory)
