"""Asynchronous DIANA: what the hub knows, where it gets to, and what it refuses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from netopt import config, engine
from netopt.algorithms.async_diana import AsyncDiana
from netopt.algorithms.diana import Diana
from netopt.errors import ConfigError
from netopt.network.lockstep import Lockstep

LINK = {"latency": "1 ms", "jitter": "2 ms"}
JOB = {
    "problem": {"id": "quadratic", "dimension": 20},
    "topology": {"id": "star", "size": 5, "link": LINK},
    "algorithm": "async-diana",
    "network": {"compute": {"id": "fixed", "seconds": "2 ms", "slowdown": {4: 10}}},
    "seed": 3,
}


@pytest.mark.parametrize("alpha", ["theory", 0.3, 1.0])
def test_the_hub_keeps_the_mean_of_the_newest_gradients(alpha):
    """The shifts that the hub never sees, rebuilt from all that was sent: g_j = h_j + q_j."""
    options = {"lr": 0.01, "alpha": alpha}
    experiment = config.make({**JOB, "algorithm": {"id": "async-diana", **options}})
    n, d = 4, 20
    h, g, steps = np.zeros((n + 1, d)), np.zeros((n + 1, d)), []

    class Watched(AsyncDiana):
        def learn(self, s, me, i, q):
            q_new = q.copy()
            super().learn(s, me, i, q)
            g[i] = h[i] + q_new
            h[i] += s.alpha * q_new
            np.testing.assert_allclose(s.mean, g.sum(axis=0) / n, atol=1e-10)
            steps.append(i)

    network = Lockstep(experiment._replace(algorithm=Watched(**options)))
    network.setup()
    for k in range(300):
        network.play(k)
    assert len(steps) > 300
    assert 0 < steps.count(4) < 0.2 * len(steps), "the straggler is heard, and seldom"
    # What a worker has sent and the hub has not heard yet, its own shift knows already.
    hub, *workers = network._states
    same = [np.allclose(s.h, h[i], atol=1e-10) for i, s in enumerate(workers, start=1)]
    assert any(same)
    assert sorted(hub.last) == [1, 2, 3, 4]
    assert all(s.last == {} for s in workers), "only the hub keeps n vectors"


@pytest.mark.parametrize("slowdown", [1, {4: 10}])
@pytest.mark.parametrize("curvature", ["same", "shuffled"])
def test_it_gets_to_the_minimiser_to_rounding_with_unbiased_messages(slowdown, curvature):
    compute = {"id": "fixed", "seconds": "2 ms", "slowdown": slowdown}
    raw = {**JOB, "network": {"compute": compute}, "rounds": 1800, "record": {"every": 200}}
    raw["problem"] = {"id": "quadratic", "dimension": 20, "kappa": 5, "curvature": curvature}
    rows = engine.lockstep(config.make(raw), None).rows
    distance = [row["distance"] for row in rows]
    assert distance[-1] < 1e-10 * distance[0]
    # Linearly: some digits in each stretch, as long as there are any left.
    stretches = [b / a for a, b in pairwise(distance) if a > 1e-9]
    assert len(stretches) > 2
    assert max(stretches) < 0.2


@pytest.mark.parametrize(("lr", "grows"), [("theory", True), (1e-4, False)])
def test_a_steep_worker_that_is_much_slower_wants_a_smaller_step(lr, grows):
    compute = {"id": "fixed", "seconds": "2 ms", "slowdown": {4: 300}}
    raw = {**JOB, "network": {"compute": compute}, "rounds": 5000, "record": {"every": 5000}}
    raw["problem"] = {"id": "quadratic", "dimension": 20, "kappa": 100, "curvature": "shuffled"}
    raw["algorithm"] = {"id": "async-diana", "lr": lr}
    first, last = (row["distance"] for row in engine.lockstep(config.make(raw), None).rows)
    assert (last > 2 * first) == grows
    assert grows or last < first


def test_theory_says_diana_s_step_over_n():
    experiment = config.make(JOB)
    args = experiment.problem, experiment.codecs[0], 4
    assert AsyncDiana().theory(*args) == Diana().theory(*args) / 4


def test_a_hub_that_works_is_refused():
    with pytest.raises(ConfigError) as caught:
        config.make({**JOB, "algorithm": {"id": "async-diana", "hub_works": True}})
    assert str(caught.value) == (
        "$.algorithm.hub_works: async-diana has a hub that answers at once; leave hub_works false"
    )


def test_a_graph_without_a_hub_is_refused():
    with pytest.raises(ConfigError, match="async-diana needs a hub: agent 0 linked both ways"):
        config.make({**JOB, "topology": "ring-5"})


def test_links_that_drop_are_refused():
    graph = {"id": "star", "size": 5, "link": {"loss": 0.1, "on_loss": "drop"}}
    with pytest.raises(ConfigError, match="drops frames, and async-diana cannot do without one"):
        config.make({**JOB, "topology": graph})
