"""The header: the table in frame.py is what lies on the wire, and nothing else is accepted."""

from __future__ import annotations

import re
import struct

import google_crc32c
import numpy as np
import pytest

from netopt import frame
from netopt.errors import FrameError
from netopt.frame import HEADER_BYTES, Header, expect, parse, seal

ROW = re.compile(r"^(\d+) +(\d+) +(\w+) +\S", re.MULTILINE)
TABLE = [(int(at), int(size), name) for at, size, name in ROW.findall(frame.__doc__)]
HEADER = Header(
    vectors=3, codec=0xBEEF, round=0x01020304, exchange=0x0506, sender=0x0708, count=0x090A0B0C,
    payload_bytes=20, pad_bits=9, channel=0x11, broadcast=1,
)  # fmt: skip
PAYLOAD = np.arange(20, dtype=np.uint8)


def sealed(header=HEADER, payload=PAYLOAD):
    buffer = np.concatenate([np.zeros(HEADER_BYTES, np.uint8), payload])
    seal(buffer, header)
    return buffer


def field(buffer, name):
    """Read a field as an unsigned little-endian number at the place that the table gives."""
    at, size = next((at, size) for at, size, other in TABLE if other == name)
    return int.from_bytes(buffer[at : at + size].tobytes(), "little")


def resealed(buffer, name, value):
    """Overwrite a field at the table's place, with a checksum that fits."""
    at, size = next((at, size) for at, size, other in TABLE if other == name)
    changed = buffer.copy()
    changed[at : at + size] = list(value.to_bytes(size, "little"))
    crc = google_crc32c.value(changed[:28].tobytes() + changed[32:].tobytes())
    changed[28:32] = list(struct.pack("<I", crc))
    return changed


def test_the_table_fills_32_bytes_without_a_gap():
    assert [at for at, _, _ in TABLE] == [
        sum(s for _, s, _ in TABLE[:i]) for i in range(len(TABLE))
    ]
    assert sum(size for _, size, _ in TABLE) == HEADER_BYTES == 32
    assert [n for _, _, n in TABLE] == ["magic", "version", *Header._fields, "crc"]


@pytest.mark.parametrize("name", Header._fields)
def test_every_field_lies_where_the_table_says(name):
    assert field(sealed(), name) == getattr(HEADER, name)
    other = 0 if name == "broadcast" else getattr(HEADER, name) ^ 1
    changed = resealed(sealed(), name, other)
    if name == "payload_bytes":
        changed = resealed(np.append(changed, np.uint8(7)), name, 21)
        other = 21
    assert parse(changed) == HEADER._replace(**{name: other})


def test_magic_version_and_checksum_lie_where_the_table_says():
    buffer = sealed()
    assert buffer[:5].tobytes() == b"NOPT\x01"
    content = buffer[:28].tobytes() + PAYLOAD.tobytes()
    assert field(buffer, "crc") == google_crc32c.value(content)


def test_parse_gives_back_what_was_sealed():
    assert parse(sealed()) == HEADER
    assert HEADER.payload_bits == 8 * 20 - 9
    assert HEADER.frame_bytes == 52
    assert sealed()[32:].tobytes() == PAYLOAD.tobytes()
    empty = HEADER._replace(payload_bytes=0, pad_bits=0)
    assert parse(sealed(empty, PAYLOAD[:0])) == empty


@pytest.mark.parametrize("bit", range(8 * 52))
def test_every_single_flipped_bit_is_refused(bit):
    buffer = sealed()
    buffer[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        parse(buffer)


def message_of(buffer):
    with pytest.raises(FrameError) as caught:
        parse(buffer)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("magic", int.from_bytes(b"NOPE", "little"), "a frame starts with b'NOPT', got b'NOPE'"),
        ("version", 2, "frame version 1 expected, got 2"),
        ("vectors", 0, "9 pad bits in 0 vectors are impossible"),
        ("vectors", 1, "9 pad bits in 1 vectors are impossible"),
        ("pad_bits", 22, "22 pad bits in 3 vectors are impossible"),
        ("payload_bytes", 21, "the header announces 53 bytes, got 52"),
        ("payload_bytes", 2**32 - 1, "the header announces 4294967327 bytes, got 52"),
        ("broadcast", 2, "broadcast 0 or 1 expected, got 2"),
    ],
)
def test_an_impossible_field_is_named(name, value, message):
    assert message_of(resealed(sealed(), name, value)) == message


def test_a_frame_cut_short_or_too_long_is_refused():
    assert message_of(sealed()[:31]) == "a frame has at least 32 bytes, got 31"
    assert message_of(sealed()[:0]) == "a frame has at least 32 bytes, got 0"
    assert message_of(sealed()[:51]) == "the header announces 52 bytes, got 51"
    assert message_of(np.append(sealed(), np.uint8(0))) == "the header announces 52 bytes, got 53"


def test_a_checksum_that_does_not_match_is_shown():
    buffer = sealed()
    buffer[28:32] = [0xEF, 0xBE, 0xAD, 0xDE]
    assert message_of(buffer) == "checksum 0xdeadbeef does not match the frame's content"


def test_the_checksum_may_be_the_headers_alone():
    buffer = np.concatenate([np.zeros(HEADER_BYTES, np.uint8), PAYLOAD])
    seal(buffer, HEADER, False)
    assert field(buffer, "crc") == google_crc32c.value(buffer[:28].tobytes())
    buffer[40] ^= 1
    assert parse(buffer, False) == HEADER
    with pytest.raises(FrameError, match=r"^checksum 0x\w+ does not match"):
        parse(buffer)
    buffer[20 + 8] ^= 1
    with pytest.raises(FrameError, match=r"^checksum 0x\w+ does not match"):
        parse(buffer, False)


@pytest.mark.parametrize("name", Header._fields)
def test_expect_names_the_first_field_that_differs(name):
    got = getattr(HEADER, name) + 1
    with pytest.raises(FrameError) as caught:
        expect(HEADER._replace(**{name: got}), HEADER)
    assert str(caught.value) == f"{name} {got - 1} expected, got {got}"
    expect(HEADER, HEADER)
