"""Runs commands of netopt under a timeout that ends their whole process group."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

FAULTY = Path(__file__).with_name("faulty.py")


class Done(NamedTuple):
    """What a command left: its exit code and what it said."""

    code: int
    out: str
    err: str


def command(words: Sequence[str], timeout: float = 120, **variables: str) -> Done:
    """Run ``words`` in a process group of its own, which is killed when the time is up."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "OMPI_COMM", "PMIX"))}
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    process = subprocess.Popen(
        [str(word) for word in words],
        env=env | root | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        pytest.fail(f"{words} did not end in {timeout} s\n{out}\n{err}")
    return Done(process.returncode, out, err)


def netopt(*words: str | Path, timeout: float = 120, **variables: str) -> Done:
    """Run the netopt command line."""
    return command([sys.executable, "-m", "netopt", *map(str, words)], timeout, **variables)


@pytest.fixture
def run_file(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a run file and returns its path."""

    def write(text: str) -> Path:
        file = tmp_path / "job.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write
