"""Starts a benchmark's own program on MPI ranks and hands on what its root prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from netopt import launcher
from netopt.errors import ConfigError

Row = dict[str, Any]


def printed_by(module: str, told: object, ranks: int, count: int) -> Iterator[Row]:
    """Start ``module`` under mpirun and yield the ``count`` JSON rows that its root prints.

    ``told`` goes to every rank as JSON, in its only argument. ConfigError if mpirun fails.
    """
    words, variables = launcher.command(ranks, [json.dumps(told)])
    words[words.index("netopt.worker")] = module
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            words,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process only, which ends the ranks
        )
        assert process.stdout is not None
        previous = signal.signal(signal.SIGTERM, _as_interrupt)
        done = 0
        try:
            with process.stdout as lines:
                for line in lines:
                    if line.startswith("{"):
                        yield json.loads(line)
                        done += 1
            code = process.wait()
        finally:
            signal.signal(signal.SIGTERM, previous)
            launcher.end_group(process)
        if code or done < count:
            raise ConfigError(f"mpirun ended with exit code {code}: {_reason(said)}")


def _as_interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _reason(said: IO[str]) -> str:
    """Return the first line of an error that a rank tells, or the first line of all."""
    said.seek(0)
    lines = [line.strip() for line in said if line.strip()]
    ours = [line.removeprefix(launcher.MARK).strip() for line in lines if launcher.MARK in line]
    return (ours or lines or ["it said nothing"])[0]
