"""Progress of a study on a terminal: which case, how many are done, and the time that is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from netopt.reproduce._playing import Job


class Progress:
    """Draws a bar over the rounds of all jobs; silent when standard error is not a terminal."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._rounds = {job.case.name: 0 for job in jobs}
        self._ends = {job.case.name: job.rounds for job in jobs}
        self._bar: Any = None
        self._task: Any = None
        self._wanted = sys.stderr.isatty() and bool(jobs)
        self._last = 0.0

    def see(self, job: Job, rounds: int) -> None:
        """Take note of how many rounds a job has played."""
        name = job.case.name
        self._rounds[name] = rounds
        if not self._wanted or time.monotonic() - self._last < 0.1:
            return
        self._last = time.monotonic()
        if self._bar is None:
            self._open()
        done = sum(self._rounds[n] >= end for n, end in self._ends.items())
        text = f"{done} of {len(self._ends)} runs, now {name}"
        self._bar.update(self._task, completed=sum(self._rounds.values()), now=text)

    def close(self) -> None:
        """Take the bar down."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[now]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("", total=sum(self._ends.values()), now="")
        self._bar.start()
