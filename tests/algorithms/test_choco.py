"""CHOCO keeps the mean whatever its codec loses, and ends in consensus as fast as its theorem."""

from __future__ import annotations

import numpy as np
import pytest
from algorithms.boxes import SHUFFLED, gradients, rows, sent, shrunk

from netopt.algorithms._estimates import consensus_step
from netopt.errors import ConfigError

GRAPHS = ["ring-5", "w1", "star-8"]
CODECS = [
    "raw",
    "sign",
    {"id": "topk", "fraction": 0.3},
    {"id": "randk", "fraction": 0.3},
    {"id": "randk", "fraction": 0.3, "unbiased": False},
    "natural",
    "dithering",
]
ROUNDS, LR, GAMMA = 30, 0.02, 0.2
every_codec = pytest.mark.parametrize("codec", CODECS, ids=str)
on_graphs = pytest.mark.parametrize("topology", GRAPHS)


def choco_sgd(make, **changes):
    """Return a small experiment with CHOCO-SGD on a problem whose agents disagree."""
    algorithm = {"id": "choco-sgd", "lr": LR, "gamma": GAMMA}
    return make(**{"algorithm": algorithm, "problem": SHUFFLED, **changes})


class Box:
    """Algorithms 1 and 2 of Koloskova, Stich and Jaggi: everybody's xhat_j is kept, no s_i."""

    def __init__(self, experiment, x, lr):
        (self.codec,), self.problem = experiment.codecs, experiment.problem
        self.w, self.lr, self.gamma = experiment.topology.weights, lr, GAMMA
        self.x, self.hat = x, np.zeros_like(x)

    def play(self, k):
        half = self.x - self.lr * gradients(self.problem, self.x) if self.lr else self.x
        scale = shrunk(self.codec, half.shape[1])
        self.hat = self.hat + scale * sent(self.codec, half - self.hat, k)
        pull = [
            sum(w * (hat - own) for w, hat in zip(row, self.hat, strict=True))
            for row, own in zip(self.w, self.hat, strict=True)
        ]
        self.x = half + self.gamma * np.stack(pull)


@on_graphs
@every_codec
def test_choco_sgd_is_its_papers_box(make, watch, topology, codec):
    experiment = choco_sgd(make, topology=topology, codecs={"mix": codec})
    network, states = watch(experiment)
    box = Box(experiment, network.estimates(), LR)
    for k in range(ROUNDS):
        network.play(k)
        box.play(k)
        np.testing.assert_allclose(network.estimates(), box.x, rtol=0, atol=1e-12)
    hat = rows(states, "hat")
    np.testing.assert_allclose(hat, box.hat, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rows(states, "s"), box.w @ hat, rtol=0, atol=1e-12)


@every_codec
def test_choco_gossip_is_its_papers_box(make, watch, codec):
    algorithm = {"id": "choco-gossip", "gamma": GAMMA}
    experiment = make(algorithm=algorithm, topology="w1", codecs={"mix": codec})
    network, _ = watch(experiment)
    box = Box(experiment, network.estimates(), None)
    for k in range(ROUNDS):
        network.play(k)
        box.play(k)
        np.testing.assert_allclose(network.estimates(), box.x, rtol=0, atol=1e-12)


@on_graphs
@pytest.mark.parametrize("codec", [*CODECS, "ternary", "switching"], ids=str)
def test_the_mean_moves_by_the_gradients_alone(make, watch, topology, codec):
    """W's columns sum to 1, so sum_i (s_i - xhat_i) = 0: also for a codec that theory forbids."""
    experiment = choco_sgd(make, topology=topology, codecs={"mix": codec})
    network, _ = watch(experiment)
    for k in range(ROUNDS):
        x = network.estimates()
        wanted = x.mean(axis=0) - LR * gradients(experiment.problem, x).mean(axis=0)
        network.play(k)
        got = network.estimates().mean(axis=0)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13 * np.abs(x).max() + 1e-13)


@on_graphs
def test_without_compression_and_with_gamma_1_it_is_a_step_and_an_average(make, watch, topology):
    algorithm = {"id": "choco-sgd", "lr": LR, "gamma": 1}
    experiment = choco_sgd(make, algorithm=algorithm, topology=topology, codecs={"mix": "raw"})
    network, _ = watch(experiment)
    x = network.estimates()
    for k in range(ROUNDS):
        x = experiment.topology.weights @ (x - LR * gradients(experiment.problem, x))
        network.play(k)
        np.testing.assert_allclose(network.estimates(), x, rtol=0, atol=1e-12)


def distance(network, states):
    """Return sum_i ||x_i - mean||^2 + ||x_i - xhat_i||^2, the e_t of theorem 2."""
    x = network.estimates()
    return np.sum((x - x.mean(axis=0)) ** 2) + np.sum((x - rows(states, "hat")) ** 2)


