"""Statistics know the mean of some values and how far it can be trusted."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from netopt.report.reading import Column

LEVEL = 0.95
"""Share of all intervals that hold the true mean, if the values are normal and independent."""


class Interval(NamedTuple):
    """Mean, standard deviation (n - 1 in its denominator) and confidence interval of n values.

    NaN is what cannot be known: all but n if n = 0, all but the mean if n = 1.
    """

    n: int
    mean: float
    deviation: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Return half the width of the confidence interval."""
        return (self.high - self.low) / 2


class Band(NamedTuple):
    """Mean and confidence interval at each of some places, arrays of one shape."""

    mean: Column
    low: Column
    high: Column


def quantile(n: int) -> float:
    """Return by how many standard errors the mean of n values may be off, by Student's t.

    >>> round(quantile(10), 3)
    2.262
    """
    from scipy.special import stdtrit  # late: it takes a while

    return float(stdtrit(n - 1, (1 + LEVEL) / 2)) if n > 1 else math.nan


def interval(values: Column) -> Interval:
    """Return the statistics of the values that are finite, shape (n,)."""
    kept = values[np.isfinite(values)]
    n = len(kept)
    if n == 0:
        return Interval(0, math.nan, math.nan, math.nan, math.nan)
    mean = float(np.mean(kept))
    deviation = float(np.std(kept, ddof=1)) if n > 1 else math.nan
    half = quantile(n) * deviation / math.sqrt(n)
    return Interval(n, mean, deviation, mean - half, mean + half)


def band(values: Column) -> Band:
    """Return the statistics of each column of values, shape (n, places); NaN where one value is."""
    n = len(values)
    mean = values.mean(axis=0)
    half = quantile(n) * values.std(axis=0, ddof=1) / math.sqrt(n) if n > 1 else mean * math.nan
    return Band(mean, mean - half, mean + half)
