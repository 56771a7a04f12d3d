"""Bo and Wang, PNAS 2024: what QGD's recursion promises to the last bit, or up to rounding."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.keys import Key, Purpose
from netopt.network.lockstep import Lockstep
from netopt.schedules.sample_and_hold import SampleAndHold

TOPOLOGIES = ["w1", "w2", "ring-5", "star-8", "exponential-8", {"id": "ring", "directed": True}]
PROBLEMS = ["saddle", {"id": "quadratic", "dimension": 7}, {"id": "least-squares", "kappa": 3}]
ROUNDS = 30
LR = 0.07


def trajectory(experiment, rounds=ROUNDS):
    """All agents' estimates after 0, 1, ... rounds, shape (rounds + 1, N, d)."""
    network = Lockstep(experiment)
    estimates = [network.estimates()]
    for k in range(rounds):
        network.play(k)
        estimates.append(network.estimates())
    return np.stack(estimates)


def dgd_by_hand(experiment, lr):
    """x_i <- sum_j w_ij x_j - lr grad f_i(x_i); j over i and its neighbours, in rank order."""
    problem, graph, seed = experiment.problem, experiment.topology, experiment.options.seed
    x = np.stack([problem.start()] * graph.size)
    history = [x]
    for k in range(ROUNDS):
        new = np.zeros_like(x)
        for i in range(graph.size):
            for j in sorted({i, *graph.predecessors(i)}):
                new[i] = new[i] + graph.weights[i, j] * x[j]
            new[i] = new[i] - lr * problem.grad(i, x[i], Key(seed, Purpose.BATCH, k, 0, i))
        x = new
        history.append(x)
    return np.stack(history)


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=str)
@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_dgd_is_its_recursion_bit_for_bit(make, topology, problem):
    experiment = make(topology=topology, problem=problem, algorithm={"id": "dgd", "lr": LR})
    assert trajectory(experiment).tobytes() == dgd_by_hand(experiment, LR).tobytes()


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=str)
@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_qgd_without_quantization_and_with_eps_1_is_dgd_bit_for_bit(make, topology, problem):
    schedule = {"id": "constant", "eps": 1, "alpha": LR}
    qgd = make(
        topology=topology,
        problem=problem,
        algorithm={"id": "qgd", "schedule": schedule},
        codecs={"mix": "raw"},
    )
    dgd = make(topology=topology, problem=problem, algorithm={"id": "dgd", "lr": LR})
    assert trajectory(qgd).tobytes() == trajectory(dgd).tobytes()


@pytest.mark.parametrize("topology", ["w1", "w2", "ring-5", "exponential-8"])
@pytest.mark.parametrize("codec", ["switching", "qsgd", {"id": "switching", "levels": 2}], ids=str)
def test_the_network_mean_moves_by_noise_and_gradient_alone(make, topology, codec):
    """mean+ = mean + eps mean(Q(x_i) - x_i) - alpha mean(grad f_i(x_i)) if W's columns sum to 1.

    Sum x_i+ = (1 - eps) x_i + eps sum_j w_ij Q(x_j) - alpha grad f_i(x_i) over i. The middle term
    is eps sum_j (sum_i w_ij) Q(x_j) = eps sum_j Q(x_j), as column j sums to 1. Divide by N.
    """
    experiment = make(topology=topology, algorithm="qgd", codecs={"mix": codec})
    x, codec = trajectory(experiment), experiment.codecs[0]
    for k in range(ROUNDS):
        keys = [Key(1, Purpose.ROUNDING, k, 0, i) for i in range(len(x[k]))]
        q = [codec.decode(codec.encode(v, s), len(v), s) for v, s in zip(x[k], keys, strict=True)]
        g = [experiment.problem.grad(i, v, None) for i, v in enumerate(x[k])]
        eps, alpha = SampleAndHold().rates(k)
        wanted = x[k].mean(0) + eps * (np.mean(q, 0) - x[k].mean(0)) - alpha * np.mean(g, 0)
        scale = max(np.abs(x[k]).max(), np.abs(q).max(), np.abs(g).max())
        np.testing.assert_allclose(x[k + 1].mean(0), wanted, rtol=0, atol=1e-14 * scale)


def test_qgd_is_its_formula_bit_for_bit(make):
    """x+ = (eps sum_j w_ij Q(x_j) + (1 - eps) x) - alpha grad f(x), on the directed graph W1."""
    experiment = make(topology="w1", algorithm="qgd", problem="saddle")
    x, codec, graph = trajectory(experiment), experiment.codecs[0], experiment.topology
    for k in range(ROUNDS):
        keys = [Key(1, Purpose.ROUNDING, k, 0, i) for i in range(5)]
        q = [codec.decode(codec.encode(v, s), 2, s) for v, s in zip(x[k], keys, strict=True)]
        eps, alpha = SampleAndHold().rates(k)
        for i in range(5):
            mixed = np.zeros(2)
            for j in sorted({i, *graph.predecessors(i)}):
                mixed = mixed + graph.weights[i, j] * q[j]
            wanted = eps * mixed + (1 - eps) * x[k, i]
            wanted = wanted - alpha * experiment.problem.grad(i, x[k, i], None)
            assert x[k + 1, i].tobytes() == wanted.tobytes()


def test_the_directed_w1_carries_frames_one_way_only(play):
    sent = play(topology="w1", algorithm="qgd", problem="saddle", rounds=10).sent
    edges = {(3, 0), (0, 1), (0, 2), (1, 2), (4, 2), (4, 3), (1, 4), (2, 4)}  # column to row of W1
    assert set(sent.edges) == edges
    assert (sent.counts[:, 0] == 10).all()
    assert sent.total().payload_bits == 10 * 8 * (32 + 2 * 5)
