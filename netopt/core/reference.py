"""The bit packer and CRC-32C in numpy: the executable specification of the C core.

The layout is one little-endian bit stream: value i is bits [i * bits, (i + 1) * bits) of
ceil(n * bits / 8) bytes, and the pad bits at the end are zero. Signatures, errors and results are
those of the extension, which is tested against this module; where the extension is missing, this
module runs in its place.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netopt.core.buffers import view_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

    Memory = Buffer | NDArray[Any]

BLOCK = 1 << 15
"""Values, or bytes of a CRC, worked on at a time; a multiple of 8, so each begins on a byte."""

POLYNOMIAL = 0x82F63B78
"""Castagnoli's polynomial, lowest bit first."""


def pack_into(values: Memory, bits: int, out: Memory, offset: int = 0, /) -> int:
    """Pack unsigned integers into a little-endian bit stream; return the number of bytes written.

    ``values`` is a C-contiguous buffer of native uint8, uint16 or uint32, each below ``2**bits``;
    ``bits`` is 1 up to the items' width; ``out`` is a writable buffer of bytes, and
    ``ceil(len(values) * bits / 8)`` of them are written from ``offset`` on.

    Raises TypeError for buffers of another kind, ValueError for numbers out of range, an ``out``
    that is read-only, too small or overlaps ``values``. After a value out of range those bytes of
    ``out``, and only those, are unspecified.
    """
    bits, plain, packed = operator.index(bits), view_of(values, "values"), view_of(out, "out")
    numbers = _plain(plain, "values")
    stream = _stream(packed, "out", packed.readonly, numbers, bits, offset)
    if np.may_share_memory(numbers, stream):
        raise ValueError("values and out must not overlap in memory")
    if len(numbers) and numbers.max() >> np.uint64(bits):
        i = int(np.argmax(numbers >= np.uint64(1 << bits)))
        raise ValueError(f"values must be below 2**{bits}, got {numbers[i]} at index {i}")
    for part, place in _blocks(len(numbers), bits):
        stream[place] = _pack_block(numbers[part], bits)
    return len(stream)


def unpack_into(payload: Memory, bits: int, out: Memory, offset: int = 0, /) -> int:
    """Unpack as many unsigned integers as ``out`` holds; return the number of bytes read.

    ``payload`` is a C-contiguous buffer of bytes, of which ``ceil(len(out) * bits / 8)`` are read
    from ``offset`` on; ``bits`` is 1 up to the items' width; ``out`` is a writable C-contiguous
    buffer of native uint8, uint16 or uint32.

    Raises TypeError for buffers of another kind, ValueError for numbers out of range, an ``out``
    that is read-only or overlaps ``payload``, a ``payload`` that is too short or whose pad bits are
    not zero; ``out`` is then untouched.
    """
    bits, packed, plain = operator.index(bits), view_of(payload, "payload"), view_of(out, "out")
    numbers = _plain(plain, "out")
    stream = _stream(packed, "payload", plain.readonly, numbers, bits, offset)
    if np.may_share_memory(numbers, stream):
        raise ValueError("payload and out must not overlap in memory")
    pad = -len(numbers) * bits % 8
    if pad and (got := stream[-1] >> (8 - pad)):
        raise ValueError(f"the {pad} pad bits after {len(numbers)} values must be zero, got {got}")
    for part, place in _blocks(len(numbers), bits):
        numbers[part] = _unpack_block(stream[place], bits, numbers[part])
    return len(stream)


def tier() -> str:
    """Return the name of the kernels in use, here ``numpy``."""
    return "numpy"


def _plain(view: memoryview, name: str) -> NDArray[Any]:
    array = np.asarray(view).reshape(-1)
    if array.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.uint32)):
        raise TypeError(
            f"{name} must hold unsigned integers of 1, 2 or 4 bytes in native byte order, "
            f"got format '{view.format}'"
        )
    return array


