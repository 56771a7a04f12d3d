"""Progress on a terminal: one line for runs that take longer than two seconds, else nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

PATIENCE = 2.0
"""Seconds before the first sign: a short run shows its result soon enough."""


class Progress:
    """Draws a bar from metrics rows; silent when standard error is not a terminal."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._began = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self._wanted = sys.stderr.isatty()

    def see(self, row: Mapping[str, Any]) -> None:
        """Take note of a row of metrics.jsonl."""
        if not self._wanted or time.monotonic() - self._began < PATIENCE:
            return
        if self._bar is None:
            self._open()
        self._bar.update(self._task, completed=row["round"], loss=told(row))

    def close(self) -> None:
        """Take the bar down."""
        if self._bar is not None:
            self._bar.stop()

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("round"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("", total=self._rounds, loss="")
        self._bar.start()


def told(row: Mapping[str, Any]) -> str:
    """Return what the line says of a row: the loss, and emulated seconds if there is a clock.

    >>> told({"loss": 0.25, "emulated_seconds": None})
    'loss 0.25'
    >>> told({"loss": 0.25, "emulated_seconds": 1.5})
    'loss 0.25, 1.5 s emulated'
    """
    emulated = row.get("emulated_seconds")
    return f"loss {row['loss']:.6g}" + ("" if emulated is None else f", {emulated:.4g} s emulated")
