"""Asynchronous agents in lockstep: by brute force, by laws, and what waiting means."""

from __future__ import annotations

import random

import numpy as np
import pytest
from homes import home

from netopt import engine
from netopt.agent import Exchange
from netopt.algorithms import Algorithm
from netopt.algorithms.async_diana import AsyncDiana
from netopt.algorithms.async_gossip import AsyncGossip
from netopt.errors import ExchangeError
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


# What waiting means


@pytest.fixture
def paced(make):
    """Return a function: a ``round`` -> a lockstep network of agents that play it at their pace."""

    def build(round_, **changes):
        methods = {"round": lambda self, s, me: round_(s, me), "channels": Algorithm.channels}
        algorithm = type("Tiny", (Algorithm,), {**methods, "asynchronous": True})()
        network = {"compute": {"id": "fixed", "seconds": 1.0}, "tick": 1.0}
        made = make(**{"algorithm": "async-gossip", "network": network, **changes})
        built = Lockstep(made._replace(algorithm=algorithm))
        built.setup()
        return built

    return build


def played(network, ticks):
    for k in range(ticks):
        network.play(k)


def test_all_waits_for_the_last_and_any_for_the_first(paced):
    """Agents 1 and 4 send to agent 0, the one after 1 s, the other after 3 s."""
    for wait, wanted in (("any", [[1], [1], [1, 4]]), ("all", [[1, 4]])):
        got = []

        def round_(s, me, wait=wait, got=got):
            if me.rank == 0:
                heard = yield Exchange(sources=(4, 1), wait=wait)
                got.append(list(heard))
            elif me.rank in (1, 4):
                yield Exchange({0: me.encode("mix", s.x)})
            else:
                yield Exchange()

        slow = {"compute": {"id": "fixed", "seconds": 1.0, "slowdown": [0, 1, 1, 1, 3]}}
        links = {"1->0": {"latency": 0.25}, "4->0": {"latency": 0.25}}
        graph = {"id": "ring", "size": 5, "links": links}
        played(paced(round_, network={**slow, "tick": 3.5}, topology=graph), 1)
        assert got == wanted


def test_none_takes_all_that_has_come_oldest_first(paced):
    got = []

    def round_(s, me):
        if me.rank == 0:
            heard = yield Exchange(sources=(1,), wait="none")
            got.append([m.header.round for m in heard.get(1, ())])
        else:
            yield Exchange({0: me.encode("mix", s.x)} if me.rank == 1 else {})

    slow = {"compute": {"id": "fixed", "seconds": 1.0, "slowdown": [4.5, 1, 1, 1, 1]}}
    played(paced(round_, network={**slow, "tick": 10}), 1)
    # What comes at the very moment at which it looks is for the next time.
    assert got == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_what_nobody_listens_to_stays_where_it_is(paced):
    got = []

    def round_(s, me):
        if me.rank == 0:
            listens = me.round >= 3
            heard = yield Exchange(sources=(1,) if listens else (), wait="none")
            got.append(len(heard.get(1, ())))
        else:
            yield Exchange({0: me.encode("mix", s.x)} if me.rank == 1 else {})

    slow = {"compute": {"id": "fixed", "seconds": 1.0, "slowdown": [1.5, 1, 1, 1, 1]}}
    played(paced(round_, network={**slow, "tick": 8}), 1)
    assert got == [0, 0, 0, 5, 2]


@pytest.mark.parametrize("wait", ["all", "any", "none"])
def test_who_listens_to_nobody_goes_on_at_once(paced, wait):
    turns = []

    def round_(s, me):
        heard = yield Exchange(wait=wait)
        assert heard == {}
        turns.append(me.rank)

    played(paced(round_), 4)
    assert sorted(turns) == sorted([*range(5)] * 3), "the fourth round ends at the fourth tick"


def test_what_is_no_wait_is_refused(paced):
    def round_(s, me):
        yield Exchange(wait="some")

    with pytest.raises(ExchangeError) as caught:
        played(paced(round_), 1)
    assert str(caught.value) == (
        "agent 0, round 0, exchange 0: waits for 'some'; it can wait for all, any or none"
    )


@pytest.mark.parametrize("wait", ["any", "all"])
def test_agents_that_wait_for_each_other_are_named(paced, wait):
    def round_(s, me):
        yield Exchange()
        yield Exchange(sources=[j for j in me.predecessors if abs(j - me.rank) == 1][:1], wait=wait)

    with pytest.raises(ExchangeError) as caught:
        played(paced(round_, topology={"id": "path", "size": 2}), 5)
    assert str(caught.value) == (
        "agents wait for each other, and none can go on: agent 0 waits for agent 1 in round 0, "
        "exchange 1 of its own; agent 1 waits for agent 0 in round 0, exchange 1 of its own"
    )


