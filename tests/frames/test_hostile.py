"""10 000 frames that no honest agent sent: a FrameError, or a finite vector where that is right."""

from __future__ import annotations

import struct
from collections import Counter

import numpy as np
import pytest

from netopt.core.packing import crc32c
from netopt.errors import FrameError

SPECS = [
    {"id": "raw"},
    {"id": "qsgd"},
    {"id": "switching", "levels": 2},
    {"id": "uniform", "bits": 7},
]
FRAMES = 2500  # for each of the four codecs
CHANNEL, BROADCAST = 26, 27


def flipped(frame, rng):
    bad = frame.copy()
    for bit in rng.integers(0, 8 * len(frame), rng.integers(1, 9)):
        bad[bit // 8] ^= 1 << bit % 8
    return bad


def cut(frame, rng):
    return frame[: rng.integers(0, len(frame))]


def extended(frame, rng):
    return np.append(frame, rng.integers(0, 256, rng.integers(1, 40), np.uint8))


def random_bytes(frame, rng):
    bad = rng.integers(0, 256, rng.integers(0, 2 * len(frame)), np.uint8)
    bad[:5] = frame[: min(len(bad), 5)] if rng.integers(2) else bad[:5]
    return bad


def resealed(frame):
    bad = frame.copy()
    bad[28:32] = list(struct.pack("<I", crc32c(bad[32:].tobytes(), crc32c(bad[:28].tobytes()))))
    return bad


def new_header(frame, rng):
    bad = frame.copy()
    bad[rng.integers(0, 28)] = rng.integers(0, 256)
    return resealed(bad)


def new_payload(frame, rng):
    bad = frame.copy()
    for place in rng.integers(32, len(frame), rng.integers(1, 4)):
        bad[place] = rng.integers(0, 256)
    return resealed(bad)


ATTACKS = (flipped, cut, extended, random_bytes, new_header, new_payload)


def read(agent, frame):
    """Return what an agent makes of a frame from agent 1: a vector, or None for a FrameError."""
    try:
        vector = agent.decode(agent.accept(frame, 1))
    except FrameError:
        return None
    assert vector.shape == (11,)
    assert np.isfinite(vector).all()
    return vector


def legitimate(attack, bad, frame):
    """Whether a frame may be accepted: nothing changed, or somebody who knows the format made it.

    A new header may only say that the same payload is for one agent instead of for all.
    """
    changed = np.flatnonzero(bad != frame).tolist() if len(bad) == len(frame) else None
    if changed == []:
        return True
    if attack is new_header:
        return changed is not None and set(changed) <= {BROADCAST, 28, 29, 30, 31}
    return attack is new_payload


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s["id"])
def test_no_forged_frame_is_read_as_anything_it_is_not(agent, spec):
    sender, receiver = agent(spec, rank=1), agent(spec, rank=0)
    rng = np.random.default_rng(5)
    seen = Counter()
    for i in range(FRAMES):
        frame = sender.encode("mix", rng.uniform(-1, 1, 11)).frame
        attack = ATTACKS[i % len(ATTACKS)]
        bad = attack(frame, rng)
        vector = read(receiver, bad)
        seen[attack.__name__, vector is not None] += 1
        assert vector is None or legitimate(attack, bad, frame), (attack.__name__, bad.tobytes())
    assert sum(seen.values()) == FRAMES
    for attack in (cut, extended, random_bytes):
        assert seen[attack.__name__, True] == 0
    assert seen["flipped", True] <= 5  # flips that undo each other
    assert seen["new_header", False] > 300
    assert seen["new_payload", True] > 20


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s["id"])
def test_a_frame_with_its_checksum_and_other_content_is_never_accepted(agent, spec):
    """CRC-32C misses one change in 2^32: a false alarm in fewer than one of 10^6 seeds."""
    sender, receiver = agent(spec, rank=1), agent(spec, rank=0)
    rng = np.random.default_rng(6)
    for _ in range(1000):
        frame = sender.encode("mix", rng.uniform(-1, 1, 11)).frame
        bad = frame.copy()
        bad[32:] = rng.integers(0, 256, len(frame) - 32)
        assert read(receiver, bad) is None or (bad == frame).all()


def test_two_vectors_in_a_frame_are_forged_in_vain_too(agent):
    sender, receiver = (agent("switching", rank, vectors=2) for rank in (1, 0))
    rng = np.random.default_rng(7)
    accepted = 0
    for i in range(600):
        frame = sender.encode("mix", rng.uniform(-1, 1, (2, 11))).frame
        bad = (flipped, cut, extended, random_bytes, new_payload)[i % 5](frame, rng)
        try:
            rows = receiver.decode(receiver.accept(bad, 1))
        except FrameError:
            continue
        accepted += 1
        assert i % 5 == 4 or (bad == frame).all()
        assert rows.shape == (2, 11)
        assert np.isfinite(rows).all()
    assert accepted > 0
