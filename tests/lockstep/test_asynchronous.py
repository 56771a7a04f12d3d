"""Asynchronous agents in lockstep: by brute force, and by laws of all such methods."""

from __future__ import annotations

import random

import numpy as np
import pytest
from homes import home

from netopt.algorithms import Algorithm
from netopt.algorithms.async_diana import AsyncDiana
from netopt.algorithms.async_gossip import AsyncGossip
from netopt.network.lockstep import Lockstep
from netopt.registry import discover

from .pace import Diana, Gossip

ASYNCHRONOUS = sorted(name for name, cls in discover(Algorithm).items() if cls.asynchronous)
every = pytest.mark.parametrize("name", ASYNCHRONOUS)
SMALL = {"problem": {"id": "quadratic", "dimension": 3}, "seed": 4, "rounds": 30}
JITTER = {"latency": "1 ms", "jitter": "7 ms"}
LINKS = {
    "ideal": {},
    "latency": {"link": {"latency": "2500 us"}},
    "rate": {"link": {"rate": "100 kbit/s"}},
    "slow": {"link": {"rate": "20 kbit/s", "latency": "1 ms"}},
    "jitter": {"link": {"rate": "1 Mbit/s", **JITTER}},
    "loss": {"link": {**JITTER, "loss": 0.3, "resend_after": "3 ms"}},
    "slow-loss": {"link": {"rate": "40 kbit/s", "loss": 0.3, "resend_after": "1 ms"}},
    "uplink": {"uplink": "200 kbit/s", "link": JITTER},
    "both": {"uplink": "100 kbit/s", "link": {"rate": "80 kbit/s", **JITTER, "loss": 0.2}},
    "one": {"link": JITTER, "links": {"0-1": {"latency": "40 ms"}, "2->0": {"rate": "9 kbit/s"}}},
}
DROPS = {"drop": {"link": {**JITTER, "loss": 0.4, "on_loss": "drop"}}}
links = pytest.mark.parametrize("cables", LINKS)


def fixed(*slowdown, seconds="2 ms", **more):
    return {"compute": {"id": "fixed", "seconds": seconds, "slowdown": list(slowdown)}, **more}


def watched(base, log):
    """Return the method with each inbox noted: own round, and by source rounds and ages."""

    def round_(self, s, me):
        inner = base.round(self, s, me)
        wish = next(inner)
        while True:
            heard = yield wish
            if wish.wait != "all":
                got = {j: [(m.header.round, me.age(m)) for m in ms] for j, ms in heard.items()}
                if wish.sources:
                    log.append((me.rank, me.round, got))
            try:
                wish = inner.send(heard)
            except StopIteration:
                return

    return type("Watched", (base,), {"round": round_, "channels": base.channels})


def compare(experiment, network, oracle, log, ticks):
    """Play both tick by tick."""
    tick = experiment.tick
    network.setup()
    for k in range(ticks):
        network.play(k)
        oracle.world.run((k + 1) * tick)
        np.testing.assert_allclose(network.estimates(), oracle.x, rtol=1e-11, atol=1e-13)
        assert network.emulated() == (k + 1) * tick
    assert sorted(log, key=lambda entry: entry[:2]) == sorted(oracle.log, key=lambda e: e[:2])
    assert network.books()[0].total().frames == oracle.frames


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cables", LINKS | DROPS)
def test_gossip_is_what_a_simulation_by_hand_gives(make, cables, seed):
    rng, log = random.Random(seed), []
    slow = [rng.uniform(0.3, 4) for _ in range(6)]
    graph = {"id": "complete" if cables == "one" else "erdos-renyi", "size": 6}
    graph |= {} if cables == "one" else {"p": 0.5, "seed": seed}
    graph |= (LINKS | DROPS)[cables]
    tick = rng.choice([0.0007, 0.005, 0.0333])
    experiment = make(
        **SMALL, algorithm="async-gossip", topology=graph, network=fixed(*slow, tick=tick)
    )
    experiment = experiment._replace(algorithm=watched(AsyncGossip, log)())
    network = Lockstep(experiment)
    oracle = Gossip(experiment, network.estimates(), [0.002 * f for f in slow])
    compare(experiment, network, oracle, log, 12)
    if seed == 0 and cables != "ideal":
        ages = [age for _, _, heard in log for letters in heard.values() for _, age in letters]
        assert not ages or max(ages) > min(ages) or max(ages) > 0


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("seed", range(2))
@links
def test_diana_is_what_a_simulation_by_hand_gives(make, cables, seed, short):
    rng, log = random.Random(seed), []
    slow = [1.0, *(rng.uniform(0.3, 4) for _ in range(4))]
    lr, alpha = 0.02, 0.4
    experiment = make(
        **SMALL,
        algorithm={"id": "async-diana", "lr": lr, "alpha": alpha},
        topology={"id": "star", "size": 5, **LINKS[cables]},
        codecs={"up": {"id": "raw", "dtype": "float32" if short else "float64"}},
        network=fixed(*slow, tick=rng.choice([0.0007, 0.005, 0.0333])),
    )
    experiment = experiment._replace(algorithm=watched(AsyncDiana, log)(lr=lr, alpha=alpha))
    network = Lockstep(experiment)
    pace = [0.002 * f for f in slow]
    oracle = Diana(experiment, network.estimates(), pace, lr, alpha, short)
    compare(experiment, network, oracle, log, 12)


