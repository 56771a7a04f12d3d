"""Claims know what a paper says, what came out here, and whether the two agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Claim(NamedTuple):
    """One statement: ``expected`` and ``measured`` are numbers or words, ``spread`` a number.

    ``spread`` is the standard deviation of what was measured over the seeds, None if there is
    nothing to vary. ``held`` says whether the two agree; a claim that is not held is a finding.
    """

    claim: str
    expected: float | str
    measured: float | str
    spread: float | None
    held: bool

    def row(self) -> dict[str, Any]:
        """Return the claim for JSON: numbers that JSON does not know become words."""
        values = self._asdict()
        for name in ("expected", "measured"):
            if isinstance(values[name], float) and not np.isfinite(values[name]):
                values[name] = str(values[name])
        return values


def spread(values: Sequence[float]) -> float | None:
    """Return the standard deviation of some values; None of one alone or if one is not finite."""
    if len(values) < 2 or not np.all(np.isfinite(values)):
        return None
    return float(np.std(values, ddof=1))


def near(claim: str, expected: float, values: Sequence[float], within: float) -> Claim:
    """Claim that the geometric mean of positive values is ``expected``, but for ``within`` of it.

    ``within`` is relative: 0.01 is one per cent.
    """
    measured = float(np.exp(np.mean(np.log(values))))
    held = abs(measured - expected) <= within * expected
    return Claim(claim, expected, measured, spread(values), bool(held))


def at_most(claim: str, bound: float, values: Sequence[float], said: str = "") -> Claim:
    """Claim that the mean of values is at most ``bound``; ``said`` puts the bound into words."""
    measured = float(np.mean(values))
    text = said or f"<= {bound:.4g}"
    return Claim(claim, text, measured, spread(values), bool(measured <= bound))


def at_least(claim: str, bound: float, values: Sequence[float], said: str = "") -> Claim:
    """Claim that the mean of values is at least ``bound``; ``said`` puts the bound into words."""
    measured = float(np.mean(values))
    text = said or f">= {bound:.4g}"
    return Claim(claim, text, measured, spread(values), bool(measured >= bound))


def median(claim: str, low: float, high: float, values: Sequence[float]) -> Claim:
    """Claim that the median of values is between ``low`` and ``high``."""
    measured = float(np.median(values))
    text = f"{low:.4g} to {high:.4g}"
    return Claim(claim, text, measured, spread(values), bool(low <= measured <= high))


def exact(claim: str, wrong: int, counted: int, what: str) -> Claim:
    """Claim that of the ``counted`` things called ``what`` none is ``wrong``."""
    return Claim(claim, f"0 {what} differ", f"{wrong} of {counted} differ", None, wrong == 0)
