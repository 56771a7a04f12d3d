"""Random-k on common coordinates: every agent of a round has the same, and nothing tells which."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.codecs import Codec
from netopt.codecs.randk import drawn
from netopt.keys import BROADCAST, Key, Purpose
from netopt.registry import build

N, K = 100, 10
X = np.random.default_rng(1).standard_normal((3, N)).astype(np.float32).astype(float)


def codec(indices="common", **options):
    return build(Codec, {"id": "randk", "k": K, "unbiased": False, "indices": indices, **options})


def key(round_=4, exchange=0, sender=2, receiver=0, part=0, seed=1):
    return Key(seed, Purpose.ROUNDING, round_, exchange, sender, receiver, part)


def sent(made, k, x=X[0]):
    return made.decode(made.encode(x, k), N, k)


@pytest.mark.parametrize(
    "other",
    [{"exchange": 1}, {"sender": 0}, {"receiver": BROADCAST}, {"part": 256}],
    ids=str,
)
def test_all_senders_ways_and_channels_of_a_round_have_the_same_coordinates(other):
    assert sent(codec(), key(**other)).tobytes() == sent(codec(), key()).tobytes()
    assert (sent(codec("shared"), key(**other)) != sent(codec("shared"), key())).any()


@pytest.mark.parametrize("other", [{"round_": 5}, {"seed": 2}], ids=str)
def test_another_round_or_seed_has_others(other):
    assert (sent(codec(), key(**other)) != sent(codec(), key())).any()


def test_the_coordinates_are_those_of_the_stream_of_indices_that_all_share():
    own = Key(1, Purpose.INDICES, 4, 0, BROADCAST, BROADCAST, 0)
    assert np.flatnonzero(sent(codec(), key())).tolist() == drawn(own, N, K).tolist()


def test_it_is_linear_over_agents():
    """Exactly, where float32 holds the numbers and their sum."""
    x, y = np.round(64 * X[:2]) / 64
    total = sent(codec(), key(sender=1), x) + sent(codec(), key(sender=2), y)
    assert total.tobytes() == sent(codec(), key(exchange=1, sender=0), x + y).tobytes()
    assert [codec(name).linear() for name in ("common", "shared", "sent")] == [True, False, False]
    assert [build(Codec, name).linear() for name in ("raw", "topk", "sign")] == [True, False, False]


def test_what_comes_down_is_sent_whole_if_it_was_added_up_on_the_coordinates():
    up = sum(sent(codec(), key(sender=i), X[i]) for i in range(3))
    down = sent(codec(), key(exchange=1, sender=0, receiver=BROADCAST), up)
    assert np.abs(down - up).max() <= 2.0**-24 * np.abs(up).max()


def test_no_index_travels():
    assert codec().nbits(N) == 32 * K
    assert codec(dtype="float64").nbits(N) == 64 * K


def test_the_rounds_draw_every_coordinate_as_often():
    """Of 2000 rounds 200, but for 110 at most. By Bernstein a coordinate is off by more
    with a chance below 2 exp(-110^2 / 2 / (180 + 110 / 3)) < 2e-12, one of 100 below 2e-10.
    """
    counts = sum((sent(codec(), key(round_=k), np.ones(N)) for k in range(2000)), np.zeros(N))
    assert counts.sum() == 2000 * K
    assert np.abs(counts - 200).max() < 110


@pytest.mark.parametrize("method", ["dcgd", "diana", "dcgd-plus", "diana-plus"])
def test_a_theory_of_independent_errors_is_warned_of(make, method):
    run = {"algorithm": method, "problem": {"id": "logistic", "l2": 0.1}}
    run["topology"] = {"id": "star", "size": 4}
    common, shared = ({"id": "randk", "indices": name} for name in ("common", "shared"))
    assert make(**run, codecs={"up": common}).warnings == (
        f"the theory of {method} divides the variance of randk by n = 3 workers, but with "
        "indices: common their errors are not independent; use indices: shared",
    )
    assert make(**run, codecs={"up": shared}).warnings == ()
    assert make(**run, codecs={"up": {"id": "raw", "dtype": "float32"}}).warnings == ()
    assert (
        make(**{**run, "topology": {"id": "star", "size": 2}}, codecs={"up": common}).warnings == ()
    )
