"""What an asynchronous exchange waits for, and what happens to agents that wait in vain."""

from __future__ import annotations

import pytest

from netopt import engine
from netopt.agent import Exchange
from netopt.algorithms import Algorithm
from netopt.algorithms.async_gossip import AsyncGossip
from netopt.errors import ExchangeError
from netopt.network.lockstep import Lockstep


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

    slow = {"compute": {"id": "fixed", "seconds": 1.0, "slowdown": [4, 1, 1, 1, 1]}}
    graph = {"id": "ring", "size": 5, "link": {"latency": 1.0}}
    played(paced(round_, network={**slow, "tick": 8.5}, topology=graph), 1)
    # What comes at the very moment at which it looks, after 4 s, is for the next time.
    assert got == [[0, 1], [2, 3, 4, 5]]


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
        "agent 0, round 0, exchange 0: waits for 'some', and can wait for all or any or none here"
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
