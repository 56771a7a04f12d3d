"""CDSGD is DGD at rest, and its velocity adds up gradients as Polyak and Nesterov had it."""

from __future__ import annotations

import numpy as np
import pytest
from algorithms.boxes import SHUFFLED, gradients, rows, sent

ROUNDS, LR, BETA = 30, 0.02, 0.3
KAPPA = 10.0  # the smoothness L of every agent's quadratic
GRAPHS = ["ring-5", "w1", "star-8"]
MOMENTA = ["polyak", "nesterov"]
on_graphs = pytest.mark.parametrize("topology", GRAPHS)
moving = pytest.mark.parametrize("momentum", MOMENTA)


@on_graphs
@pytest.mark.parametrize("codec", ["raw", "switching"])
@pytest.mark.parametrize("problem", ["saddle", SHUFFLED], ids=str)
def test_without_momentum_it_is_dgd_bit_for_bit(make, watch, topology, codec, problem):
    run = {"problem": problem, "topology": topology, "codecs": {"mix": codec}}
    cdsgd, _ = watch(make(algorithm={"id": "cdsgd", "lr": LR}, **run))
    dgd, _ = watch(make(algorithm={"id": "dgd", "lr": LR}, **run))
    for k in range(ROUNDS):
        cdsgd.play(k)
        dgd.play(k)
        assert cdsgd.estimates().tobytes() == dgd.estimates().tobytes()


@on_graphs
@moving
@pytest.mark.parametrize("codec", ["raw", "natural"])
def test_a_round_is_its_two_lines(make, watch, topology, momentum, codec):
    """v = beta v - lr grad f(x, or x + beta v); x = W C(x) + v."""
    algorithm = {"id": "cdsgd", "lr": LR, "momentum": momentum, "beta": BETA}
    run = {"problem": SHUFFLED, "topology": topology, "codecs": {"mix": codec}}
    experiment = make(algorithm=algorithm, **run)
    network, states = watch(experiment)
    (codec,), w, x = experiment.codecs, experiment.topology.weights, network.estimates()
    v = np.zeros_like(x)
    for k in range(ROUNDS):
        at = x + BETA * v if momentum == "nesterov" else x
        v = BETA * v - LR * gradients(experiment.problem, at)
        x = w @ sent(codec, x, k) + v
        network.play(k)
        np.testing.assert_allclose(network.estimates(), x, rtol=0, atol=1e-12)
        np.testing.assert_allclose(rows(states, "v"), v, rtol=0, atol=1e-12)


def limit(momentum, beta, least):
    """The largest lr L: Jury's criterion at the least eigenvalue w of W, as derived here.

    polyak: v+ = beta v - a x, x+ = w x + v+ has trace w - a + beta and determinant beta w.
    nesterov: v+ = beta (1 - a) v - a x has trace w - a + beta (1 - a), determinant beta (1 - a) w.
    1 + trace + determinant > 0 is the condition that fails first.
    """
    whole = (1 + least) * (1 + beta)
    return whole if momentum == "polyak" else whole / (1 + beta * (1 + least))


@pytest.mark.parametrize("topology", ["ring-5", "ring-8", "star-8"])
@moving
@pytest.mark.parametrize("beta", [0.3, 0.8])
def test_steps_grow_above_the_limit_and_shrink_below_it(make, watch, topology, momentum, beta):
    least = np.linalg.eigvalsh(make(topology=topology).topology.weights)[0]
    lr = float(limit(momentum, beta, least) / KAPPA)
    assert growth(make, watch, topology, momentum, beta, 0.9 * lr) < 0.9
    assert growth(make, watch, topology, momentum, beta, 1.1 * lr) > 2


def growth(make, watch, topology, momentum, beta, lr):
    """Return how much longer a step is after 240 rounds than after 120."""
    algorithm = {"id": "cdsgd", "lr": lr, "momentum": momentum, "beta": beta}
    network, _ = watch(make(topology=topology, algorithm=algorithm))
    steps = {}
    for k in range(240):
        before = network.estimates()
        network.play(k)
        steps[k + 1] = np.linalg.norm(network.estimates() - before)
    return steps[240] / steps[120]


@moving
def test_momentum_is_faster_than_none_where_the_step_is_short(play, momentum):
    """The mean moves as with lr / (1 - beta): 0.3 of 1 more rounds' worth in the same rounds."""
    run = {"topology": "ring-8", "problem": {"id": "logistic", "data": "breast-cancer"}}
    losses = {}
    for name in ("none", momentum):
        algorithm = {"id": "cdsgd", "lr": 0.02, "momentum": name}
        losses[name] = play(**run, algorithm=algorithm, rounds=100).rows[-1]["loss"]
    longer = play(**run, algorithm={"id": "dgd", "lr": 0.02 / 0.7}, rounds=100).rows[-1]["loss"]
    assert losses[momentum] < losses["none"]
    assert losses[momentum] == pytest.approx(longer, rel=0.02)
