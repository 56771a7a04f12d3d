"""DeepSqueeze keeps what it loses: the mean moves by gradients alone, the error stays bounded."""

from __future__ import annotations

import numpy as np
import pytest
from algorithms.boxes import SHUFFLED, gradients, rows, sent, shrunk

ROUNDS, LR, ETA = 30, 0.02, 0.1
CODECS = [
    "raw",
    "sign",
    {"id": "topk", "fraction": 0.3},
    {"id": "randk", "fraction": 0.3},
    "natural",
]
GRAPHS = ["ring-5", "w1", "star-8"]
every_codec = pytest.mark.parametrize("codec", CODECS, ids=str)
on_graphs = pytest.mark.parametrize("topology", GRAPHS)


def squeezed(make, topology, codec, eta=ETA):
    """Return a small experiment on a problem whose agents disagree."""
    algorithm = {"id": "deep-squeeze", "lr": LR, "eta": eta}
    return make(algorithm=algorithm, problem=SHUFFLED, topology=topology, codecs={"mix": codec})


@on_graphs
@every_codec
def test_it_is_its_papers_box(make, watch, topology, codec):
    experiment = squeezed(make, topology, codec)
    network, states = watch(experiment)
    (codec,), problem, w = experiment.codecs, experiment.problem, experiment.topology.weights
    x, delta = network.estimates(), np.zeros_like(network.estimates())
    scale = shrunk(codec, x.shape[1])
    for k in range(ROUNDS):
        half = x - LR * gradients(problem, x)
        v = half + delta
        c = scale * sent(codec, v, k)
        delta = v - c
        x = half + ETA * ((w - np.eye(len(w))) @ c)
        network.play(k)
        np.testing.assert_allclose(network.estimates(), x, rtol=0, atol=1e-12)
        np.testing.assert_allclose(rows(states, "delta"), delta, rtol=0, atol=1e-12)


@on_graphs
@every_codec
def test_the_mean_moves_by_the_gradients_alone(make, watch, topology, codec):
    experiment = squeezed(make, topology, codec)
    network, _ = watch(experiment)
    for k in range(ROUNDS):
        x = network.estimates()
        wanted = x.mean(axis=0) - LR * gradients(experiment.problem, x).mean(axis=0)
        network.play(k)
        np.testing.assert_allclose(network.estimates().mean(axis=0), wanted, rtol=0, atol=1e-12)


@on_graphs
def test_without_compression_and_with_eta_1_it_is_a_step_and_an_average(make, watch, topology):
    experiment = squeezed(make, topology, "raw", eta=1)
    network, states = watch(experiment)
    x = network.estimates()
    for k in range(ROUNDS):
        x = experiment.topology.weights @ (x - LR * gradients(experiment.problem, x))
        network.play(k)
        np.testing.assert_allclose(network.estimates(), x, rtol=0, atol=1e-12)
        assert not rows(states, "delta").any()


def test_nothing_is_lost_for_good(make, watch):
    """What was sent and what is kept add up: sum_t C(v_t) + delta_T = sum_t x_{t+1/2}."""
    experiment = squeezed(make, "ring-5", {"id": "topk", "fraction": 0.3})
    network, states = watch(experiment)
    (codec,), total, out, delta = experiment.codecs, 0.0, 0.0, 0.0
    for k in range(ROUNDS):
        x = network.estimates()
        half = x - LR * gradients(experiment.problem, x)
        total, out = total + half, out + sent(codec, half + delta, k)
        network.play(k)
        delta = rows(states, "delta")
        np.testing.assert_allclose(out + delta, total, rtol=0, atol=1e-11)


def test_a_smaller_eta_leaves_the_agents_closer_where_the_codec_is_coarse(play):
    """Agents that agree about everything are driven apart by compression alone."""
    agreeing = {"id": "quadratic", "dimension": 100, "heterogeneity": 0}
    apart = []
    for eta in (0.05, 0.1, 0.2):
        algorithm = {"id": "deep-squeeze", "eta": eta}
        run = {"problem": agreeing, "algorithm": algorithm, "codecs": {"mix": "randk"}}
        apart.append(play(**run, rounds=200).rows[-1]["consensus"])
    assert 0 < apart[0] < apart[1] < apart[2]


def test_a_compressed_run_reaches_the_loss_of_the_uncompressed_one(play):
    run = {"topology": "ring-8", "problem": {"id": "logistic", "data": "breast-cancer"}}
    run |= {"rounds": 300, "algorithm": {"id": "deep-squeeze", "lr": 0.05, "eta": 0.375}}
    whole = play(**run, codecs={"mix": "raw"})
    compressed = play(**run)
    start, best, got = whole.rows[0]["loss"], whole.rows[-1]["loss"], compressed.rows[-1]["loss"]
    assert best < 0.5 * start
    assert got == pytest.approx(best, rel=0.02)
    assert compressed.rows[-1]["payload_bits"] < whole.rows[-1]["payload_bits"] / 8
