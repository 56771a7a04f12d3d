"""What chance has for a frame: losses, resent copies and jitter have the promised frequencies.

All draws are seeded; were they not, all tests of this file together would fail a sound generator
with a probability below 1e-6.
"""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy.stats import binom

from netopt.keys import Key, Purpose
from netopt.links import Link
from netopt.links.queue import CERTAIN, fate

DRAWS = 10_000
ALARM = 1e-9
"""Of each of some hundred tails."""


def keys(seed=7, count=DRAWS):
    """Return the keys of an edge's frames in so many rounds."""
    return [Key(seed, Purpose.LINK, k, 0, 3, 5) for k in range(count)]


def fits(count, share, draws=DRAWS):
    """Whether ``count`` of ``draws`` is what an event of probability ``share`` may have."""
    low, high = binom.ppf(ALARM, draws, share), binom.isf(ALARM, draws, share)
    return low <= count <= high


@pytest.mark.parametrize("loss", [0.01, 0.1, 0.5, 0.9])
def test_resent_copies_are_geometric(loss):
    link = Link(loss=loss)
    resent = np.array([fate(link, key).resent for key in keys()])
    for n in range(12):
        assert fits(np.count_nonzero(resent == n), (1 - loss) * loss**n), n
    assert fits(np.count_nonzero(resent >= 12), loss**12)


@pytest.mark.parametrize("loss", [0.01, 0.1, 0.5, 0.99])
def test_dropped_frames_are_bernoulli_and_never_resent(loss):
    link = Link(loss=loss, on_loss="drop")
    fates = [fate(link, key) for key in keys()]
    assert fits(sum(f.lost for f in fates), loss)
    assert {f.resent for f in fates} == {0}


def test_a_reliable_link_loses_nothing_however_often_it_takes():
    resent = [fate(Link(loss=0.99), key) for key in keys(count=2000)]
    assert not any(f.lost for f in resent)
    assert max(f.resent for f in resent) > 200, "more than are drawn at first"
    assert all(0 <= f.resent < 2500 for f in resent), "0.99^2500 is 1e-11"


def test_jitter_is_uniform_from_zero_to_the_option():
    found = np.sort([fate(Link(jitter="3 ms"), key).jitter for key in keys()]) / 3e-3
    assert found[0] >= 0
    assert found[-1] < 1
    # Dvoretzky, Kiefer and Wolfowitz's bound on the distance of distribution functions.
    steps = np.arange(1, DRAWS + 1) / DRAWS
    assert np.abs(found - steps).max() <= math.sqrt(math.log(2 / ALARM) / (2 * DRAWS)) + 1 / DRAWS


def test_jitter_and_loss_are_independent():
    fates = [fate(Link(loss=0.3, jitter=1), key) for key in keys()]
    late = sum(f.jitter < 0.5 and f.resent > 0 for f in fates)
    assert fits(late, 0.5 * 0.3)


@pytest.mark.parametrize("place", ["round", "exchange", "sender", "receiver", "seed"])
def test_frames_of_another_round_edge_or_seed_fare_independently(place):
    link = Link(loss=0.3, on_loss="drop")
    evens = [key._replace(round=2 * key.round) for key in keys()]
    others = [key._replace(**{place: getattr(key, place) + 1}) for key in evens]
    both = sum(
        fate(link, a).lost and fate(link, b).lost for a, b in zip(evens, others, strict=True)
    )
    assert fits(both, 0.09)


def test_the_two_directions_of_an_edge_fare_independently():
    link = Link(loss=0.3, on_loss="drop")
    both = sum(
        fate(link, key).lost and fate(link, key._replace(sender=5, receiver=3)).lost
        for key in keys()
    )
    assert fits(both, 0.09)


@pytest.mark.parametrize("on_loss", ["reliable", "drop"])
def test_a_fate_depends_on_nothing_but_its_frame(on_loss):
    link = Link(loss=0.4, jitter=1, on_loss=on_loss)
    first = {key: fate(link, key) for key in keys(count=500)}
    shuffled = list(first)
    random.Random(1).shuffle(shuffled)
    assert all(fate(link, key) == first[key] for key in shuffled)


def test_more_loss_loses_the_same_frames_and_more():
    """So that runs that differ in loss alone can be compared frame by frame."""
    few, many = (
        [fate(Link(loss=loss, on_loss="drop"), key).lost for key in keys(count=2000)]
        for loss in (0.1, 0.3)
    )
    assert all(b for a, b in zip(few, many, strict=True) if a)
    assert sum(few) < sum(many)


def test_without_loss_and_jitter_nothing_is_drawn():
    assert fate(Link(rate=1, latency=1), keys(count=1)[0]) is CERTAIN
