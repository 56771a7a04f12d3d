"""A finding is what the doctor says about one part of the installation."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """One line of the doctor's report; ``cure`` is empty only if the state is 'ok'."""

    name: str
    state: Literal["ok", "warn", "bad"]
    detail: str
    cure: str = ""


class Ended(NamedTuple):
    """A command that ended: exit code and what it wrote; code None means it took too long."""

    code: int | None
    out: str
    err: str

    def reason(self) -> str:
        """Return the one line that says most about a failure."""
        if self.code is None:
            return "no answer in time"
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        return (errors or lines or [f"exit code {self.code}"])[-1]


def execute(
    arguments: Sequence[str], timeout: float, variables: Mapping[str, str] | None = None
) -> Ended:
    """Run a command in a process group of its own, which is ended as a whole after ``timeout`` s.

    ``variables`` are added to the environment. A command that cannot be started has code 127.
    """
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, **(variables or {})},
            start_new_session=True,
            close_fds=False,  # srun talks to its ranks through a descriptor that they inherit
        )
    except OSError as error:
        return Ended(127, "", str(error))
    with process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            return Ended(None, "", "")
    return Ended(process.returncode, out, err)


def _end(process: subprocess.Popen[str]) -> None:
    """End a process group: politely, so that a launcher can end its ranks, then for certain."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, word)
            process.communicate(timeout=2.0)
