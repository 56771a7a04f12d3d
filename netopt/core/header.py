"""The 32-byte header of a frame in Python: the executable specification of the C in _header.c.

The layout is that of :mod:`netopt.frame`, where the fields have their names; here a header is a
tuple of the ten of them in that order.
"""

from __future__ import annotations

import struct
from typing import Any

from netopt.core.reference import crc32c

_FIELDS = struct.Struct("<4sBBHIHHIIHBB")
_CRC = struct.Struct("<I")
_SIZE, _PAD = 6, 7
HEADER = _FIELDS.size + _CRC.size


def header_put(frame: Any, header: tuple[int, ...], whole: bool, /) -> None:
    """Write ``header`` and its checksum in front of the payload that lies in ``frame`` behind it.

    The checksum is that of header and payload if ``whole``, else of the header alone. Raises
    ValueError for a number that does not fit its field and a frame that is too short.
    """
    data = memoryview(frame).cast("B")
    size = HEADER + header[_SIZE]
    if len(data) < size:
        raise ValueError(f"frame needs {size} bytes, got {len(data)}")
    try:
        _FIELDS.pack_into(data, 0, b"NOPT", 1, *header)
    except struct.error as error:
        raise ValueError(f"a field of the header does not fit: {error}") from None
    _CRC.pack_into(data, _FIELDS.size, _checksum(data[:size], whole))


def header_due(frame: Any, header: tuple[int, ...], whole: bool, loose: bool, /) -> int:
    """Return the pad bits of the frame if it is intact and the one that ``header`` announces.

    Otherwise -1. If ``loose``, its payload's length, and pad bits up to 7, may be others.
    """
    data = memoryview(frame).cast("B")
    if len(data) < HEADER:
        return -1
    magic, version, *got = _FIELDS.unpack_from(data, 0)
    wanted = [*header[:_SIZE], *(got if loose else header)[_SIZE : _PAD + 1], *header[_PAD + 1 :]]
    if (magic, version, got) != (b"NOPT", 1, wanted) or HEADER + got[_SIZE] != len(data):
        return -1
    if loose and got[_PAD] > (7 if got[_SIZE] else 0):
        return -1
    (crc,) = _CRC.unpack_from(data, _FIELDS.size)
    return int(got[_PAD]) if crc == _checksum(data, whole) else -1


def _checksum(data: memoryview, whole: bool) -> int:
    head = crc32c(data[: _FIELDS.size])
    return crc32c(data[HEADER:], head) if whole and len(data) > HEADER else head
