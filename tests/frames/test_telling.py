"""Set-up messages: vectors of any length up to d, as float32, on a channel of their own."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.agent import TELLING, Agent, Channel
from netopt.codecs import Codec
from netopt.errors import FrameError
from netopt.frame import HEADER_BYTES, parse, seal
from netopt.keys import BROADCAST
from netopt.problems import Problem
from netopt.registry import build
from netopt.topologies import load

D = 11


class Desk:
    def buffer(self, channel, receiver, size):
        return np.full(size, 0xA5, np.uint8)


@pytest.fixture
def pair():
    """Return agents 0 and 1 of a ring, with a channel for telling."""
    problem = build(Problem, {"id": "quadratic", "dimension": D})
    problem.prepare(5, 1)
    channels = (Channel("up"), TELLING)
    codecs = [build(Codec, channel.default) for channel in channels]
    return [Agent(rank, load("ring-5"), problem, channels, codecs, 7, Desk()) for rank in (0, 1)]


@pytest.mark.parametrize("count", [1, 2, D])
@pytest.mark.parametrize("to", [None, 0])
def test_a_vector_arrives_rounded_to_float32(pair, count, to):
    receiver, sender = pair
    x = np.random.default_rng(count).standard_normal(count)
    message = sender.tell(x, to)
    assert len(message.frame) == HEADER_BYTES + 4 * count
    assert message.header.payload_bits == 32 * count
    got = receiver.accept(message.frame.copy(), 1)
    assert got.receiver == (BROADCAST if to is None else 0)
    assert receiver.decode(got).tobytes() == x.astype(np.float32).astype(np.float64).tobytes()


@pytest.mark.parametrize("count", [0, D + 1])
def test_a_length_that_no_vector_has_is_refused(pair, count):
    receiver, sender = pair
    with pytest.raises(FrameError) as caught:
        sender.tell(np.zeros(count))
    assert str(caught.value) == f"count 1 to {D} expected, got {count}"
    frame = sender.tell(np.zeros(3)).frame
    seal(frame, parse(frame)._replace(count=count))
    with pytest.raises(FrameError) as caught:
        receiver.accept(frame, 1)
    assert str(caught.value) == f"count 1 to {D} expected, got {count}"


def test_a_count_that_does_not_fit_the_payload_is_refused(pair):
    receiver, sender = pair
    frame = sender.tell(np.zeros(3)).frame
    seal(frame, parse(frame)._replace(count=4))
    with pytest.raises(FrameError) as caught:
        receiver.accept(frame, 1)
    assert str(caught.value) == "payload_bytes 16 expected, got 12"


def test_a_codec_that_is_tuned_to_a_sender_is_that_senders_alone(pair):
    receiver, sender = pair
    coarse = build(Codec, {"id": "raw", "dtype": "float16"})
    sender.tune("up", 1, coarse)
    receiver.tune("up", 1, coarse)
    x = np.random.default_rng(0).standard_normal(D)
    message = sender.encode("up", x)
    assert len(message.frame) == HEADER_BYTES + 2 * D
    got = receiver.decode(receiver.accept(message.frame, 1))
    assert got.tobytes() == x.astype(np.float16).astype(np.float64).tobytes()
    assert len(receiver.encode("up", x).frame) == HEADER_BYTES + 8 * D
    assert (sender.codec("up"), sender.codec("up", 0).config()) == (
        coarse,
        build(Codec, "raw").config(),
    )
