"""LEAD against a transcription of its box in matrices, against NIDS, and what it reaches."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose

SHUFFLED = {"id": "quadratic", "curvature": "shuffled"}
ETA, GAMMA, ALPHA = 0.05, 0.8, 0.4
LEAD = {"id": "lead", "lr": ETA, "gamma": GAMMA, "alpha": ALPHA}
GRAPHS = ["ring-5", "star-8", "path-5"]


def compress(codec, x, k):
    """C of every row of x (an agent), with the keys of round k."""
    keys = [Key(1, Purpose.ROUNDING, k, 0, i) for i in range(len(x))]
    return np.stack(
        [codec.decode(codec.encode(v, s), len(v), s) for v, s in zip(x, keys, strict=True)]
    )


def gradients(experiment, x):
    return np.stack([experiment.problem.grad(i, v, None) for i, v in enumerate(x)])


def box(experiment, rounds):
    """Algorithm 1 of the paper with H = D = 0 at first. Yields X, D, H and H_w."""
    w, codec = experiment.topology.weights, experiment.codecs[0]
    x = np.stack([experiment.problem.start()] * len(w))
    x = x - ETA * gradients(experiment, x)
    d, h, hw = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    for k in range(rounds):
        g = gradients(experiment, x)
        y = x - ETA * g - ETA * d
        q = compress(codec, y - h, k)
        hat, hat_w = h + q, hw + w @ q
        h, hw = (1 - ALPHA) * h + ALPHA * hat, (1 - ALPHA) * hw + ALPHA * hat_w
        d = d + GAMMA / (2 * ETA) * (hat - hat_w)
        x = x - ETA * g - ETA * d
        yield x, d, h, hw


@pytest.mark.parametrize("topology", GRAPHS)
@pytest.mark.parametrize("codec", ["raw", "dithering", "qsgd", "topk"])
def test_a_round_is_the_papers_box(make, watch, topology, codec):
    parts = {"topology": topology, "problem": SHUFFLED, "codecs": {"mix": codec}}
    experiment = make(algorithm=LEAD, **parts)
    network, states = watch(experiment)
    for k, (x, d, h, hw) in enumerate(box(experiment, 20)):
        network.play(k)
        for i, s in enumerate(states):
            for got, wanted in ((s.x, x), (s.d, d), (s.h, h), (s.mixed, hw)):
                np.testing.assert_allclose(got, wanted[i], rtol=0, atol=1e-11)


@pytest.mark.parametrize("topology", GRAPHS)
def test_the_duals_sum_to_zero_and_h_w_is_w_h_whatever_the_compression(make, watch, topology):
    codecs = {"mix": {"id": "dithering", "levels": 1}}
    experiment = make(algorithm="lead", topology=topology, problem=SHUFFLED, codecs=codecs)
    network, states = watch(experiment)
    w = experiment.topology.weights
    for k in range(60):
        network.play(k)
        d, h = np.stack([s.d for s in states]), np.stack([s.h for s in states])
        np.testing.assert_allclose([s.mixed for s in states], w @ h, rtol=0, atol=1e-12)
        size = np.abs(d).sum() + np.abs(h).sum() / 0.1
        np.testing.assert_allclose(d.sum(axis=0), 0, rtol=0, atol=1e-14 * size * (k + 1))


@pytest.mark.parametrize("topology", GRAPHS)
def test_without_compression_it_is_nids(make, watch, topology):
    """x'' = (I + W)/2 (2 x' - x - eta (grad(x') - grad(x))), Li, Shi and Yan 2019; x' follows x."""
    algorithm = {"id": "lead", "lr": ETA}
    parts = {"topology": topology, "problem": SHUFFLED, "codecs": {"mix": "raw"}}
    experiment = make(algorithm=algorithm, **parts)
    network, _ = watch(experiment)
    x = network.estimates() - ETA * gradients(experiment, network.estimates())
    half = (np.eye(len(x)) + experiment.topology.weights) / 2
    wanted = half @ (x - ETA * gradients(experiment, x))
    for k in range(60):
        network.play(k)
        now = network.estimates()
        np.testing.assert_allclose(now, wanted, rtol=0, atol=1e-12)
        change = gradients(experiment, now) - gradients(experiment, x)
        x, wanted = now, half @ (2 * now - x - ETA * change)


