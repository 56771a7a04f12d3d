"""Shares against scipy's own tests, and against what their definition says."""

from __future__ import annotations

import math

import pytest
from scipy.stats import binom, binomtest, fisher_exact

from netopt.reproduce import _shares
from netopt.reproduce._shares import Share


@pytest.mark.parametrize(("hits", "of"), [(0, 20), (1, 1), (3, 10), (24, 50), (46, 50), (80, 80)])
def test_an_interval_is_that_of_clopper_and_pearson(hits, of):
    """At its ends, what was seen or more extreme has a chance of 2.5 %."""
    low, high = Share(hits, of).interval()
    known = binomtest(hits, of).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-12)
    assert low == 0 if hits == 0 else binom.sf(hits - 1, of, low) == pytest.approx(0.025)
    assert high == 1 if hits == of else binom.cdf(hits, of, high) == pytest.approx(0.025)


def test_a_share_is_told_and_drawn_with_its_interval():
    found = Share.among([True, False, True, False])
    assert str(found) == "2 of 4 (7 to 93 %)"
    bar = found.bar("a", 3)
    assert (bar.label, bar.value, bar.note, bar.colour) == ("a", 0.5, "2/4", 3)
    assert (bar.low, bar.high) == found.interval()
    assert Share(0, 1).bar("a").low is None, "what was played once has no interval"


def test_none_and_every():
    assert _shares.none("a", Share(0, 5)).held
    assert not _shares.none("a", Share(1, 5)).held
    assert _shares.every("a", Share(5, 5)).held
    assert not _shares.every("a", Share(4, 5)).held
    assert not _shares.every("a", Share(0, 0)).held, "nobody is not everybody"


@pytest.mark.parametrize(("known", "found"), [((24, 50), (20, 50)), ((24, 50), (47, 50))])
def test_a_published_share_is_compared_by_fishers_test(known, found):
    claim = _shares.published("a", Share(*known), Share(*found))
    table = [[known[0], known[1] - known[0]], [found[0], found[1] - found[0]]]
    assert claim.held == (fisher_exact(table).pvalue > 1e-3)
    assert claim.expected == str(Share(*known))


def test_more_often_is_one_sided():
    assert _shares.more("a", Share(46, 50), Share(24, 50)).held
    assert not _shares.more("a", Share(24, 50), Share(46, 50)).held
    assert not _shares.more("a", Share(24, 50), Share(23, 50)).held
    assert math.isclose(_shares._fisher(Share(1, 1), Share(0, 1), "greater"), 0.5)