@pytest.mark.parametrize("topology", ["ring-5", {"id": "ring", "size": 3}], ids=str)
@pytest.mark.parametrize("fraction", [0.2, 0.5])
def test_gossip_with_the_gamma_of_theory_is_as_fast_as_theorem_2(make, watch, topology, fraction):
    """e_t <= (1 - delta^2 omega / 82)^t e_0; top-k is not random, so it holds for every t."""
    experiment = make(
        algorithm={"id": "choco-gossip", "gamma": "theory"},
        topology=topology,
        codecs={"mix": {"id": "topk", "fraction": fraction, "dtype": "float64"}},
    )
    network, states = watch(experiment)
    rate = 1 - experiment.topology.spectral_gap**2 * fraction / 82
    start = distance(network, states)
    for k in range(200):
        network.play(k)
        assert distance(network, states) <= rate ** (k + 1) * start
    assert distance(network, states) < 0.8 * start


def test_gamma_of_theory_is_the_theorems(make):
    """Of three agents with weights 1/3: delta = beta = 1; half of all kept: 1/2 / 19."""
    experiment = make(topology={"id": "ring", "size": 3}, codecs={"mix": "raw"})
    found = consensus_step(experiment.topology, experiment.codecs[0], 0.5)
    assert found == pytest.approx(0.5 / (16 + 1 + 4 + 2 - 4), rel=1e-12)


@pytest.mark.parametrize("topology", ["ring-5", "w1"])
@pytest.mark.parametrize("codec", [None, "topk", "natural", "ternary"])
def test_gossip_with_the_codecs_own_gamma_ends_in_consensus(play, topology, codec):
    """The distance falls by a factor, not to a floor other than rounding."""
    codecs = {} if codec is None else {"mix": codec}
    run = {"algorithm": "choco-gossip", "topology": topology, "codecs": codecs, "rounds": 240}
    first, second, third = (row["consensus"] for row in play(**run, record={"every": 120}).rows)
    assert second < 0.1 * first
    assert third < max(0.1 * second, 1e-13)


def test_gossip_starts_where_consensus_does(make, watch):
    """So that both can be compared from the same point."""
    starts = [watch(make(algorithm=name))[0].estimates() for name in ("consensus", "choco-gossip")]
    assert starts[0].tobytes() == starts[1].tobytes()
    assert len({row.tobytes() for row in starts[0]}) == 5


def test_a_compressed_run_reaches_the_loss_of_the_uncompressed_one(play):
    """Here by 4.5 bits a coordinate; the means differ only by where gradients are taken."""
    run = {"topology": "ring-8", "problem": {"id": "logistic", "data": "breast-cancer"}}
    run |= {"rounds": 300, "algorithm": {"id": "choco-sgd", "lr": 0.05}}
    whole = play(**run, codecs={"mix": "raw"})
    compressed = play(**run)
    start, best, got = whole.rows[0]["loss"], whole.rows[-1]["loss"], compressed.rows[-1]["loss"]
    assert best < 0.5 * start
    assert got == pytest.approx(best, rel=0.01)
    assert compressed.rows[-1]["payload_bits"] < whole.rows[-1]["payload_bits"] / 8


def test_theory_refuses_a_codec_without_a_contraction_and_weights_that_are_not_symmetric(make):
    algorithm = {"id": "choco-gossip", "gamma": "theory"}
    with pytest.raises(ConfigError) as caught:
        make(algorithm=algorithm, codecs={"mix": "switching"})
    assert str(caught.value) == (
        "$.codecs.mix: codec switching is not known to be a contraction with these options, so "
        "there is no consensus step size in theory; choose one such as topk, or give gamma a number"
    )
    with pytest.raises(ConfigError) as caught:
        make(algorithm=algorithm, topology="w1")
    assert str(caught.value) == (
        "$.algorithm.gamma: theory knows gamma for symmetric weights only, and those of 'w1' are "
        "not; give gamma a number"
    )


@pytest.mark.parametrize("name", ["choco-sgd", "choco-gossip", "deep-squeeze"])
def test_codecs_that_may_diverge_or_are_slow_are_warned_of(make, name):
    assert make(algorithm=name).warnings == ()
    (said,) = make(algorithm=name, codecs={"mix": "switching"}).warnings
    assert said == (
        f"{name} needs a contraction, or an unbiased codec with an omega, and switching is not "
        "known to be one with these options: the run may diverge; choose one such as topk, or a "
        "floor of 1e-30"
    )
    large = {"id": "quadratic", "dimension": 200}
    (said,) = make(algorithm=name, problem=large, codecs={"mix": "sign"}).warnings
    option = "eta" if name == "deep-squeeze" else "gamma"
    assert said == (
        f"{name}: sign keeps only 0.005 of some vectors, so {option} is as small and consensus "
        f"slow; a number as {option} may do better, such as 0.1 for sign"
    )
    number = {"id": name, option: 0.1}
    assert make(algorithm=number, problem=large, codecs={"mix": "sign"}).warnings == ()