@pytest.mark.parametrize("topology", ["ring-5", "ring-8"])
@pytest.mark.parametrize(("factor", "grows"), [(0.95, False), (1.05, True)])
def test_without_compression_it_is_stable_for_eta_l_below_2_on_every_graph(
    make, watch, topology, factor, grows
):
    algorithm = {"id": "lead", "lr": factor * 2 / 10}
    experiment = make(algorithm=algorithm, topology=topology, codecs={"mix": "raw"})
    network, _ = watch(experiment)
    steps = []
    for k in range(200):
        before = network.estimates()
        network.play(k)
        steps.append(np.linalg.norm(network.estimates() - before))
    assert bool(steps[199] > steps[99]) is grows


@pytest.mark.parametrize("codec", [None, "ternary"])
def test_two_bits_reach_the_exact_minimum_linearly_where_dgd_stays_away(make, watch, codec):
    """Heterogeneous agents, constant step, all within 1e-10; five symbols by default, or three."""
    codecs = {} if codec is None else {"codecs": {"mix": codec}}
    experiment = make(algorithm="lead", problem=SHUFFLED, **codecs)
    best = experiment.problem.minimum()
    network, _ = watch(experiment)
    apart = []
    for k in range(400):
        network.play(k)
        apart.append(np.linalg.norm(network.estimates() - best, axis=1).max())
    assert apart[-1] < 1e-10
    for k in (30, 60, 90):
        assert apart[k + 30] < apart[k] / 4
    dgd, _ = watch(make(algorithm={"id": "dgd", "lr": 0.1}, problem=SHUFFLED))
    for k in range(400):
        dgd.play(k)
    assert np.linalg.norm(dgd.estimates() - best, axis=1).max() > 0.1


def test_a_batch_is_drawn_once_a_round_for_y_and_for_x(make, watch, monkeypatch):
    """Both lines of the box have the same stochastic gradient; round 0 has the first step too."""
    experiment = make(algorithm="lead", problem={"id": "logistic", "batch": 4})
    network, _ = watch(experiment)
    drawn, original = [], type(experiment.problem).grad

    def count(self, rank, x, key):
        drawn.append(key)
        return original(self, rank, x, key)

    monkeypatch.setattr(type(experiment.problem), "grad", count)
    network.play(0)
    assert len(drawn) == len(set(drawn)) == 2 * 5
    network.play(1)
    assert len(drawn) == len(set(drawn)) == 3 * 5


def test_a_matrix_that_is_not_symmetric_is_refused(make):
    with pytest.raises(ConfigError) as caught:
        make(algorithm="lead", topology="w1")
    assert str(caught.value) == (
        "$.topology: lead needs a symmetric mixing matrix, and that of 'w1' is not; use Metropolis "
        "weights on an undirected graph"
    )


def test_it_says_when_a_codec_is_biased(make):
    assert make(algorithm="lead", codecs={"mix": "topk"}).warnings == (
        "lead needs an unbiased codec with an omega, and topk is not known to be one with these "
        "options: the iterates may diverge",
    )
    assert make(algorithm="lead").warnings == ()


def test_the_default_message_is_a_norm_and_three_bits_a_coordinate(make, play):
    """The paper's two bits are 2^(2 - 1) levels on each side of zero: five symbols."""
    codec = make(algorithm="lead").codecs[0]
    x = np.linspace(-1, 1, 10)
    values = {
        v
        for r in range(99)
        for v in codec.decode(
            codec.encode(x, Key(r, Purpose.ROUNDING)), 10, Key(r, Purpose.ROUNDING)
        )
    }
    assert values == {-1, -0.5, 0, 0.5, 1}
    sent = play(algorithm="lead").sent
    assert {tuple(c[:2]) for c in sent.counts.tolist()} == {(20, 20 * (32 + 3 * 10))}