def test_two_who_wait_for_each_other_are_named_while_others_go_on(paced):
    def round_(s, me):
        if me.rank in (0, 1):
            yield Exchange(sources=(1 - me.rank,), wait="any")
        else:
            yield Exchange()

    with pytest.raises(ExchangeError, match="none can go on: agent 0 waits for agent 1 in round 0"):
        played(paced(round_), 5)


def test_many_who_wait_are_counted(paced):
    def round_(s, me):
        yield Exchange(sources=me.predecessors, wait="any")

    with pytest.raises(ExchangeError) as caught:
        played(paced(round_, topology={"id": "ring", "size": 9}), 1)
    told = str(caught.value)
    assert "agent 0 waits for agent 1 or agent 8 in round 0, exchange 0 of its own; " in told
    assert told.endswith("; and so do 5 more")


def test_who_waits_for_one_that_may_send_is_not_dead(paced):
    """Agent 1 waits for agent 0, which sends only in its round 5."""
    turns = []

    def round_(s, me):
        if me.rank == 0:
            sends = me.round == 5
            yield Exchange({1: me.encode("mix", s.x)} if sends else {})
        else:
            yield Exchange(sources=(me.rank - 1,), wait="any")
            turns.append(me.rank)
            yield Exchange({me.rank + 1: me.encode("mix", s.x)} if me.rank < 3 else {})

    graph = {"id": "path", "size": 4}
    played(paced(round_, topology=graph), 5)
    assert turns == []
    played(paced(round_, topology=graph), 12)
    assert turns == [1, 2, 3]


def test_who_waits_for_a_frame_that_was_lost_is_named(paced):
    def round_(s, me):
        if me.rank == 0:
            yield Exchange({1: me.encode("mix", s.x)})
            yield Exchange(sources=(1,), wait="any")
        else:
            yield Exchange(sources=(0,), wait="any")
            yield Exchange({0: me.encode("mix", s.x)})

    link = {"loss": 0.5, "on_loss": "drop", "latency": 0.1}
    with pytest.raises(ExchangeError, match="agents wait for each other, and none can go on"):
        played(paced(round_, topology={"id": "path", "size": 2, "link": link}), 99)


def test_who_goes_round_in_circles_is_told(make):
    network = Lockstep(
        make(
            algorithm="async-gossip", network={"compute": {"id": "fixed", "seconds": 0}, "tick": 1}
        )
    )
    network.setup()
    with pytest.raises(ExchangeError) as caught:
        network.play(0)
    assert str(caught.value) == (
        "agent 0 has gone on 10000 times and no time has passed; give network.compute seconds "
        "above 0"
    )


def test_who_is_asked_first_of_those_who_go_on_at_one_moment_does_not_matter(paced):
    """Agents 0 and 2 go on in the same moment: what leaves in it arrives after it, for both."""
    found = []
    for hub in (0, 2):
        got, other = [], 2 - hub

        def round_(s, me, hub=hub, other=other, got=got):
            if me.rank == hub:
                heard = yield Exchange(sources=me.predecessors, wait="any")
                got.append({"timed" if j == 1 else "answering" for j in heard})
                yield Exchange({other: me.encode("mix", s.x)})
            elif me.rank == other:
                yield Exchange({hub: me.encode("mix", s.x)})
                yield Exchange(sources=(hub,))
            else:
                yield Exchange({hub: me.encode("mix", s.x)})

        compute = {"id": "fixed", "seconds": 1.0, "slowdown": {hub: 0, other: 0}}
        graph = {"id": "complete", "size": 3, "links": {f"{hub}->{other}": {"latency": 1.0}}}
        played(paced(round_, network={"compute": compute, "tick": 3.5}, topology=graph), 1)
        found.append(got)
    assert found[0] == found[1]
    assert found[0][0] == {"answering"}
    assert {"timed", "answering"} in found[0]


def test_the_engine_ends_a_deadlock(make):
    def round_(self, s, me):
        yield Exchange(sources=me.predecessors, wait="any")

    cls = type("Silent", (AsyncGossip,), {"round": round_, "channels": AsyncGossip.channels})
    made = make(algorithm="async-gossip", rounds=10**6)._replace(algorithm=cls())
    with pytest.raises(ExchangeError, match="agents wait for each other, and none can go on"):
        engine.play(made, Lockstep(made), None)
