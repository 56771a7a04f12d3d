"""Bo and Wang, PNAS 2024: noise of the right kind leaves the saddle, and exact gradients do not.

The published counts are those of 50 seeds of an independent script. A comparison with them is
Fisher's exact test, two-sided at 10^-3; an ordering is the same test, one-sided at 10^-3. So equal
probabilities are called unequal for at most one choice of the seeds in a thousand.
"""

from __future__ import annotations

import numpy as np
import pytest
from claims.escape import final, play, share

from netopt.reproduce import _shares
from netopt.reproduce.qgd._escapes import (
    BESIDE,
    COARSE,
    DGD,
    EVEN,
    EXACT,
    EXACT_DECAYING,
    FINE,
    MANIFOLD,
    NOT_HELD,
    RANDOM,
    REPORTED,
    SADDLE,
    SETTINGS,
    setting,
)

LOG_2 = float(np.log(2))
ROWS = [one for one in SETTINGS if one.group not in (RANDOM, REPORTED)]


def minutes(test):
    """Mark a test that needs the whole table: some ten minutes of one core."""
    return pytest.mark.slow(pytest.mark.timeout(3600)(test))


@pytest.fixture(scope="module")
def results():
    found = play(ROWS)
    for one, ends in found.items():
        loss = np.median([end.loss for end in ends])
        print(f"{one.group}, {one.series}: {share(ends)}, median loss {loss:.6f}")
    return found


@minutes
@pytest.mark.parametrize("series", [DGD, EXACT, EXACT_DECAYING])
def test_exact_gradients_stay_on_the_stable_manifold(results, series):
    for end in results[setting(series, MANIFOLD)]:
        assert end.mean[0] == -end.mean[1]
        assert 0 <= end.loss - LOG_2 < 1e-6


@minutes
@pytest.mark.parametrize(
    "one", [one for one in ROWS if one.known], ids=lambda one: f"{one.group}, {one.series}"
)
def test_as_many_seeds_escape_as_published(results, one):
    assert _shares.published("", one.known, share(results[one])).held


@minutes
@pytest.mark.parametrize(
    ("group", "most", "least"), [(MANIFOLD, COARSE, FINE), (BESIDE, FINE, NOT_HELD)]
)
def test_coarser_beats_finer_and_holding_beats_not_holding(results, group, most, least):
    counts = [share(results[setting(series, group)]) for series in (most, least)]
    assert _shares.more("", *counts).held


@minutes
def test_from_the_saddle_itself_only_the_odd_grid_moves(results):
    assert set(results[setting(EVEN, SADDLE)]) == {((0.0, 0.0), LOG_2)}
    for series in (FINE, COARSE):
        ends = results[setting(series, SADDLE)]
        assert all(end.mean != (0.0, 0.0) for end in ends)
        assert all(end.loss != LOG_2 for end in ends)


@pytest.mark.parametrize("series", [DGD, EXACT])
def test_from_the_stable_manifold_plain_descent_ends_at_log_2(series):
    end = final(setting(series, MANIFOLD)._replace(rounds=400), seed=1)
    assert end.mean[0] == -end.mean[1]
    assert 0 <= end.loss - LOG_2 < 1e-6


def test_coarse_quantization_leaves_the_stable_manifold():
    ends = [final(setting(COARSE, MANIFOLD)._replace(rounds=300), seed) for seed in range(4)]
    assert share(ends).hits >= 1  # two of these four seeds


def test_even_only_stays_at_the_saddle_for_ever_and_switching_leaves_at_once():
    even = final(setting(EVEN, SADDLE)._replace(rounds=50), seed=1)
    assert even == ((0.0, 0.0), LOG_2)
    odd = final(setting(FINE, SADDLE)._replace(rounds=50), seed=1)
    assert odd.mean != (0.0, 0.0)
    assert odd.loss != LOG_2
