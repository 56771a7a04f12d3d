"""What an algorithm raises is told with its agent, its round and its edges."""

from __future__ import annotations

import re

import numpy as np
import pytest

from netopt.algorithms import State
from netopt.errors import NetoptError, NumericalError, RangeError


def located(found):
    """The message of a NetoptError, with N for the line of this file."""
    kind, message = found
    assert kind is NetoptError
    return re.sub(r":\d+\)$", ":N)", message)


def test_any_exception_is_located(failure):
    def round_(s, me):
        yield me.share(me.encode("mix", s.x))
        if me.rank == 3:
            raise KeyError("lost")

    assert located(failure(round_)) == (
        "agent 3, round 7, exchange 1 (edges 3 -> 2, 3 -> 4): KeyError: 'lost' (test_errors.py:N)"
    )


def test_many_edges_are_cut_short(failure):
    def round_(s, me):
        yield me.share(me.encode("mix", s.x / (1 // me.rank)))

    assert located(failure(round_, topology="complete-8")) == (
        "agent 0, round 7, exchange 0 (edges 0 -> 1, 0 -> 2, 0 -> 3, 0 -> 4, ...): "
        "ZeroDivisionError: integer division or modulo by zero (test_errors.py:N)"
    )


def test_a_round_that_is_no_generator_is_located_too(failure):
    assert located(failure(lambda s, me: 1)) == (
        "agent 0, round 7, exchange 0 (edges 0 -> 1, 0 -> 4): "
        "TypeError: 'int' object is not an iterator (lockstep.py:N)"
    )
    assert located(failure(lambda s, me: 1 // me.rank)) == (
        "agent 0, round 7, exchange 0 (edges 0 -> 1, 0 -> 4): "
        "ZeroDivisionError: integer division or modulo by zero (test_errors.py:N)"
    )


def test_a_vector_that_its_codec_cannot_send_is_located(failure):
    def round_(s, me):
        yield me.share(me.encode("mix", s.x + 2 * (me.rank == 2)))

    wanted = (
        "agent 2, round 7, exchange 0: uniform: a coordinate of size 2 is outside [-1, 1]; "
        "give a larger range"
    )
    assert failure(round_, codecs={"mix": "uniform"}) == (RangeError, wanted)


def test_a_gradient_that_is_not_finite_is_located_once(failure):
    def round_(s, me):
        me.grad(s.x + (np.inf if me.rank == 1 else 0))
        yield me.share(me.encode("mix", s.x))

    wanted = (
        "agent 1, round 7: the gradient is not finite (|x| reaches inf); the iterates diverge, "
        "try a smaller step size"
    )
    assert failure(round_) == (NumericalError, wanted)


def test_an_error_before_the_first_round_is_located_too(network):
    def start(me):
        if me.rank == 4:
            raise ValueError("no start")
        return State(np.zeros(me.d))

    with pytest.raises(NetoptError) as caught:
        network(lambda s, me: iter(()), start)
    assert located((caught.type, str(caught.value))) == (
        "agent 4, round 0, exchange 0 (edges 4 -> 0, 4 -> 3): "
        "ValueError: no start (test_errors.py:N)"
    )
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.exit_code == 1


DIVERGES = "; the iterates diverge, try a smaller step size"


@pytest.mark.parametrize(
    ("lr", "codec", "kind", "message"),
    [
        (1.0, "raw", NumericalError, "round 170: the loss at the network mean is inf" + DIVERGES),
        (
            1e200,
            "raw",
            NumericalError,
            "agent 0, round 2: the gradient is not finite (|x| reaches inf)" + DIVERGES,
        ),
        (
            1.0,
            "switching",
            RangeError,
            "agent 1, round 40, exchange 0: switching: a vector of norm 9.09054e+38 has no float32 "
            "scale (the largest is 3.40282e+38)",
        ),
        (
            1e200,
            "switching",
            RangeError,
            "agent 0, round 1, exchange 0: switching: a vector of norm inf has no float32 scale "
            "(the largest is 3.40282e+38)",
        ),
    ],
)
def test_a_step_size_that_is_too_large_is_told_as_such(play, lr, codec, kind, message):
    with pytest.raises(NetoptError) as caught:
        play(algorithm={"id": "dgd", "lr": lr}, rounds=300, codecs={"mix": codec})
    assert (caught.type, str(caught.value)) == (kind, message)
