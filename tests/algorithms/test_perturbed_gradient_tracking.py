"""Perturbed gradient tracking against a transcription, and off the saddle where tracking stays."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from netopt.core import packing
from netopt.keys import BROADCAST, Key, Purpose

LR, PERIOD, RADIUS, THRESHOLD = 0.1, 20, 0.2, 0.05
ID = "perturbed-gradient-tracking"
KICKED = {"id": ID, "lr": LR, "period": PERIOD, "radius": RADIUS, "threshold": THRESHOLD}
LOG_2 = math.log(2)
SADDLE = {"problem": {"id": "saddle", "at": [1, -1]}, "topology": "w1"}


def gradients(experiment, x):
    return np.stack([experiment.problem.grad(i, v, None) for i, v in enumerate(x)])


def kick(k, d):
    """The point of round k in the ball: a normal direction, and a radius of density r^(d-1)."""
    common = Key(1, Purpose.NOISE, k, sender=BROADCAST).generator()
    direction = common.standard_normal(d)
    return RADIUS * common.random() ** (1 / d) * direction / np.linalg.norm(direction)


def transcribed(experiment, rounds):
    """Yield X, Y and who was kicked; a row is an agent."""
    w = experiment.topology.weights
    x = np.stack([experiment.problem.start()] * len(w))
    y, last = gradients(experiment, x), np.full_like(x, np.inf)
    for k in range(rounds):
        small = np.linalg.norm(y, axis=1) <= THRESHOLD
        due = small & (np.linalg.norm(x - last, axis=1) > RADIUS) & (k % PERIOD == 0)
        last[due] = x[due]
        new = w @ x - LR * y + due[:, None] * kick(k, x.shape[1])
        y = w @ y + gradients(experiment, new) - gradients(experiment, x)
        x = new
        yield x, y, due


def test_a_round_is_the_formula_and_agents_are_kicked_when_it_says(make, watch):
    experiment = make(algorithm=KICKED, **SADDLE)
    network, states = watch(experiment)
    kicks = []
    for k, (x, y, due) in enumerate(transcribed(experiment, 300)):
        before, here = [s.last.copy() for s in states], network.estimates()
        network.play(k)
        kicks.append(due)
        np.testing.assert_allclose(network.estimates(), x, rtol=0, atol=1e-10)
        np.testing.assert_allclose([s.both[1] for s in states], y, rtol=0, atol=1e-10)
        moved = [not np.array_equal(s.last, b) for s, b in zip(states, before, strict=True)]
        assert moved == due.tolist()
        assert all(np.array_equal(states[i].last, here[i]) for i in np.flatnonzero(due))
    total = np.sum(kicks, axis=0)
    assert (total >= 2).all(), "at the saddle, and at the minimum that it leads to"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_leaves_the_saddle_where_gradient_tracking_stays(play, seed):
    rounds = {"rounds": 600, "seed": seed, **SADDLE}
    tracking = play(algorithm={"id": "gradient-tracking", "lr": LR}, **rounds)
    assert 0 <= tracking.rows[-1]["loss"] - LOG_2 < 1e-9
    kicked = play(algorithm=KICKED, **rounds)
    assert kicked.rows[-1]["loss"] < 0.3251  # the minimum is 0.32508
    again = play(algorithm=KICKED | {"threshold": 0}, **rounds)
    assert again.x.tobytes() == tracking.x.tobytes(), "never kicked, it is gradient tracking"


def test_at_a_minimum_one_kick_is_all_and_the_minimum_is_exact(make, watch):
    """The strongly convex quadratic: a kick comes back, so that no other one follows."""
    problem = {"id": "quadratic", "curvature": "shuffled"}
    experiment = make(algorithm=KICKED | {"lr": 0.03}, problem=problem, topology="ring-5")
    network, states = watch(experiment)
    places = []
    for k in range(700):
        network.play(k)
        places.append(states[0].last.copy())
    assert len({place.tobytes() for place in places}) == 2, "none, and the one kick's"
    best = experiment.problem.minimum()
    np.testing.assert_allclose(network.estimates(), [best] * 5, rtol=0, atol=1e-10)


@pytest.mark.parametrize("codec", ["raw", "switching", {"id": "raw", "dtype": "float16"}], ids=str)
def test_the_trackers_sum_to_the_gradients_up_to_what_a_message_loses(make, watch, codec):
    """W is doubly stochastic: sum y+ - sum grad(x+) = sum Q(y) - sum grad(x), kicks or not."""
    experiment = make(algorithm=KICKED, codecs={"mix": codec}, **SADDLE)
    network, states = watch(experiment)
    quantizer = experiment.codecs[0]
    for k in range(120):
        y = [s.both[1].copy() for s in states]
        lost = -gradients(experiment, network.estimates()).sum(axis=0)
        for i, v in enumerate(y):
            key = Key(1, Purpose.ROUNDING, k, 0, i, part=1)
            lost += quantizer.decode(quantizer.encode(v, key), 2, key)
        network.play(k)
        total = sum(s.both[1] for s in states) - lost
        wanted = gradients(experiment, network.estimates()).sum(axis=0)
        np.testing.assert_allclose(total, wanted, rtol=0, atol=1e-13)


def test_a_kick_is_the_same_for_all_agents_and_costs_no_bits(play, make, watch):
    experiment = make(algorithm=KICKED, problem={"id": "saddle", "at": [0, 0]}, topology="w1")
    network, states = watch(experiment)
    network.play(0)
    for state in states:
        np.testing.assert_allclose(state.x, kick(0, 2), rtol=1e-15, atol=0)
    kicked, plain = (play(algorithm=a, **SADDLE).sent for a in (KICKED, "gradient-tracking"))
    assert kicked.counts.tolist() == plain.counts.tolist()


@pytest.mark.parametrize("d", [1, 2, 5])
def test_kicks_fill_the_ball_evenly(make, watch, d):
    """(||xi|| / radius)^d is uniform: its mean over 4000 kicks is 1/2 to within 0.05.

    Hoeffding: a false alarm in 2 exp(-2 4000 0.05^2) = 4e-9 of the seeds; as for every coordinate.
    """
    problem = {"id": "quadratic", "dimension": d, "heterogeneity": 0}
    experiment = make(algorithm=KICKED, problem=problem)
    network, _ = watch(experiment)
    agent, method, out = network._agents[0], experiment.algorithm, np.empty(d)
    draws = []
    for k in range(4000):
        agent.begin(k)
        draws.append(method.kick(agent, out).copy())
    sizes = np.linalg.norm(draws, axis=1) / RADIUS
    assert sizes.max() <= 1 + 1e-12
    assert abs(np.mean(sizes**d) - 0.5) < 0.05
    assert np.abs(np.mean(draws, axis=0) / (2 * RADIUS)).max() < 0.05


@pytest.mark.skipif(packing.implementation != "c", reason="numpy's core allocates")
def test_a_kick_allocates_no_vector(make, watch):
    """As in test_allocations, which sees rounds without a kick only."""
    d = 200_000
    problem = {"id": "quadratic", "dimension": d, "heterogeneity": 0}
    experiment = make(algorithm=KICKED | {"threshold": 1e9}, problem=problem)
    network, states = watch(experiment)
    method, agent = experiment.algorithm, network._agents[0]
    agent.begin(0)
    method.kick(agent, states[0].spare[0])
    tracemalloc.start()
    try:
        assert method.stuck(states[0])
        method.kick(agent, states[0].spare[0])
        assert tracemalloc.get_traced_memory()[1] < d
    finally:
        tracemalloc.stop()
