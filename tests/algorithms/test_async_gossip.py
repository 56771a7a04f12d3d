"""Asynchronous gossip: all come to agree, on a weighted mean of where they started."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.network.lockstep import Lockstep

AGENTS, TICKS = 5, 250
DELAYS = {"latency": "5 ms", "jitter": "12 ms"}
CABLES = {
    "ideal": {},
    "latency": {"link": {"latency": "3 ms"}},
    "jitter": {"link": DELAYS},
    "slow": {"link": {"rate": "700 kbit/s", **DELAYS}},
    "resent": {"link": {**DELAYS, "loss": 0.3, "resend_after": "1 ms"}},
    "dropped": {"link": {**DELAYS, "loss": 0.3, "on_loss": "drop"}},
    "one": {"links": {"0->1": {"latency": "60 ms"}}},
}


@pytest.fixture
def ends(make):
    """Return a function: a graph and slowdowns -> the estimates at first and at last."""

    def of(graph, slowdown, ticks=TICKS, codec="raw"):
        compute = {"id": "fixed", "seconds": "2 ms", "slowdown": slowdown}
        network = Lockstep(
            make(
                algorithm="async-gossip",
                topology=graph,
                codecs={"mix": codec},
                network={"compute": compute},
            )
        )
        network.setup()
        first = network.estimates()
        for k in range(ticks):
            network.play(k)
        return first, network.estimates()

    return of


def shares(first, last):
    """Return c with last = sum_i c_i first_i: d coordinates, and fewer agents."""
    c, *_ = np.linalg.lstsq(first.T, last, rcond=None)
    np.testing.assert_allclose(c @ first, last, atol=1e-8)
    return c


@pytest.mark.parametrize("cables", CABLES)
@pytest.mark.parametrize("slowdown", [[1, 1.3, 2, 0.7, 1], [1, 1, 10, 1, 1]])
def test_all_agree_on_a_convex_combination_whatever_the_delays(ends, cables, slowdown):
    graph = {"id": "ring", "size": AGENTS, **CABLES[cables]}
    first, last = ends(graph, slowdown, 4 * TICKS)
    assert np.ptp(last, axis=0).max() < 1e-12, "to rounding"
    c = shares(first, last.mean(axis=0))
    assert c.min() > 0
    assert c.sum() == pytest.approx(1, abs=1e-9)


def test_a_directed_graph_will_do(ends):
    first, last = ends({"id": "w1", "link": DELAYS}, 1.0, 3 * TICKS)
    assert np.ptp(last, axis=0).max() < 1e-12
    assert (last >= first.min(axis=0)).all()
    assert (last <= first.max(axis=0)).all()


def test_the_slow_weigh_more_and_the_mean_drifts(ends):
    first, last = ends({"id": "ring", "size": AGENTS}, [1, 1, 10, 1, 1], 3 * TICKS)
    c = shares(first, last[0])
    assert c.argmax() == 2
    assert c[2] > 2 * np.delete(c, 2).max()
    assert np.linalg.norm(last[0] - first.mean(axis=0)) > 0.1


@pytest.mark.parametrize("cables", ["ideal", "latency"])
def test_where_all_are_alike_it_is_the_mean(ends, cables):
    first, last = ends({"id": "ring", "size": AGENTS, **CABLES[cables]}, 1.0)
    np.testing.assert_allclose(last, np.tile(first.mean(axis=0), (AGENTS, 1)), atol=1e-9)


@pytest.mark.parametrize("ticks", [1, 3, 10, 40])
def test_nobody_leaves_the_hull_of_the_starting_points(ends, ticks):
    first, last = ends({"id": "ring", "size": AGENTS, "link": DELAYS}, [1, 3, 1, 0.5, 1], ticks)
    assert (last >= first.min(axis=0) - 1e-12).all()
    assert (last <= first.max(axis=0) + 1e-12).all()


def test_a_grid_leaves_them_apart_by_a_step_of_it_at_most(ends):
    wide = {"id": "uniform", "bits": 8, "range": 8.0}
    _, last = ends({"id": "ring", "size": AGENTS, "link": DELAYS}, 1.0, codec=wide)
    assert np.ptp(last, axis=0).max() < 16 / 255


def test_before_it_hears_anyone_an_agent_stays_where_it_is(ends):
    first, last = ends({"id": "ring", "size": AGENTS, "link": {"latency": "1 s"}}, 1.0, 40)
    np.testing.assert_allclose(last, first, rtol=1e-12)


def test_agents_that_are_faster_than_their_links_hear_ever_older_news(ends):
    """A frame of 112 bytes takes 3 ms, and one is sent every 2 ms: no bound on delays."""
    graph = {"id": "ring", "size": AGENTS, "link": {"rate": "300 kbit/s"}}
    apart = [np.ptp(ends(graph, 1.0, ticks)[1], axis=0).max() for ticks in (100, 200, 400)]
    bounded = {**graph, "link": {"rate": "600 kbit/s"}}
    assert apart[0] > apart[2] > 1e-9
    assert np.ptp(ends(bounded, 1.0, 400)[1], axis=0).max() < 1e-12