def test_workers_alike_are_served_together(make):
    log, lr = [], 0.02
    experiment = make(
        **SMALL,
        algorithm={"id": "async-diana", "lr": lr, "alpha": 1.0},
        topology={"id": "star", "size": 5},
        codecs={"up": "raw"},
        network=fixed(*[1.0] * 5),
    )
    experiment = experiment._replace(algorithm=watched(AsyncDiana, log)(lr=lr, alpha=1.0))
    network = Lockstep(experiment)
    oracle = Diana(experiment, network.estimates(), [0.002] * 5, lr, 1.0, False)
    compare(experiment, network, oracle, log, 10)
    assert all(len(heard) == 4 for _, _, heard in log)


# Laws of all asynchronous methods


def run_file(name, **changes):
    graph = home(name, ({"id": "ring", "size": 5}, {"id": "star", "size": 5}))
    link = {"rate": "1 Mbit/s", "latency": "1 ms", "jitter": "4 ms", "loss": 0.2}
    return {
        **SMALL,
        "problem": {"id": "quadratic", "dimension": 20},
        "algorithm": name,
        "topology": {**graph, "link": {**link, "resend_after": "5 ms"}, "uplink": "2 Mbit/s"},
        "network": {"compute": {"id": "fixed", "seconds": "2 ms", "slowdown": {2: 10}}},
        **changes,
    }


@every
def test_rows_do_not_depend_on_how_often_they_are_written(rows, name):
    often = {row["round"]: row for row in rows(**run_file(name, record={"every": 1}))}
    for apart in (7, 30, 99):
        for row in rows(**run_file(name, record={"every": apart})):
            assert row == often[row["round"]]


@every
def test_the_trajectory_does_not_depend_on_the_tick(make, name):
    """48 ms in 3, 24 or 96 ticks: the same estimates, and the same frames."""
    ends = []
    for ticks in (3, 24, 96):
        network = {**run_file(name)["network"], "tick": 0.048 / ticks}
        played = Lockstep(make(**run_file(name, network=network)))
        played.setup()
        for k in range(ticks):
            played.play(k)
        assert played.emulated() == pytest.approx(0.048)
        ends.append((played.estimates().tobytes(), played.books()[0].counts.tobytes()))
    assert ends[0] == ends[1] == ends[2]


@every
def test_two_runs_are_alike_to_the_last_bit(rows, name):
    assert rows(**run_file(name)) == rows(**run_file(name))


@every
def test_what_is_sent_is_received_also_what_is_on_its_way(play, name):
    late = {"latency": "1 s"}
    graph = {**run_file(name)["topology"], "link": late}
    outcome = play(**run_file(name, topology=graph))
    assert outcome.summary["sent_equals_received"]
    assert outcome.sent.total().frames > 0


@every
@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ({"emulated_seconds": "13 ms"}, "emulated_seconds"),
        ({"bits": 3000}, "bits"),
        ({"loss": 1e9}, "loss"),
        ({"rounds": 3}, "rounds"),
    ],
)
def test_it_stops_when_it_shall(play, name, stop, reason):
    summary = play(**run_file(name, stop=stop, record={"every": 1})).summary
    assert summary["stopped_by"] == reason
    assert summary["rounds"] < 30
    assert summary["sent_equals_received"]