def _stream(
    view: memoryview, name: str, readonly: bool, numbers: NDArray[Any], bits: int, offset: int
) -> NDArray[np.uint8]:
    """Return the bytes of ``view`` that ``numbers`` take, after all checks of both sides."""
    if view.itemsize != 1:
        raise TypeError(f"{name} must hold bytes, got items of {view.itemsize} bytes")
    if readonly:
        raise ValueError("out must be writable, got a read-only buffer")
    offset, size = operator.index(offset), numbers.itemsize
    if not 1 <= bits <= 8 * size:
        raise ValueError(f"bits must be 1..{8 * size} for items of {size} bytes, got {bits}")
    if not 0 <= offset <= view.nbytes:
        raise ValueError(f"offset must be 0..{view.nbytes}, got {offset}")
    need, room = (len(numbers) * bits + 7) // 8, view.nbytes - offset
    if need > room:
        raise ValueError(f"{name} needs {need} bytes after offset {offset}, got {room}")
    return _bytes(view)[offset : offset + need]


def _bytes(view: memoryview) -> NDArray[np.uint8]:
    return np.asarray(view).reshape(-1).view(np.uint8)


def _blocks(n: int, bits: int) -> Iterator[tuple[slice, slice]]:
    """Pair the values of each block with the bytes that they take."""
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        yield slice(start, stop), slice(start * bits // 8, (stop * bits + 7) // 8)


def _pack_block(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    little = values.astype(values.dtype.newbyteorder("<"), copy=False).view(np.uint8)
    spread = np.unpackbits(little.reshape(len(values), -1), axis=1, bitorder="little")
    return np.packbits(spread[:, :bits], bitorder="little")


def _unpack_block(stream: NDArray[np.uint8], bits: int, like: NDArray[Any]) -> NDArray[Any]:
    spread = np.zeros((len(like), 8 * like.itemsize), np.uint8)
    taken = np.unpackbits(stream, count=len(like) * bits, bitorder="little")
    spread[:, :bits] = taken.reshape(len(like), bits)
    little = np.packbits(spread, axis=1, bitorder="little")
    numbers: NDArray[Any] = little.view(like.dtype.newbyteorder("<"))
    return numbers.reshape(-1)


def crc32c(data: Memory, value: int = 0, /) -> int:
    """Return the CRC-32C (Castagnoli) of a buffer's bytes, continued from what came before.

    ``data`` is a C-contiguous buffer of any format; ``value`` is the CRC so far, so that
    ``crc32c(b, crc32c(a)) == crc32c(a + b)``.

    Raises TypeError for what is no buffer, ValueError for a ``value`` beyond 32 bits.
    """
    stream = _bytes(view_of(data, "data"))
    value = operator.index(value)
    if not 0 <= value < 1 << 32:
        raise ValueError(f"value must be 0..4294967295, got {value}")
    register = np.array([value ^ 0xFFFFFFFF], np.uint32)
    for start in range(0, len(stream), BLOCK):
        register = _crc_block(stream[start : start + BLOCK], register)
    return int(register[0]) ^ 0xFFFFFFFF


def _crc_block(stream: NDArray[np.uint8], register: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Run ``register`` over the bytes: a CRC is linear, so halves are joined pair by pair."""
    levels = max(2, (len(stream) - 1).bit_length())
    padded = np.zeros(1 << levels, np.uint8)
    padded[-len(stream) :] = stream
    crcs = _append_zeros(padded.view("<u4"), 2)
    for level in range(2, levels):
        crcs = _append_zeros(crcs[0::2], level) ^ crcs[1::2]
    for level in range(levels + 1):
        if len(stream) >> level & 1:
            register = _append_zeros(register, level)
    return register ^ crcs


def _append_zeros(registers: NDArray[np.uint32], level: int) -> NDArray[np.uint32]:
    """Return the registers after ``2**level`` more zero bytes."""
    a, b, c, d = _advance(level)
    low: NDArray[np.uint32] = a[registers & 255] ^ b[registers >> 8 & 255]
    high: NDArray[np.uint32] = c[registers >> 16 & 255] ^ d[registers >> 24]
    return low ^ high


@cache
def _advance(level: int) -> NDArray[np.uint32]:
    """Tables of :func:`_append_zeros`: row k maps byte k of a register, the other bytes being 0."""
    rows = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
    if level:
        return _append_zeros(_append_zeros(rows, level - 1), level - 1)
    for _ in range(8):
        rows = rows >> np.uint32(1) ^ (rows & np.uint32(1)) * np.uint32(POLYNOMIAL)
    return rows
