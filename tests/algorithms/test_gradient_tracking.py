"""Gradient tracking reaches the exact minimum, because its trackers never lose any gradient."""

from __future__ import annotations

import numpy as np
import pytest

TRACKING = {"id": "gradient-tracking", "lr": 0.03}
GRAPHS = ["ring-5", "w1", "complete-8", "path-5"]
SHUFFLED = {"id": "quadratic", "curvature": "shuffled"}


@pytest.mark.parametrize("topology", GRAPHS)
def test_the_mean_and_every_agent_reach_the_exact_minimum(make, watch, topology):
    experiment = make(algorithm=TRACKING, topology=topology, problem=SHUFFLED)
    network, states = watch(experiment)
    for k in range(600):
        network.play(k)
    problem, best = experiment.problem, experiment.problem.minimum()
    assert np.linalg.norm(problem.gradient(network.estimates().mean(axis=0), None)) < 1e-10
    for state in states:
        np.testing.assert_allclose(state.x, best, rtol=0, atol=1e-10)
    assert np.linalg.norm([problem.grad(i, best, None) for i in range(len(states))]) > 1


def test_dgd_with_the_same_step_does_not(make, watch):
    experiment = make(algorithm={"id": "dgd", "lr": 0.03}, problem=SHUFFLED)
    network, _ = watch(experiment)
    for k in range(600):
        network.play(k)
    gradient = experiment.problem.gradient(network.estimates().mean(axis=0), None)
    assert np.linalg.norm(gradient) > 1e-3


@pytest.mark.parametrize("topology", GRAPHS)
def test_the_trackers_always_sum_to_the_gradients(make, watch, topology):
    experiment = make(algorithm=TRACKING, topology=topology, problem=SHUFFLED)
    network, states = watch(experiment)
    for k in range(60):
        y = sum(state.both[1] for state in states)
        g = sum(experiment.problem.grad(i, s.x, None) for i, s in enumerate(states))
        size = sum(np.abs(state.both[1]).max() for state in states)
        np.testing.assert_allclose(y, g, rtol=0, atol=1e-13 * size * (k + 1))
        network.play(k)


def test_the_trackers_sum_to_the_gradients_under_quantization_up_to_its_noise(make, watch):
    """W is doubly stochastic, so only Q(y) - y can change the sum: 2^-11 relative for float16."""
    experiment = make(algorithm=TRACKING, codecs={"mix": {"id": "raw", "dtype": "float16"}})
    network, states = watch(experiment)
    for k in range(10):
        before = sum(state.both[1] for state in states)
        g = sum(experiment.problem.grad(i, s.x, None) for i, s in enumerate(states))
        error = before - g
        bound = sum(np.abs(state.both[1]) for state in states) * 2.0**-11 + 1e-12
        network.play(k)
        after = sum(state.both[1] for state in states)
        g = sum(experiment.problem.grad(i, s.x, None) for i, s in enumerate(states))
        assert (np.abs(after - g - error) <= bound).all()


def test_a_round_is_the_papers_two_lines(make, watch):
    """x+ = W x - lr y; y+ = W y + grad f(x+) - grad f(x), in numpy, on the directed graph W1."""
    experiment = make(algorithm=TRACKING, topology="w1", problem=SHUFFLED)
    network, states = watch(experiment)
    w, grad = experiment.topology.weights, experiment.problem.grad
    for k in range(20):
        x, y = (np.stack([state.both[row] for state in states]) for row in (0, 1))
        new = w @ x - 0.03 * y
        change = [grad(i, new[i], None) - grad(i, x[i], None) for i in range(5)]
        network.play(k)
        np.testing.assert_allclose(network.estimates(), new, rtol=0, atol=1e-13)
        got = np.stack([state.both[1] for state in states])
        np.testing.assert_allclose(got, w @ y + change, rtol=0, atol=1e-12)
