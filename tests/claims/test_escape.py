"""Bo and Wang, PNAS 2024: noise of the right kind leaves the saddle, and exact gradients do not.

The published counts are those of 50 seeds of an independent script. A comparison with them is
Fisher's exact test, two-sided at 10^-3; an ordering is the same test, one-sided at 10^-3. So equal
probabilities are called unequal for at most one choice of the seeds in a thousand.
"""

from __future__ import annotations

import numpy as np
import pytest
from claims.escape import CASES, escapes, final, play, table
from scipy.stats import fisher_exact

LOG_2 = float(np.log(2))
FALSE_ALARM = 1e-3


def minutes(test):
    """Mark a test that needs the whole table: fifteen minutes of one core."""
    return pytest.mark.slow(pytest.mark.timeout(3600)(test))


def counts(ends):
    """Escaped and not escaped, a row of a 2 x 2 table."""
    return [escapes(ends), len(ends) - escapes(ends)]


@pytest.fixture(scope="module")
def results():
    found = play(list(CASES))
    print("", *table(found), sep="\n")
    return found


@minutes
@pytest.mark.parametrize("name", ["plain", "plain, not held"])
def test_exact_gradients_stay_on_the_stable_manifold(results, name):
    for end in results[name]:
        assert end.mean[0] == -end.mean[1]
        assert 0 <= end.loss - LOG_2 < 1e-6


@minutes
@pytest.mark.parametrize(("name", "published"), [("l = 2", 46), ("l = 10", 24)])
def test_as_many_seeds_escape_as_published(results, name, published):
    ours = counts(results[name])
    assert fisher_exact([ours, [published, 50 - published]]).pvalue > FALSE_ALARM


@minutes
@pytest.mark.parametrize(("more", "less"), [("l = 2", "l = 10"), ("held", "not held")])
def test_coarser_beats_finer_and_holding_beats_not_holding(results, more, less):
    odds = [counts(results[more]), counts(results[less])]
    assert fisher_exact(odds, alternative="greater").pvalue < FALSE_ALARM


@minutes
def test_from_the_saddle_itself_only_the_odd_grid_moves(results):
    assert set(results["even only, from 0"]) == {((0.0, 0.0), LOG_2)}
    for name in ("l = 10, from 0", "l = 2, from 0"):
        assert all(end.mean != (0.0, 0.0) for end in results[name])
        assert all(end.loss != LOG_2 for end in results[name])


def test_from_the_stable_manifold_plain_descent_ends_at_log_2():
    end = final(CASES["plain"]._replace(rounds=400), seed=1)
    assert end.mean[0] == -end.mean[1]
    assert 0 < end.loss - LOG_2 < 1e-6


def test_coarse_quantization_leaves_the_stable_manifold():
    ends = [final(CASES["l = 2"]._replace(rounds=300), seed) for seed in range(4)]
    assert escapes(ends) >= 1  # two of these four seeds


def test_even_only_stays_at_the_saddle_for_ever_and_switching_leaves_at_once():
    even = final(CASES["even only, from 0"]._replace(rounds=50), seed=1)
    assert even == ((0.0, 0.0), LOG_2)
    odd = final(CASES["l = 10, from 0"]._replace(rounds=50), seed=1)
    assert odd.mean != (0.0, 0.0)
    assert odd.loss != LOG_2
