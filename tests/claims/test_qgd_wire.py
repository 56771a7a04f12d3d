"""Bo and Wang, PNAS 2024: what QGD's frames hold, read bit by bit with nothing of netopt's core."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt.codecs import Codec
from netopt.frame import HEADER_BYTES
from netopt.keys import Key, Purpose
from netopt.registry import build

WIDTHS = {10: 5, 32: 7, 64: 8, 1100: 12}
"""Bits of a symbol by the levels of the paper's four experiments."""
D, ROUNDS = 37, 12


def read(payload, levels, width, count):
    """Return a float32 scale and ``count`` symbols, the least significant bits first."""
    scale = float(np.frombuffer(payload[:4], "<f4")[0])
    bits = np.unpackbits(np.frombuffer(payload[4:], np.uint8), bitorder="little")
    symbols = bits[: count * width].reshape(count, width) @ (1 << np.arange(width))
    assert not bits[count * width :].any()
    return scale, symbols


def values(scale, symbols, levels, round_):
    """Even rounds: (scale / l) (symbol - l). Odd ones: (scale / 2 l) (2 symbol - 2 l - 1)."""
    if round_ % 2:
        return scale / (2 * levels) * (2 * symbols - 2 * levels - 1)
    return scale / levels * (symbols - levels)


def played(play, levels):
    """Return the frames of a run on the directed W1, 8 edges a round, and its ledger."""
    run = {"topology": "w1", "algorithm": "qgd", "rounds": ROUNDS}
    run |= {"problem": {"id": "quadratic", "dimension": D, "kappa": 1}}
    codecs = {"mix": {"id": "switching", "levels": levels}}
    outcome = play(**run, codecs=codecs, record={"frames": 8 * ROUNDS})
    assert len(outcome.frames) == 8 * ROUNDS
    return outcome


@pytest.mark.parametrize(("levels", "width"), WIDTHS.items())
def test_every_frame_is_a_norm_and_d_symbols_of_the_papers_width(play, levels, width):
    """Each is decoded to the last bit as the formula says, and has at most 2 l + 1 (2) symbols."""
    codec = build(Codec, {"id": "switching", "levels": levels})
    outcome = played(play, levels)
    for round_, _, source, _, frame in outcome.frames:
        payload = frame[HEADER_BYTES:]
        assert len(payload) == math.ceil((32 + D * width) / 8)
        scale, symbols = read(payload, levels, width, D)
        assert scale >= np.float32(0.1)
        assert symbols.max() <= 2 * levels + round_ % 2
        key = Key(1, Purpose.ROUNDING, round_, 0, source)
        wanted = values(scale, symbols, levels, round_)
        assert codec.decode(payload, D, key).tobytes() == wanted.tobytes()
    bits = [counts[1] for counts in outcome.sent.counts.tolist()]
    assert bits == [ROUNDS * (32 + D * width)] * 8


@pytest.mark.parametrize(("levels", "width"), WIDTHS.items())
@pytest.mark.parametrize("round_", [0, 1])
def test_the_outermost_symbols_are_those_of_a_coordinate_as_large_as_the_norm(
    levels, width, round_
):
    """2 l + 1 symbols in even rounds. In odd ones +-n lies between two: the outer has chance 1/2.

    40 seeds miss one of the four with a chance below 4 2^-40.
    """
    codec = build(Codec, {"id": "switching", "levels": levels})
    seen = set()
    for seed in range(40):
        for sign in (1.0, -1.0):
            key = Key(seed, Purpose.ROUNDING, round_)
            seen |= set(read(codec.encode(np.array([sign]), key), levels, width, 1)[1].tolist())
    assert seen == ({0, 1, 2 * levels, 2 * levels + 1} if round_ else {0, 2 * levels})


def test_what_an_agent_adds_of_itself_is_what_its_neighbours_decode(make, play):
    """Q(x_i) of round 0, from the frames alone, gives every agent's x after it."""
    experiment = make(
        topology="w1",
        algorithm={"id": "qgd", "schedule": {"id": "constant", "eps": 0.5, "alpha": 0.03}},
        problem={"id": "saddle", "at": [0.5, -0.25]},
    )
    run = {"topology": "w1", "problem": {"id": "saddle", "at": [0.5, -0.25]}, "rounds": 1}
    algorithm = experiment.resolved["algorithm"]
    outcome = play(**run, algorithm=algorithm, record={"frames": 8, "every": 1})
    q = {}
    for _, _, source, _, frame in outcome.frames:
        scale, symbols = read(frame[HEADER_BYTES:], 10, 5, 2)
        q.setdefault(source, []).append(values(scale, symbols, 10, 0))
    assert all((one == found[0]).all() for found in q.values() for one in found)
    start, w = experiment.problem.start(), experiment.topology.weights
    for i in range(5):
        mixed = sum(w[i, j] * q[j][0] for j in range(5))
        wanted = 0.5 * start + 0.5 * mixed - 0.03 * experiment.problem.grad(i, start, None)
        np.testing.assert_allclose(outcome.x[i], wanted, rtol=0, atol=1e-15)
