"""Variable-length codes of whole numbers in numpy: the executable specification of codes.c.

A ``code`` is 0 for Elias omega, 1 for Elias gamma, 2 + r for Rice with parameter r = 0..30; all
code whole numbers from 1 to 2**31 - 1 (Elias, *Universal codeword sets*, 1975; Rice, 1979). A
code's first bit is the lowest in the packer's stream. gamma is the textbook's: as many zeros as the
number has bits after its first, then the number, highest bit first. Rice is v - 1 in two parts:
(v - 1) >> r zeros and a one, then the r low bits, lowest first. **omega is the complement of the
textbook's bits**: padding to a byte is up to seven zeros, and no run of up to seven zeros holds a
whole code of either kind that way (in textbook omega, 0 is the code of 1).

A vector of levels is a stream of triples, one for each level that is not zero: the code of the gap
to the one before it (of the first: its index + 1), a sign bit (1 if negative), the code of |level|.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netopt.core.buffers import octets, view_of

if TYPE_CHECKING:
    from netopt.core.reference import Memory

OMEGA, GAMMA, RICE = 0, 1, 2
TOP = 2**31 - 1
"""The largest number that has a code here."""
HIGHEST = 2**30
"""The largest size of a level."""
FLIP = str.maketrans("01", "10")


def elias_bits(values: Any, code: int) -> NDArray[np.int64]:
    """Return the lengths of the codes of whole numbers from 1 to 2**31 - 1, int64, in closed form.

    Raises ValueError for other numbers and codes.
    """
    numbers = np.asarray(values).astype(np.int64)
    if _code(code, RICE + 30) >= RICE:
        return (_checked(numbers) - 1 >> code - RICE) + 1 + code - RICE
    size = np.frexp(_checked(numbers).astype(np.float64))[1].astype(np.int64)
    if code == GAMMA:
        return 2 * size - 1
    total = np.ones_like(size)
    while (size > 1).any():
        total += np.where(size > 1, size, 0)
        size = np.where(size > 1, np.frexp((size - 1).astype(np.float64))[1], 1)
    return total


def levels_bits(levels: Memory, code: int, /) -> int:
    """Return how many bits the triples of ``levels``, shape (n,) int32, take.

    Raises TypeError for a buffer of another kind, ValueError for a code other than 0 and 1, and for
    a level beyond 2**30 in size.
    """
    vector, code = integers(levels, "levels"), _code(code, GAMMA)
    gaps, sizes = _triples(vector)
    return int(elias_bits(gaps, code).sum() + elias_bits(sizes, code).sum()) + len(gaps)


def levels_put(levels: Memory, code: int, out: Memory, offset: int = 0, /) -> int:
    """Write the triples of ``levels``, shape (n,) int32, from ``offset`` on; return their bits.

    ``offset`` counts bytes. The rest of the last byte is zeros, and nothing behind it is touched.
    Raises as ``levels_bits``, and ValueError for an ``out`` that is read-only, too small or
    overlaps ``levels``; ``out`` is then unspecified from ``offset`` on.
    """
    vector, code = integers(levels, "levels"), _code(code, GAMMA)
    stream = _stream(out, "out", offset, vector, "levels")
    gaps, sizes = _triples(vector)
    signs = vector[vector != 0] < 0
    words = (
        _word(gap, code) + "01"[sign] + _word(size, code)
        for gap, sign, size in zip(gaps.tolist(), signs.tolist(), sizes.tolist(), strict=True)
    )
    return _write("".join(words), stream, offset)


def levels_get(payload: Memory, offset: int, code: int, largest: int, out: Memory, /) -> int:
    """Read triples up to the payload's end into ``out``, shape (n,) int32; return their bits.

    Raises TypeError for buffers of another kind; ValueError for a ``largest`` beyond 1..2**30, an
    ``out`` that is read-only or overlaps the payload, and for bytes that ``levels_put`` never
    writes: an index beyond n, a level beyond ``largest``, a stream that ends within a triple, eight
    or more bits of padding; ``out`` is then unspecified.
    """
    vector, code, largest = integers(out, "out"), _code(code, GAMMA), operator.index(largest)
    stream = _stream(payload, "payload", offset, vector, "out")
    if not 1 <= largest <= HIGHEST:
        raise ValueError(f"largest must be 1..{HIGHEST}, got {largest}")
    vector[:] = 0
    bits, at, index = _text(stream), 0, -1
    while bits.find("1", at) >= 0:
        gap, at = _read(bits, at, code)
        index += gap
        if index >= len(vector):
            raise ValueError(f"an index runs past the {len(vector)} coordinates")
        sign, (size, end) = bits[at : at + 1], _read(bits, at + 1, code)
        if size > largest:
            raise ValueError(f"a level is above {largest}")
        vector[index], at = -size if sign == "1" else size, end
    if len(bits) - at >= 8:
        raise ValueError("the zero padding has 8 bits or more")
    return at


def numbers_put(values: Memory, code: int, out: Memory, offset: int = 0, /) -> int:
    """Write the codes of ``values``, shape (k,) int32 or uint32, one after the other; return bits.

    From byte ``offset`` on; the rest of the last byte is zeros, and nothing behind it is touched.
    Raises TypeError for buffers of another kind; ValueError for a code beyond 0..32, a value beyond
    1..2**31 - 1, an ``out`` that is read-only, too small or overlaps ``values``; ``out`` is then
    unspecified from ``offset`` on.
    """
    vector, code = integers(values, "values", unsigned=True), _code(code, RICE + 30)
    stream = _stream(out, "out", offset, vector, "values")
    need = int(elias_bits(vector, code).sum())
    _check_need(need, stream, offset)
    return _write("".join(_word(value, code) for value in vector.tolist()), stream, offset)


def numbers_get(payload: Memory, offset: int, code: int, out: Memory, /) -> int:
    """Read as many codes as ``out``, shape (k,) int32, holds; return their bits.

    Raises TypeError for buffers of another kind; ValueError for a code beyond 0..32, an ``out``
    that is read-only or overlaps the payload, a payload that ends within a code or codes a number
    beyond 2**31 - 1, a last byte whose rest is not zeros; ``out`` is then unspecified.
    """
    vector, code = integers(out, "out"), _code(code, RICE + 30)
    stream = _stream(payload, "payload", offset, vector, "out")
    bits, at = _text(stream), 0
    for i in range(len(vector)):
        vector[i], at = _read(bits, at, code)
    if "1" in bits[at : at + -at % 8]:
        raise ValueError("the rest of the last byte must be zeros")
    return at


# ---- codes as text ----


def _word(value: int, code: int) -> str:
    """Return a number's code, in the order of the stream."""
    if code >= RICE:
        r, value = code - RICE, value - 1
        return "0" * (value >> r) + "1" + "".join("01"[value >> k & 1] for k in range(r))
    if code == GAMMA:
        return "0" * (value.bit_length() - 1) + f"{value:b}"
    word = "0"
    while value > 1:
        word = f"{value:b}" + word
        value = value.bit_length() - 1
    return word.translate(FLIP)


