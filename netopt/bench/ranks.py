"""Starts a benchmark's own program on MPI ranks and hands on what it prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from netopt import launcher
from netopt.errors import ConfigError

Row = dict[str, Any]
Command = tuple[list[str], dict[str, str]]
Start = Callable[[int, Sequence[str]], Command]
"""Makes the command, and the variables that it needs, of a number of ranks and their program."""


def command(ranks: int, program: Sequence[str]) -> Command:
    """Return the words and variables that start ``program`` on MPI ranks of this machine."""
    words, variables = launcher.command(ranks, ())
    return [*words[: words.index("-m") - 1], *program], variables


def printed_by(
    module: str, told: object, ranks: int, count: int, command: Start = command
) -> Iterator[Row]:
    """Start ``module`` under mpirun and yield the ``count`` JSON rows that its ranks print.

    ``told`` goes to every rank as JSON, in its only argument; ``command`` says where the ranks are.
    ConfigError if mpirun fails.
    """
    words, variables = command(ranks, [sys.executable, "-m", module, json.dumps(told)])
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
