"""Means and confidence intervals against scipy, and how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from netopt.sweep import _statistics


@pytest.mark.parametrize("n", [2, 3, 10, 50])
def test_the_interval_is_students(n):
    values = np.random.default_rng(n).normal(3.0, 2.0, n)
    found = _statistics.interval(values)
    low, high = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert found[:3] == (n, pytest.approx(values.mean()), pytest.approx(values.std(ddof=1)))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.half == pytest.approx((high - low) / 2)


def test_the_interval_holds_the_mean_in_95_of_100_cases():
    """20 000 samples of five: the share is within 5 standard errors of 0.95 (1e-6 false alarms)."""
    rng = np.random.default_rng(1)
    found = [_statistics.interval(row) for row in rng.normal(size=(20_000, 5))]
    share = np.mean([one.low <= 0 <= one.high for one in found])
    assert abs(share - 0.95) < 5 * math.sqrt(0.95 * 0.05 / 20_000)


def test_what_cannot_be_known_is_nan():
    alone = _statistics.interval(np.array([2.0, np.nan]))
    assert alone[:2] == (1, 2.0)
    assert all(map(math.isnan, alone[2:]))
    nothing = _statistics.interval(np.array([np.nan, np.inf]))
    assert nothing.n == 0
    assert all(map(math.isnan, nothing[1:]))


def test_a_band_is_an_interval_at_each_place():
    values = np.random.default_rng(2).normal(size=(7, 4))
    found = _statistics.band(values)
    for place in range(4):
        one = _statistics.interval(values[:, place])
        here = (found.mean[place], found.low[place], found.high[place])
        assert here == pytest.approx((one.mean, one.low, one.high))
    assert np.isnan(_statistics.band(values[:1]).low).all()
