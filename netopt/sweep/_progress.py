"""Progress of a sweep on a terminal: how many runs are done, and the time that is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from netopt.sweep._grid import Cell

PATIENCE = 0.1
"""Seconds between two pictures."""


class Progress:
    """Draws a bar over the rounds of all runs; silent when standard error is not a terminal."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._ends = {cell.name: int(cell.resolved["rounds"]) for cell in cells}
        self._played = dict.fromkeys(self._ends, 0)
        self._wanted = sys.stderr.isatty() and bool(cells)
        self._bar: Any = None
        self._task: Any = None
        self._last = 0.0

    def see(self, cell: Cell, rounds: int) -> None:
        """Take note of how many rounds a run has played."""
        self._played[cell.name] = rounds
        if not self._wanted or time.monotonic() - self._last < PATIENCE:
            return
        self._last = time.monotonic()
        if self._bar is None:
            self._open()
        done = sum(self._played[name] >= end for name, end in self._ends.items())
        text = f"{done} of {len(self._ends)} runs, now {cell.told or cell.name}"
        self._bar.update(self._task, completed=sum(self._played.values()), now=text)

    def skip(self, cell: Cell) -> None:
        """Take note of a run that will not go on, and take the bar down for what is to be said."""
        self._played[cell.name] = self._ends[cell.name]
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
