"""Commands that tests start, in a process group that is killed if they take too long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

LAUNCHERS = ("PMI_", "PMIX_", "OMPI_COMM", "SLURM_")
"""How variables begin by which a launcher tells its ranks who they are."""
Word = str | Path


class Done(NamedTuple):
    """What a command left: its exit code and what it said."""

    code: int
    out: str
    err: str


def environment(**variables: str) -> dict[str, str]:
    """Return the variables of a process that no launcher has started, with some more."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(LAUNCHERS)}
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return own | root | variables


def begin(words: Sequence[Word], env: Mapping[str, str], folder: Path | None = None) -> Any:
    """Start a command as the leader of a process group of its own, which heeds Ctrl-C."""
    return subprocess.Popen(
        [str(word) for word in words],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,  # srun would read from it
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background job ignores the signal, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def finish(process: Any, seconds: float = 120) -> Done:
    """Wait for a command that was begun; its whole group is killed when the time is up."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        pytest.fail(f"{process.args} did not end in {seconds} s\n{out}\n{err}")
    return Done(process.returncode, out, err)


def command(words: Sequence[Word], timeout: float = 120, **variables: str) -> Done:
    """Run a command to its end."""
    return finish(begin(words, environment(**variables)), timeout)


def netopt(*words: Word, timeout: float = 120, **variables: str) -> Done:
    """Run the netopt command line."""
    return command([sys.executable, "-m", "netopt", *words], timeout, **variables)


def interrupted(out: Path, *words: Word, **variables: str) -> Done:
    """Run the netopt command line, which writes to ``out``, and press Ctrl-C at its first row."""
    words = (sys.executable, "-m", "netopt", *words, "--out", out)
    process = begin(words, environment(**variables))
    metrics, end = out / "metrics.jsonl", time.monotonic() + 60
    while not (metrics.exists() and metrics.stat().st_size) and process.poll() is None:
        if time.monotonic() > end:
            finish(process, 0)
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    return finish(process, 30)