def _read(bits: str, at: int, code: int) -> tuple[int, int]:
    """Return the number whose code begins at bit ``at``, and the place behind it."""
    if code == OMEGA:
        return _read_omega(bits, at)
    one = bits.find("1", at)
    if one < 0:
        raise ValueError("the stream ends within a code")
    if code == GAMMA:
        group, at = _group(bits, one, one - at + 1)
        return int(group, 2), at
    r = code - RICE
    if one - at > TOP - 1 >> r:
        raise ValueError(f"a number is above {TOP}")
    low, end = _group(bits, one + 1, r)
    value = (one - at << r) + int(low[::-1] or "0", 2) + 1
    if value > TOP:
        raise ValueError(f"a number is above {TOP}")
    return value, end


def _read_omega(bits: str, at: int) -> tuple[int, int]:
    value = 1
    while True:
        if at >= len(bits):
            raise ValueError("the stream ends within a code")
        if bits[at] == "1":
            return value, at + 1
        group, at = _group(bits, at, value + 1)
        value = int(group.translate(FLIP), 2)


def _group(bits: str, at: int, size: int) -> tuple[str, int]:
    """Return ``size`` bits and the place behind them."""
    if size > 31:
        raise ValueError(f"a number is above {TOP}")
    if at + size > len(bits):
        raise ValueError("the stream ends within a code")
    return bits[at : at + size], at + size


def _text(stream: NDArray[np.uint8]) -> str:
    spread = np.unpackbits(stream, bitorder="little")
    return (spread + np.uint8(ord("0"))).tobytes().decode("ascii")


def _write(text: str, stream: NDArray[np.uint8], offset: int) -> int:
    _check_need(len(text), stream, offset)
    spread = np.frombuffer(text.encode("ascii"), np.uint8) - np.uint8(ord("0"))
    stream[: (len(text) + 7) // 8] = np.packbits(spread, bitorder="little")
    return len(text)


# ---- arguments ----


def _triples(vector: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the gaps and the sizes of the levels that are not zero, shape (k,) each."""
    places = np.flatnonzero(vector)
    sizes = np.abs(vector[places].astype(np.int64))
    if len(sizes) and sizes.max() > HIGHEST:
        i = int(places[np.argmax(sizes > HIGHEST)])
        raise ValueError(f"levels must be at most {HIGHEST} in size, got {vector[i]} at index {i}")
    return np.diff(places, prepend=-1), sizes


def _checked(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    wrong = (numbers < 1) | (numbers > TOP)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(f"values must be 1..{TOP}, got {numbers.flat[i]} at index {i}")
    return numbers


def _code(code: int, last: int) -> int:
    code = operator.index(code)
    if not 0 <= code <= last:
        raise ValueError(f"code must be 0..{last}, got {code}")
    return code


def integers(buffer: Memory, name: str, unsigned: bool = False) -> NDArray[Any]:
    """Return a vector of native int32, or uint32 if allowed, shape (n,); TypeError for others."""
    view = view_of(buffer, name)
    array = np.asarray(view).reshape(-1)
    if array.dtype != np.int32 and not (unsigned and array.dtype == np.uint32):
        wanted = "int32 or uint32" if unsigned else "int32"
        raise TypeError(f"{name} must hold native {wanted}, got format '{view.format}'")
    if len(array) > TOP:
        raise ValueError(f"{name} must hold at most {TOP} numbers, got {len(array)}")
    return array


def _stream(
    buffer: Memory, name: str, offset: int, vector: NDArray[Any], other: str
) -> NDArray[np.uint8]:
    """Return a buffer's bytes from ``offset`` on, after the checks of both sides."""
    packed, offset = octets(buffer, name), operator.index(offset)
    if not (packed if name == "out" else vector).flags.writeable:
        raise ValueError("out must be writable, got a read-only buffer")
    if not 0 <= offset <= len(packed):
        raise ValueError(f"offset must be 0..{len(packed)}, got {offset}")
    if np.may_share_memory(packed[offset:], vector):
        raise ValueError(f"{other if name == 'out' else name} and out must not overlap in memory")
    return packed[offset:]


def _check_need(bits: int, stream: NDArray[np.uint8], offset: int) -> None:
    need = (bits + 7) // 8
    if need > len(stream):
        raise ValueError(f"out needs {need} bytes after offset {offset}, got {len(stream)}")
