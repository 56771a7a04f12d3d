"""Agents that do not agree on who talks to whom are named, with round and exchange."""

from __future__ import annotations

from netopt.agent import Exchange
from netopt.errors import ExchangeError, NetoptError


def test_a_message_to_one_who_does_not_listen(failure):
    def round_(s, me):
        message = me.encode("mix", s.x)
        yield Exchange({1: message} if me.rank == 0 else {}, ())

    wanted = "agent 0 sends to agent 1 in round 7, exchange 0, which does not listen"
    assert failure(round_) == (ExchangeError, wanted)


def test_waiting_for_one_who_sends_nothing(failure):
    def round_(s, me):
        yield Exchange({}, (4,) if me.rank == 0 else ())

    wanted = "agent 0 waits for agent 4 in round 7, exchange 0, which sends nothing"
    assert failure(round_) == (ExchangeError, wanted)


def test_a_message_to_a_stranger(failure):
    def round_(s, me):
        message = me.encode("mix", s.x)
        yield Exchange({2: message} if me.rank == 0 else {}, (0,) if me.rank == 2 else ())

    wanted = "agent 0, round 7, exchange 0: sends to agent 2, but there is no such edge"
    assert failure(round_) == (ExchangeError, wanted)


def test_listening_to_a_stranger(failure):
    def round_(s, me):
        yield Exchange({}, (3,) if me.rank == 1 else ())

    wanted = "agent 1, round 7, exchange 0: listens to agent 3, but there is no such edge"
    assert failure(round_) == (ExchangeError, wanted)


def test_an_agent_does_not_send_to_itself(failure):
    def round_(s, me):
        yield Exchange({me.rank: me.encode("mix", s.x)}, (me.rank,))

    wanted = "agent 0, round 7, exchange 0: sends to agent 0, but there is no such edge"
    assert failure(round_) == (ExchangeError, wanted)


def test_the_wrong_direction_of_a_directed_edge(failure):
    def round_(s, me):
        message = me.encode("mix", s.x)
        yield Exchange({4: message} if me.rank == 0 else {}, (0,) if me.rank == 4 else ())

    ring = {"id": "ring", "size": 5, "directed": True}
    wanted = "agent 0, round 7, exchange 0: sends to agent 4, but there is no such edge"
    assert failure(round_, topology=ring) == (ExchangeError, wanted)


def test_the_second_exchange_is_counted(failure):
    def round_(s, me):
        yield me.share(me.encode("mix", s.x))
        yield me.share(me.encode("mix", s.x)) if me.rank != 3 else Exchange()

    wanted = "agent 2 sends to agent 3 in round 7, exchange 1, which does not listen"
    assert failure(round_) == (ExchangeError, wanted)


def test_an_agent_that_is_already_done(failure):
    def round_(s, me):
        yield me.share(me.encode("mix", s.x))
        if me.rank == 0:
            yield Exchange({}, (1,))

    wanted = "agent 0 waits for agent 1 in round 7, exchange 1, which sends nothing"
    assert failure(round_) == (ExchangeError, wanted)


def test_a_message_of_an_earlier_exchange_sent_again(failure):
    def round_(s, me):
        message = me.encode("mix", s.x)
        yield me.share(message)
        yield me.share(message)

    wanted = (
        "agent 0, round 7, exchange 1: sends agent 1 a message that agent 0 encoded in round 7, "
        "exchange 0; decode it and encode it anew"
    )
    assert failure(round_) == (ExchangeError, wanted)


def test_a_message_of_someone_else_passed_on(failure):
    def round_(s, me):
        inbox = yield me.share(me.encode("mix", s.x))
        yield Exchange({1: inbox[4]} if me.rank == 0 else {}, (0,) if me.rank == 1 else ())

    wanted = (
        "agent 0, round 7, exchange 1: sends agent 1 a message that agent 4 encoded in round 7, "
        "exchange 0; decode it and encode it anew"
    )
    assert failure(round_) == (ExchangeError, wanted)


def test_a_yield_of_something_else(failure):
    def round_(s, me):
        yield {1: me.encode("mix", s.x)}.keys()

    kind, message = failure(round_)
    assert kind is NetoptError
    assert "a round yields Exchange(...), and agent 0's yielded dict_keys([1])" in message


def test_no_message_at_all_is_a_round_too(network):
    def round_(s, me):
        yield Exchange()
        yield Exchange()

    quiet = network(round_)
    quiet.play(0)
    assert quiet.totals() == (0, 0, 0)


def test_agents_may_have_different_numbers_of_exchanges(network):
    def round_(s, me):
        if me.rank < 2:
            other = 1 - me.rank
            inbox = yield Exchange({other: me.encode("mix", s.x, to=other)}, (other,))
            s.x = s.x + me.decode(inbox[other]) + me.rank + 1

    pair = network(round_)
    pair.play(0)
    assert [x[0] for x in pair.estimates()] == [1, 2, 0, 0, 0]
    assert pair.totals() == (2 * 640, 2 * (80 + 32), 0)


def test_a_round_with_all_others_waits_for_all(failure):
    def round_(s, me):
        yield Exchange({}, (), wait="any")

    wanted = "agent 0, round 7, exchange 0: waits for 'any', and can wait for all here"
    assert failure(round_) == (ExchangeError, wanted)
