"""Cases know what is to be played: one run file each, with its place in the figure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple


class Request(NamedTuple):
    """What the user asks of a study: ``data`` (None: its own), and whether a ``quick`` version."""

    data: str | None = None
    quick: bool = False


class Case(NamedTuple):
    """One run of a study: ``run`` is its run file, with the seed in it.

    Cases with the same ``group`` (which problem), ``series`` (which method, the label in the
    figure) and ``at`` (the place in a sweep, such as bits a dimension; None outside one) differ
    only by their seed, and are averaged. ``driver`` "lockstep" has the case played without MPI,
    many in a process, whatever the user asks for: that is for many short seeded runs.
    """

    series: str
    run: Mapping[str, Any]
    at: float | None = None
    group: str = ""
    driver: Literal["lockstep"] | None = None

    @property
    def seed(self) -> int:
        """Return the run's seed."""
        return int(self.run["seed"])

    @property
    def key(self) -> tuple[str, str, float | None]:
        """Return what the cases have in common that are averaged."""
        return self.group, self.series, self.at

    @property
    def name(self) -> str:
        """Return the name of the run directory.

        >>> Case("DQ-GD, E8", {"seed": 2}, 3.5).name
        'dq-gd-e8-at-3.5-seed-2'
        """
        place = "" if self.at is None else f" at {self.at:g}"
        text = f"{self.group} {self.series}{place} seed {self.seed}".lower().replace("+", "-plus")
        return re.sub(r"[^a-z0-9.]+", "-", text).strip("-")
