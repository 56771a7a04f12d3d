"""Crossings: when a run has come to an error, and from when on one curve is below another."""

from __future__ import annotations

import numpy as np

from netopt.report.reading import Column
from netopt.reproduce._curves import LEAST, Run

Points = tuple[Column, Column]
"""Seconds and errors of a curve, shape (rows,) each."""


def emulated_to(run: Run, target: float) -> float:
    """Return the seconds of the run's clock at which the error is at most ``target``; inf if never.

    They are those of the first recorded row; NaN if the run had no clock.
    """
    reached = np.flatnonzero(run.error <= target)
    return float(run.table["emulated_seconds"][reached[0]]) if len(reached) else float("inf")


def passes(base: Points, other: Points, floor: float = 1e-12) -> float | None:
    """Return the seconds from which on ``other`` has the smaller error; None if ``base`` stays so.

    Errors are taken as straight on a logarithmic axis between two rows. What is compared ends with
    the shorter curve, or where one is at ``floor``: below is rounding.
    """
    ends = [seconds[_last_above(error, floor)] for seconds, error in (base, other)]
    grid = np.union1d(base[0], other[0])
    grid = grid[grid <= min(ends)]
    below, above = (
        np.interp(grid, seconds, np.log(np.maximum(error, LEAST)))
        for seconds, error in (other, base)
    )
    ahead = above - below
    behind = np.flatnonzero(~(ahead > 0))
    if not len(behind) or not len(grid):
        return 0.0 if len(grid) else None
    k = int(behind[-1])
    if k == len(grid) - 1:
        return None
    share = ahead[k] / (ahead[k] - ahead[k + 1])
    return float(grid[k] + share * (grid[k + 1] - grid[k]))


def _last_above(error: Column, floor: float) -> int:
    """Return the last row before the error is at most ``floor``; the last one if it never is."""
    reached = np.flatnonzero(error <= floor)
    return max(0, int(reached[0]) - 1) if len(reached) else len(error) - 1
