"""Consensus keeps the mean and forgets the rest at the speed of the second singular value."""

from __future__ import annotations

import numpy as np
import pytest

GRAPHS = ["ring-5", "w1", "w2", "star-8", "hypercube-3"]


def spread(x):
    return np.linalg.norm(x - x.mean(axis=0))


@pytest.mark.parametrize("topology", GRAPHS)
def test_the_mean_stays_and_the_spread_shrinks_by_the_second_singular_value(make, watch, topology):
    experiment = make(algorithm="consensus", topology=topology)
    network, _ = watch(experiment)
    second = np.linalg.svd(experiment.topology.weights, compute_uv=False)[1]
    mean = network.estimates().mean(axis=0)
    for k in range(30):
        before = spread(network.estimates())
        network.play(k)
        assert spread(network.estimates()) <= second * before + 1e-14
        np.testing.assert_allclose(network.estimates().mean(axis=0), mean, rtol=0, atol=1e-14)


def test_the_rate_is_reached_on_a_symmetric_graph(make, watch):
    """In the end the spread shrinks by |lambda_2| a round; 25 rounds show it to 6 digits."""
    experiment = make(algorithm="consensus", topology="ring-5")
    network, _ = watch(experiment)
    for k in range(25):
        network.play(k)
    before = spread(network.estimates())
    network.play(25)
    second = sorted(np.abs(np.linalg.eigvalsh(experiment.topology.weights)))[-2]
    assert spread(network.estimates()) / before == pytest.approx(second, rel=1e-6)


def test_a_round_is_a_product_with_w(make, watch):
    experiment = make(algorithm="consensus", topology="w1")
    network, _ = watch(experiment)
    x = network.estimates()
    for k in range(10):
        network.play(k)
        x = experiment.topology.weights @ x
        np.testing.assert_allclose(network.estimates(), x, rtol=0, atol=1e-14)


def test_agents_start_apart_by_the_spread_that_was_asked_for(make, watch):
    """Standard deviation over 5 x 4000 normal draws: 6 sigma = 3 %, a false alarm in 10^8 seeds."""
    big = {"id": "quadratic", "dimension": 4000}
    network, states = watch(make(algorithm={"id": "consensus", "spread": 2}, problem=big))
    x = network.estimates()
    assert len({state.x.tobytes() for state in states}) == 5
    assert np.std(x) == pytest.approx(2, rel=0.03)
    network, _ = watch(make(algorithm={"id": "consensus", "spread": 0}, problem=big))
    assert not network.estimates().any()
