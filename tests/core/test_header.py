"""A frame's header in one call: the C and its specification in Python write and accept the same."""

from __future__ import annotations

import struct

import google_crc32c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt.core import header as reference
from netopt.core import packing

CORES = [reference, packing]
MOST = (255, 0xFFFF, 2**32 - 1, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0xFFFF, 255, 255)
each = pytest.mark.parametrize("core", CORES, ids=["python", "chosen"])
check = settings(max_examples=200, deadline=None, derandomize=True)


def fields(draw_size=9, pad=3):
    return (1, 7, 2**31, 5, 65535, 2**32 - 1, draw_size, pad, 2, 1)


def frame(core, values, payload, whole=True):
    buffer = np.full(32 + len(payload) + 3, 0xA5, np.uint8)
    buffer[32 : 32 + len(payload)] = np.frombuffer(payload, np.uint8)
    core.header_put(buffer, values, whole)
    assert (buffer[32 + len(payload) :] == 0xA5).all()
    return buffer[: 32 + len(payload)]


@each
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("size", [0, 1, 9, 1000])
def test_a_header_is_laid_out_as_documented(core, size, whole):
    payload, values = bytes(range(256)) * 4, fields(size)
    got = frame(core, values, payload[:size], whole).tobytes()
    head = struct.pack("<4sBBHIHHIIHBB", b"NOPT", 1, *values)
    crc = google_crc32c.value(head + (payload[:size] if whole else b""))
    assert got == head + struct.pack("<I", crc) + payload[:size]


@each
@pytest.mark.parametrize("field", range(10))
def test_every_field_holds_its_largest_number_and_none_above(core, field):
    values = list(fields(0, 0))
    buffer = np.zeros(40, np.uint8)
    values[field] = MOST[field] if field != 6 else 8
    core.header_put(buffer, tuple(values), False)
    values[field] = MOST[field] + 1
    with pytest.raises(ValueError):
        core.header_put(buffer, tuple(values), False)


@each
def test_a_frame_that_is_too_short_for_its_payload_is_refused(core):
    with pytest.raises(ValueError, match="frame needs 41 bytes, got 40"):
        core.header_put(np.zeros(40, np.uint8), fields(9), True)


@each
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("loose", [True, False])
def test_the_frame_that_is_due_is_known_and_every_flipped_bit_is_seen(core, whole, loose):
    data = frame(core, fields(), bytes(9), whole)
    assert core.header_due(data, fields(), whole, loose) == 3
    for bit in range(8 * (len(data) if whole else 32)):
        bad = data.copy()
        bad[bit // 8] ^= 1 << bit % 8
        assert core.header_due(bad, fields(), whole, loose) == -1


@each
def test_a_loose_frame_may_have_another_length_and_pad_and_a_strict_one_not(core):
    for size, pad, due in ((20, 7, 7), (0, 0, 0), (20, 8, -1), (0, 1, -1)):
        data = frame(core, fields(size, pad), bytes(size))
        assert core.header_due(data, fields(), True, True) == due
        assert core.header_due(data, fields(), True, False) == -1
        assert core.header_due(data[:-1], fields(), True, True) == -1


@check
@given(data=st.binary(max_size=60), loose=st.booleans(), start=st.integers(0, 33))
def test_hostile_bytes_are_judged_alike(data, loose, start):
    good = frame(reference, fields(len(data), 0), data).tobytes()
    bad = np.frombuffer(good[:start] + data + good[start + len(data) :], np.uint8)
    verdicts = {core.header_due(bad, fields(len(data), 0), True, loose) for core in CORES}
    assert len(verdicts) == 1
