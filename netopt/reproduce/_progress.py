"""Progress of many runs on a terminal: which one is played, how many are done, the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

PATIENCE = 0.1
"""Seconds between two pictures."""


class Progress:
    """Draws a bar over the rounds of all runs; silent when standard error is not a terminal.

    ``ends`` are the rounds of each run, by name.
    """

    def __init__(self, ends: Mapping[str, int]) -> None:
        self._ends = ends
        self._played = dict.fromkeys(ends, 0)
        self._bar: Any = None
        self._task: Any = None
        self._wanted = sys.stderr.isatty() and bool(ends)
        self._last = 0.0

    def see(self, name: str, rounds: int, told: str = "") -> None:
        """Take note of how many rounds a run has played; ``told`` is what to call it."""
        self._played[name] = rounds
        if not self._wanted or time.monotonic() - self._last < PATIENCE:
            return
        self._last = time.monotonic()
        if self._bar is None:
            self._open()
        done = sum(self._played[n] >= end for n, end in self._ends.items())
        text = f"{done} of {len(self._ends)} runs, now {told or name}"
        self._bar.update(self._task, completed=sum(self._played.values()), now=text)

    def skip(self, name: str) -> None:
        """Take note of a run that will not go on, and take the bar down for what is to be said."""
        self._played[name] = self._ends[name]
        self.close()

    def close(self) -> None:
        """Take the bar down; it comes back if there is more to see."""
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
