"""The time that a plan foretells is what the run's clock says, for every synchronous method."""

from __future__ import annotations

import pytest
from homes import channels, homes, wide

from netopt import config
from netopt.algorithms import Algorithm
from netopt.codecs.raw import Raw
from netopt.engine import lockstep
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.links import Link
from netopt.links.queue import fate
from netopt.registry import discover, find
from netopt.report import plan_links
from netopt.report.plan import plan, render
from netopt.report.plan_links import exchanges, mean_seconds
from netopt.report.text import plain

LINK = {"rate": "1 Mbit/s", "latency": "3 ms"}
HARD = {**LINK, "jitter": "1 ms", "loss": 0.2, "resend_after": "7 ms"}
SYNCHRONOUS = [name for name in discover(Algorithm) if not find(Algorithm, name).asynchronous]
GRAPHS = [{"id": "ring", "size": 5}, {"id": "star", "size": 4}, {"id": "star", "size": 2}]
PLACES = [(name, graph) for name in SYNCHRONOUS for graph in homes(name, GRAPHS)]
STILL = {"clock": "virtual", "compute": {"id": "fixed", "seconds": 0}}


def experiment(**changes):
    base = {
        "problem": {"id": "quadratic", "dimension": 7, "heterogeneity": 0.01},
        "topology": {"id": "ring", "size": 5, "link": LINK},
        "algorithm": "dgd",
        "network": STILL,
        "rounds": 5,
        "record": {"every": 1},
    }
    return config.make({**base, **changes})


def seconds(made):
    """Return the emulated seconds after the first round and after the last."""
    rows = lockstep(made, None).rows
    return rows[1]["emulated_seconds"], rows[-1]["emulated_seconds"]


@pytest.mark.parametrize("link", [LINK, HARD], ids=["sure", "chancy"])
@pytest.mark.parametrize("think", [0, "2 ms"], ids=str)
@pytest.mark.parametrize(("algorithm", "graph"), PLACES, ids=str)
def test_foretold_seconds_are_the_clocks(algorithm, graph, think, link):
    network = {"compute": {"id": "fixed", "seconds": think, "slowdown": {1: 3.0}}}
    codecs = dict.fromkeys(channels(algorithm), wide("raw"))
    graph = {**graph, "link": link}
    try:
        made = experiment(algorithm=algorithm, topology=graph, codecs=codecs, network=network)
    except ConfigError as error:
        pytest.skip(f"the method refuses it: {error}")
    found = plan(made).links.time
    if plan(made).extras:
        assert (found.bound, found.seconds <= seconds(made)[1]) == ("least", True)
        return
    assert (found.bound, found.played) == ("exact", 5)
    assert (found.first, found.seconds) == seconds(made)


def test_a_ring_takes_the_slowest_edge_that_comes_in():
    made = experiment(
        topology={"id": "ring", "size": 5, "link": LINK, "links": {"0-1": {"rate": "50 kbit/s"}}}
    )
    found, frame = plan(made).links, 32 + 56
    assert [len(one.edges) for one in found.classes] == [2, 8]
    assert found.slowest == (0, 1, 8 * frame / 5e4 + 0.003)
    assert found.edges[-1].seconds == 8 * frame / 1e6 + 0.003
    assert found.time.first == found.slowest.seconds
    assert found.time.seconds == pytest.approx(5 * found.slowest.seconds)


def test_a_star_takes_the_way_up_and_the_way_down():
    """All workers wait for the hub's uplink, one after the other."""
    star = {"id": "star", "size": 6, "link": {"latency": "1 ms"}, "uplink": {0: "100 kbit/s"}}
    made = experiment(topology=star, algorithm="gd", problem={"id": "quadratic", "dimension": 7})
    found = plan(made).links.time
    down = 8 * (32 + 56) / 1e5
    assert found.first == pytest.approx(0.001 + 5 * down + 0.001, rel=1e-12)
    assert (found.first, found.seconds) == seconds(made)


def test_shared_rates_and_radio_channels_are_foretold():
    radio = {"id": "path", "size": 4, "link": {**LINK, "duplex": "half"}}
    shared = {**GRAPHS[0], "link": LINK, "uplink": "2 Mbit/s", "downlink": "1 Mbit/s"}
    drop = {**GRAPHS[0], "link": {**HARD, "on_loss": "drop"}}
    for graph in (radio, shared, drop):
        made = experiment(topology=graph)
        found = plan(made).links.time
        assert (found.first, found.seconds) == seconds(made)


def test_with_unknown_compute_it_is_at_least_that():
    network = {"compute": {"id": "flops", "rate": 1e5}}
    made = experiment(network=network)
    found = plan(made).links.time
    assert found.bound == "least"
    assert found.seconds == plan(experiment()).links.time.seconds
    assert 0 < found.seconds < seconds(made)[1]
    text = plain(render(plan(made)))
    assert "5 rounds                   at least 18.5 ms" in text
    assert "(the links alone, without compute)" in text


def shrinking():
    """Return a codec whose size depends on the data, and may be twice what it always is."""

    class Shrinking(Raw):
        id = "shrinking"

        def nbits(self, n):
            return None

        def max_nbits(self, n):
            return 128 * n

    return Shrinking()


