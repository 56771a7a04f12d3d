"""BEER against a transcription of its box in matrices, and what it keeps and reaches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from netopt.keys import Key, Purpose

SHUFFLED = {"id": "quadratic", "curvature": "shuffled"}
RAW = {"h": "raw", "g": "raw"}
ETA, GAMMA = 0.01, 0.3
BEER = {"id": "beer", "lr": ETA, "gamma": GAMMA}


def compress(codec, x, k, exchange, scale=1.0):
    """C of every row of x (an agent), with the keys of round k; the channel is the exchange."""
    keys = [Key(1, Purpose.ROUNDING, k, exchange, i, part=exchange << 8) for i in range(len(x))]
    return scale * np.stack(
        [codec.decode(codec.encode(v, s), len(v), s) for v, s in zip(x, keys, strict=True)]
    )


def gradients(experiment, x):
    return np.stack([experiment.problem.grad(i, v, None) for i, v in enumerate(x)])


def box(experiment, rounds, scale=1.0):
    """Algorithm 1 of the paper, transposed: a row is an agent. Yields X, V, H and G."""
    w, codecs = experiment.topology.weights, experiment.codecs
    pull = w - np.eye(len(w))
    x = np.stack([experiment.problem.start()] * len(w))
    h, g = np.zeros_like(x), np.zeros_like(x)
    old = v = gradients(experiment, x)
    for k in range(rounds):
        x = x + GAMMA * pull @ h - ETA * v
        h = h + compress(codecs[0], x - h, k, 0, scale)
        new = gradients(experiment, x)
        v = v + GAMMA * pull @ g + new - old
        g = g + compress(codecs[1], v - g, k, 1, scale)
        old = new
        yield x, v, h, g


@pytest.mark.parametrize("topology", ["ring-5", "w1", "star-8"])
@pytest.mark.parametrize(
    ("codec", "scale"),
    [("raw", 1), ("topk", 1), ("sign", 1), ("natural", 8 / 9), ({"id": "randk", "k": 2}, 1 / 5)],
    ids=str,
)
def test_a_round_is_the_papers_box(make, watch, topology, codec, scale):
    """An unbiased codec is scaled by 1 / (1 + omega): by 8 / 9 for natural, 1 / 5 for randk."""
    codecs = {"h": codec, "g": codec}
    experiment = make(algorithm=BEER, topology=topology, problem=SHUFFLED, codecs=codecs)
    network, states = watch(experiment)
    for k, (x, v, h, g) in enumerate(box(experiment, 20, scale)):
        network.play(k)
        for i, s in enumerate(states):
            for got, wanted in ((s.x, x), (s.v, v), (s.h.own, h), (s.known.own, g)):
                np.testing.assert_allclose(got, wanted[i], rtol=0, atol=1e-12)


@pytest.mark.parametrize("codec", ["raw", "topk", "qsgd", "sign"])
@pytest.mark.parametrize("topology", ["ring-5", "w1", "star-8"])
def test_the_trackers_sum_to_the_gradients_and_the_sums_of_neighbours_are_true(
    make, watch, topology, codec
):
    """Whatever the compression: columns of W sum to 1, so that mixing G adds nothing to sum V."""
    codecs = {"h": codec, "g": codec}
    experiment = make(algorithm=BEER, topology=topology, problem=SHUFFLED, codecs=codecs)
    network, states = watch(experiment)
    w = experiment.topology.weights
    for k in range(40):
        network.play(k)
        x, v = np.stack([s.x for s in states]), np.stack([s.v for s in states])
        size = max(np.abs(v).sum(), np.abs(gradients(experiment, x)).sum())
        total = gradients(experiment, x).sum(axis=0)
        np.testing.assert_allclose(v.sum(axis=0), total, rtol=0, atol=1e-14 * size * (k + 1))
        for part in ("h", "known"):
            own = np.stack([getattr(s, part).own for s in states])
            mixed = np.stack([getattr(s, part).mixed for s in states])
            np.testing.assert_allclose(mixed, w @ own, rtol=0, atol=1e-12)


@pytest.mark.parametrize("topology", ["ring-5", "w1"])
def test_without_compression_and_with_gamma_1_it_is_gradient_tracking(make, watch, topology):
    """x+ = W x - eta y, y+ = W y + grad(x+) - grad(x), once round 0 has made H and G known."""
    beer = {"id": "beer", "lr": 0.005, "gamma": 1}
    experiment = make(algorithm=beer, topology=topology, problem=SHUFFLED, codecs=RAW)
    network, states = watch(experiment)
    network.play(0)
    w = experiment.topology.weights
    for k in range(1, 40):
        x, y = np.stack([s.x for s in states]), np.stack([s.v for s in states])
        new = w @ x - 0.005 * y
        network.play(k)
        np.testing.assert_allclose(network.estimates(), new, rtol=0, atol=1e-12)
        change = gradients(experiment, network.estimates()) - gradients(experiment, x)
        np.testing.assert_allclose([s.v for s in states], w @ y + change, rtol=0, atol=1e-12)


def distance(experiment, network):
    best = experiment.problem.minimum()
    return np.linalg.norm(network.estimates() - best, axis=1).max()


@pytest.mark.parametrize("codec", ["topk", "sign"])
def test_it_converges_linearly_to_the_exact_minimum(make, watch, codec):
    """Twentyfold every 150 rounds, with a constant step and one coordinate of ten in a message."""
    codecs = {"h": codec, "g": codec}
    experiment = make(algorithm=BEER, problem=SHUFFLED, codecs=codecs)
    network, _ = watch(experiment)
    apart = []
    for k in range(900):
        network.play(k)
        if k % 150 == 149:
            apart.append(distance(experiment, network))
    assert apart[-1] < 1e-8
    assert all(later < now / 20 for now, later in itertools.pairwise(apart))


@pytest.mark.parametrize(
    ("codecs", "gamma"),
    [
        ({}, 0.5),
        ({"h": "topk"}, 0.1),
        ({"g": {"id": "topk", "fraction": 0.2}}, 0.2),
        ({"h": {"id": "randk", "k": 2}}, 0.2),
        ({"h": {"id": "uniform", "range": 100.0}}, 0.05),
    ],
    ids=str,
)
def test_gamma_is_the_contraction_of_the_weaker_codec(make, watch, codecs, gamma):
    _, states = watch(make(algorithm="beer", codecs=codecs))
    assert [s.gamma for s in states] == [pytest.approx(gamma, rel=1e-12)] * 5
    _, states = watch(make(algorithm={"id": "beer", "gamma": 0.7}, codecs=codecs))
    assert {s.gamma for s in states} == {0.7}


def test_it_says_once_when_codecs_are_no_contractions(make):
    uniform = {"id": "uniform", "range": 100.0}
    (warning,) = make(algorithm="beer", codecs={"h": uniform, "g": uniform}).warnings
    assert warning.startswith("beer needs a contraction, or an unbiased codec with an omega")
    assert make(algorithm="beer", codecs={"h": "natural", "g": "topk"}).warnings == ()


def test_the_two_vectors_travel_in_frames_of_their_own(play):
    sent = play(algorithm="beer", codecs={"h": "raw", "g": {"id": "raw", "dtype": "float32"}}).sent
    for counts in sent.counts.tolist():
        assert counts[:2] == [2 * 20, 20 * 10 * (64 + 32)]
