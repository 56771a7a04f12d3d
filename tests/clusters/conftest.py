"""What the tests of clusters share: a small job, commands under a timeout, and what runs leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from netopt import config, engine

LAUNCH = Path(__file__).parents[2] / "launch"
LAUNCHERS = ("PMI_", "PMIX_", "OMPI_COMM", "SLURM_")
"""How variables begin by which a launcher tells its ranks who they are."""
JOB = """\
seed: 3
rounds: 6
problem: {id: quadratic, dimension: 33}
topology: {id: ring, size: 4}
algorithm: dgd
record: {every: 2}
"""
"""Four agents, few rounds."""


class Done(NamedTuple):
    """What a command left: its exit code and what it said."""

    code: int
    out: str
    err: str


def environment(**variables: str) -> dict[str, str]:
    """Return the variables of a process that no launcher has started, with some more."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(LAUNCHERS)}
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return own | root | {"NETOPT_WARNED": "1"} | variables


def begin(words: Sequence[str | Path], env: Mapping[str, str], folder: Path) -> Any:
    """Start a command as the leader of a process group of its own."""
    return subprocess.Popen(
        [str(word) for word in words],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,  # srun would read from it
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: Any, seconds: float = 60) -> Done:
    """Wait for a command that was begun; its whole group is killed when the time is up."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        pytest.fail(f"{process.args} did not end in {seconds} s\n{out}\n{err}")
    return Done(process.returncode, out, err)


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
