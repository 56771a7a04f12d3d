"""What an agent accepts: the frame that it expects at this place of the run, and no other."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.agent import Exchange
from netopt.errors import FrameError, RangeError
from netopt.frame import HEADER_BYTES, parse, seal
from netopt.keys import BROADCAST, Key, Purpose

X = np.linspace(-1, 1, 11)


def message_of(receiver, frame, source=1):
    with pytest.raises(FrameError) as caught:
        receiver.accept(frame, source)
    return str(caught.value)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"round": 5}, "round 5 expected, got 6"),
        ({"exchange": 0}, "exchange 0 expected, got 1"),
    ],
)
def test_a_frame_from_another_place_of_the_run_is_refused(agent, place, message):
    frame = agent("qsgd", rank=1).encode("mix", X).frame
    receiver = agent("qsgd")
    for name, value in place.items():
        setattr(receiver, name, value)
    assert message_of(receiver, frame) == message


def test_a_frame_of_another_sender_codec_or_size_is_refused(agent):
    frame = agent("qsgd", rank=1).encode("mix", X).frame
    assert message_of(agent("qsgd"), frame, 4) == "sender 4 expected, got 1"
    finer = agent({"id": "qsgd", "levels": 11})
    wanted, got = (a.codec("mix").fingerprint() for a in (finer, agent("qsgd")))
    assert message_of(finer, frame) == f"codec {wanted} expected, got {got}"
    assert message_of(agent("qsgd", d=12), frame) == "count 12 expected, got 11"
    assert message_of(agent("qsgd", vectors=2), frame) == "vectors 2 expected, got 1"


def test_a_channel_that_does_not_exist_is_refused(agent):
    sender = agent("qsgd", rank=1)
    frame = sender.encode("mix", X).frame
    seal(frame, parse(frame)._replace(channel=1))
    assert message_of(agent("qsgd"), frame) == "channel 1 expected below 1"


@pytest.mark.parametrize("spec", ["raw", "qsgd", "switching", "uniform"])
@pytest.mark.parametrize("to", [None, 0])
def test_all_receivers_and_the_sender_decode_the_same(agent, spec, to):
    sender = agent(spec, rank=1)
    own = sender.encode("mix", X, to)
    got = agent(spec).accept(own.frame.copy(), 1)
    assert got.receiver == (BROADCAST if to is None else 0)
    assert agent(spec).decode(got).tobytes() == sender.decode(own).tobytes()
    assert len(own.frame) == HEADER_BYTES + own.header.payload_bytes


def test_every_vector_of_a_frame_has_a_scale_and_roundings_of_its_own(agent):
    sender = agent("switching", rank=1, vectors=2)
    same = sender.decode(sender.encode("mix", np.stack([X, X])))
    assert (same[0] != same[1]).any()
    rows = np.stack([X, 1000 * X])
    decoded = sender.decode(sender.encode("mix", rows))
    step = np.linalg.norm(rows, axis=1, keepdims=True) / 10 * (1 + 1e-6)
    assert (np.abs(decoded - rows) <= step).all()
    codec, key = sender.codec("mix"), Key(7, Purpose.ROUNDING, 6, 1, 1)
    for part in (0, 1):
        k = key._replace(part=part)
        wanted = codec.decode(codec.encode(rows[part], k), 11, k)
        assert decoded[part].tobytes() == wanted.tobytes()


def test_a_message_to_one_agent_rounds_differently_from_one_to_all(agent):
    sender, x = agent("switching", rank=1, d=64), np.random.default_rng(1).standard_normal(64)
    payloads = {sender.encode("mix", x, to).frame[HEADER_BYTES:].tobytes() for to in (None, 0, 2)}
    assert len(payloads) == 3


@pytest.mark.parametrize("spec", ["raw", "qsgd", "switching", "uniform"])
def test_a_column_of_a_matrix_is_sent_like_any_vector(agent, spec):
    matrix = np.stack([X, np.full(11, np.nan)], axis=1)
    sender = agent(spec, rank=1)
    wanted = sender.encode("mix", X).frame.tobytes()
    assert sender.encode("mix", matrix[:, 0]).frame.tobytes() == wanted
    both = agent(spec, rank=1, vectors=2)
    wanted = both.encode("mix", np.stack([X, -X])).frame.tobytes()
    assert both.encode("mix", np.stack([X, -X], axis=1).T).frame.tobytes() == wanted


def test_mixing_adds_in_rank_order_with_the_agents_weights(agent):
    me = agent("raw")
    frames = {j: agent("raw", rank=j).encode("mix", X * j).frame for j in (4, 1)}
    inbox = {j: me.accept(frame, j) for j, frame in frames.items()}
    own = me.encode("mix", X * 7)
    w = me.weights
    wanted = ((0.0 + w[0] * (X * 7)) + w[1] * X) + w[4] * (X * 4)
    assert me.mix(own, inbox).tobytes() == wanted.tobytes()
    out = np.full(11, np.nan)
    assert me.mix(own, inbox, out) is out
    assert out.tobytes() == wanted.tobytes()


def test_share_sends_one_message_to_all_and_hears_all(agent):
    me = agent("raw")
    message = me.encode("mix", X)
    assert me.share(message) == Exchange({1: message, 4: message}, (1, 4))


def test_what_a_codec_cannot_send_is_refused_before_a_frame_is_made(agent):
    with pytest.raises(RangeError) as caught:
        agent("uniform").encode("mix", X * 2)
    assert str(caught.value) == (
        "uniform: a coordinate of size 2 is outside [-1, 1]; give a larger range"
    )
