"""Frames know the bytes on the wire: a fixed 32-byte header, then one payload per vector.

All numbers are little-endian.

====== ===== ============= ==============================================================
offset bytes field         meaning
====== ===== ============= ==============================================================
0      4     magic         the bytes ``NOPT``
4      1     version       1
5      1     vectors       vectors in this frame, 1 to 255, each with a payload of its own
6      2     codec         fingerprint of the codec and its options
8      4     round         round, from 0
12     2     exchange      exchange within the round, from 0
14     2     sender        rank of the sending agent
16     4     count         coordinates of one vector
20     4     payload_bytes bytes after the header
24     2     pad_bits      zero bits that only fill up bytes: bits = 8 payload_bytes - pad_bits
26     1     channel       index of the algorithm's channel
27     1     broadcast     1 if every neighbour of the sender gets this frame, 0 if only one does
28     4     crc           CRC-32C of bytes 0 to 27 and, unless switched off, the payload
====== ===== ============= ==============================================================
"""

from __future__ import annotations

import struct
from typing import NamedTuple, TypeVar

from netopt.codecs import Bytes
from netopt.core.packing import crc32c, header_put
from netopt.errors import FrameError
from netopt.keys import Key, Purpose

T = TypeVar("T", bytes, Bytes)
quick = tuple.__new__
"""Makes a named tuple of all its fields in a third of the time that its own constructor takes."""
HEADER_BYTES = 32
MAGIC = b"NOPT"
VERSION = 1
MOST_EXCHANGES = 0xFFFF
MOST_BYTES = 0xFFFF_FFFF
"""The largest payload whose length the header can say."""
_FIELDS = struct.Struct("<4sBBHIHHIIHBB")
_CRC = struct.Struct("<I")
_ROUNDING = Purpose.ROUNDING
_CRC_AT = HEADER_BYTES - _CRC.size


class Header(NamedTuple):
    """The fields of a frame, as in the table above; magic, version and checksum are implied."""

    vectors: int
    codec: int
    round: int
    exchange: int
    sender: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    payload_bytes: int
    pad_bits: int
    channel: int
    broadcast: int

    @property
    def payload_bits(self) -> int:
        """Return the bits that the codec counts."""
        return 8 * self.payload_bytes - self.pad_bits

    @property
    def frame_bytes(self) -> int:
        """Return the size of header and payload together."""
        return HEADER_BYTES + self.payload_bytes


def seal(buffer: Bytes, header: Header, whole: bool = True) -> None:
    """Write the header in front of the payload that already lies in ``buffer`` behind it.

    The checksum is that of the ``whole`` frame or of the header alone; both ends know which.
    """
    header_put(buffer, header, whole)


def parse(buffer: Bytes, whole: bool = True) -> Header:
    """Return the header of the frame that fills ``buffer`` (uint8) exactly.

    ``whole`` says whether the checksum is that of the whole frame or of the header alone. Raises
    FrameError if it is cut short, too long, not a netopt frame, of another version, damaged, or
    impossible; nothing of the payload is interpreted.
    """
    size, data = len(buffer), buffer.data
    if size < HEADER_BYTES:
        raise FrameError(f"a frame has at least {HEADER_BYTES} bytes, got {size}")
    fields = _FIELDS.unpack_from(data, 0)
    magic, version, vectors, _, _, _, _, _, payload, pad, _, broadcast = fields
    if magic != MAGIC:
        raise FrameError(f"a frame starts with {MAGIC!r}, got {magic!r}")
    if version != VERSION:
        raise FrameError(f"frame version {VERSION} expected, got {version}")
    header = quick(Header, fields[2:])
    if HEADER_BYTES + payload != size:
        raise FrameError(f"the header announces {header.frame_bytes} bytes, got {size}")
    if vectors < 1 or pad > 7 * vectors or pad > 8 * payload:
        raise FrameError(f"{pad} pad bits in {vectors} vectors are impossible")
    if broadcast > 1:
        raise FrameError(f"broadcast 0 or 1 expected, got {broadcast}")
    (crc,) = _CRC.unpack_from(data, _CRC_AT)
    if crc != _checksum(data, size if whole else 0):
        raise FrameError(f"checksum {crc:#010x} does not match the frame's content")
    return header


def expect(got: Header, wanted: Header) -> None:
    """Raise FrameError naming the first field in which ``got`` differs from ``wanted``."""
    if got != wanted:
        for name, have, want in zip(Header._fields, got, wanted, strict=True):
            if have != want:
                raise FrameError(f"{name} {want} expected, got {have}")


def lane(channel: int, part: int) -> int:
    """Return the ``part`` of the key under which a channel rounds a frame's vector ``part``."""
    return channel << 8 | part


def parts(
    place: tuple[int, int, int, int],
    channel: int,
    vectors: int,
    size: int,
    frame: T,
    receiver: int,
) -> list[tuple[T, Key]]:
    """Return payload and key of each vector of a frame (bytes or uint8); they are equally long.

    ``place`` is seed, round, exchange and sender; ``size`` are the bytes of all ``vectors``;
    ``receiver`` is BROADCAST or the one agent that the frame is for.
    """
    seed, k, exchange, sender = place
    first = channel << 8
    if vectors == 1:
        key = quick(Key, (seed, _ROUNDING, k, exchange, sender, receiver, first))
        return [(frame[HEADER_BYTES : HEADER_BYTES + size], key)]
    each, start, found = size // vectors, HEADER_BYTES, []
    for here in range(first, first + vectors):
        key = quick(Key, (seed, _ROUNDING, k, exchange, sender, receiver, here))
        found.append((frame[start : start + each], key))
        start += each
    return found


def parts_of(header: Header, frame: T, seed: int, receiver: int) -> list[tuple[T, Key]]:
    """Return payload and key of each vector of a frame, told from its header."""
    place = (seed, header.round, header.exchange, header.sender)
    size = header.payload_bytes
    return parts(place, header.channel, header.vectors, size, frame, receiver)


def _checksum(data: memoryview, size: int) -> int:
    head = crc32c(data[:_CRC_AT])
    return crc32c(data[HEADER_BYTES:size], head) if size > HEADER_BYTES else head