def test_with_frames_that_may_be_smaller_it_is_at_most_that(private_registry):
    codecs = (shrinking(),)
    for network, bound in ((STILL, "most"), ({"compute": {"id": "flops", "rate": 1e5}}, "about")):
        made = experiment(network=network)
        found = plan(made._replace(codecs=codecs)).links.time
        assert found.bound == bound
        assert found.first == 8 * (32 + 112) / 1e6 + 0.003
        text = plain(render(plan(made._replace(codecs=codecs))))
        assert "with the largest frames)" in text
    assert seconds(experiment())[1] < found.seconds


def test_a_long_run_is_foretold_from_its_first_rounds(monkeypatch):
    graph = {"id": "ring", "size": 5, "link": LINK, "links": {"0->1": {"rate": "50 kbit/s"}}}
    made = experiment(rounds=400, topology=graph, record={"every": 400})
    exact = plan(made).links.time
    assert (exact.bound, exact.played) == ("exact", 400)
    monkeypatch.setattr(plan_links, "MOST_FLIGHTS", 400)
    found = plan(made).links.time
    assert (found.bound, found.played, found.first) == ("about", 40, exact.first)
    assert found.seconds == pytest.approx(exact.seconds, rel=0.01)
    assert "(links and compute, from the first 40 rounds)" in plain(render(plan(made)))


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("on_loss", ["reliable", "drop"])
def test_the_mean_is_that_of_many_frames(loss, on_loss):
    """Six standard errors: a false alarm is rarer than 1e-8 a case."""
    times = {"latency": 0.004, "jitter": 0.003, "resend_after": 0.01}
    link = Link(rate=1e5, loss=loss, on_loss=on_loss, **times)
    once, count = link.seconds(100), 4000
    found = []
    for k in range(count):
        luck = fate(link, Key(7, Purpose.LINK, k, 0, 0, 1))
        found.append(once + 0.004 + luck.jitter + luck.resent * (once + 0.01))
    mean = sum(found) / count
    variance = sum((x - mean) ** 2 for x in found) / (count - 1)
    assert abs(mean - mean_seconds(link, 100)) <= 6 * (variance / count) ** 0.5


def test_an_exchange_ends_where_the_channel_changes_or_an_edge_recurs():
    traffic = [(1, 0, 0), (2, 0, 0), (1, 0, 0), (2, 0, 0), (0, 1, 1), (0, 2, 1)]
    up, down = [(1, 0, 50), (2, 0, 50)], [(0, 1, 90), (0, 2, 90)]
    assert exchanges(traffic, [50, 90]) == [up, up, down]
    assert exchanges([], []) == []


def test_without_links_and_clock_there_is_nothing_to_say():
    made = experiment(topology="ring-5", network={"clock": "none"})
    assert plan(made).links is None
    assert "clock" not in plain(render(plan(made)))
    lossy = {"id": "ring", "size": 5, "link": {"loss": 0.5}}
    found = plan(experiment(topology=lossy, network={"clock": "none"})).links
    assert (found.slowest, found.time, found.clock) == (None, None, "none")


def test_an_asynchronous_method_has_no_time_of_a_round():
    found = plan(experiment(algorithm="async-gossip", network={"compute": {"id": "fixed"}}))
    assert found.asynchronous
    assert found.links.time is None
    text = plain(render(found))
    assert "rounds                     each agent's own, as many as it plays by the clock" in text
    assert "a round                    1 ms, in which agents go as far as they come" in text
    assert "all edges, 5 rounds" not in text


def test_rendered_whole():
    graph = {
        "id": "ring", "size": 4, "link": LINK, "uplink": {0: "10 Mbit/s"},
        "links": {"0-1": {**HARD, "mtu": 1500, "overhead": 40, "framing": 38}},
    }  # fmt: skip
    text = plain(render(plan(experiment(topology=graph))))
    assert (
        text[text.index("links") :]
        == """\
links

  edges                rate   latency   jitter   loss         if lost      mtu   headers   a round
 ──────────────────────────────────────────────────────────────────────────────────────────────────
  0 -> 1, 1 -> 0   1 Mbit/s      3 ms     1 ms   20 %   again in 7 ms   1500 B      78 B   6.91 ms
  6 of 8           1 Mbit/s      3 ms        -      -               -        -         -    3.7 ms

clock

  clock                      virtual
  compute                    {id: fixed, seconds: 0, slowdown: 1.0}
  uplink                     10 Mbit/s of agent 0
  slowest edge               0 -> 1, 6.91 ms a round in the mean
  round 0                    13.3 ms
  5 rounds                   31.8 ms
                             (links and compute: what the run will say)

"""
    )


def test_of_many_kinds_of_links_the_slowest_are_shown():
    links = {f"{i}->{(i + 1) % 20}": {"latency": f"{i + 1} ms"} for i in range(20)}
    made = experiment(topology={"id": "ring", "size": 20, "directed": True, "links": links})
    text = plain(render(plan(made)))
    assert len(plan(made).links.classes) == 20
    assert "19 -> 0   " in text
    assert "8 -> 9    " in text
    assert "7 -> 8    " not in text
    assert "and 8 kinds that are faster" in text
