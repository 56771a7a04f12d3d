"""Sets of k of the places 0..n-1 on the wire: the shortest of five codings, named by one byte.

The byte is 0 for a bitmap of n bits; 1 for the set's number among all C(n, k) sets in the
combinatorial number system, ceil(log2 C(n, k)) bits; 2 + c for the gaps between the places (the
first being place + 1) as a run of code c of ``netopt.core.codes``: Elias omega, Elias gamma or Rice
with its best parameter. Of equally short codings the lowest byte is sent; any is read. n and k are
known to both ends; sets are sorted and without repeats.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from netopt.codecs import Bytes, nbytes
from netopt.core import packing
from netopt.errors import FrameError

Indices = NDArray[np.intp]

BITMAP, COMBINATORIAL, GAPS = 0, 1, 2
OMEGA, GAMMA, RICE = 0, 1, 2
LAST = GAPS + RICE + 30
COUNTABLE, LONGEST = 512, 1024
"""Sets are numbered if min(k, n - k) log2 n and n are at most these: beyond, the whole numbers take
longer to handle, and the gaps' codes come closer."""

_POWERS = 2 ** np.arange(31)
_LENGTHS = np.zeros((2, 32), np.int64)  # a code's length depends only on its number's bits
_LENGTHS[:, 1:] = [packing.elias_bits(_POWERS, code) for code in (OMEGA, GAMMA)]


def put(indices: Indices, n: int, out: Bytes, offset: int) -> int:
    """Write a set, shape (k,), from byte ``offset`` on; return its bits, those of the byte too.

    The rest of the last byte is zeros, and nothing behind it is touched.
    """
    form, bits = choose(indices, n)
    out[offset] = form
    start, stop = offset + 1, offset + 1 + nbytes(bits)
    if form == BITMAP:
        mask = np.zeros(n, np.uint8)
        mask[indices] = 1
        out[start:stop] = np.packbits(mask, bitorder="little")
    elif form == COMBINATORIAL:
        number = rank(indices.tolist(), n)
        out[start:stop] = np.frombuffer(number.to_bytes(nbytes(bits), "little"), np.uint8)
    else:
        packing.numbers_put(_gaps(indices).astype(np.int32), form - GAPS, out, start)
    return 8 + bits


def get(payload: Bytes, offset: int, n: int, k: int) -> tuple[Indices, int]:
    """Return the set of k places that begins at byte ``offset``, and its bits.

    Raises FrameError for bytes that are no such set; whether the rest of the last byte is zeros is
    the caller's to check.
    """
    if offset >= len(payload):
        raise FrameError("the payload ends before its index set")
    form, body = int(payload[offset]), payload[offset + 1 :]
    if form == BITMAP:
        return _get_bitmap(body, n, k), 8 + n
    if form == COMBINATORIAL and countable(n, k):
        bits = _number_bits(n, k)
        return _get_number(body, bits, n, k), 8 + bits
    if GAPS <= form <= LAST:
        return _get_gaps(payload, offset + 1, form - GAPS, n, k)
    raise FrameError(f"no coding of {k} of {n} indices has the number {form}")


def least_bits(indices: Indices, n: int) -> int:
    """Return the bits that ``put`` takes."""
    return 8 + choose(indices, n)[1]


def most_bits(n: int) -> int:
    """Return the most bits that a set of any size takes: a bitmap can always be had."""
    return 8 + n


def choose(indices: Indices, n: int) -> tuple[int, int]:
    """Return the byte of the shortest coding and its bits, the byte apart."""
    k = len(indices)
    found = [(n, BITMAP)]
    if countable(n, k):
        found.append((_number_bits(n, k), COMBINATORIAL))
    if k:
        gaps = _gaps(indices)
        sizes = np.bincount(np.frexp(gaps)[1], minlength=32)
        omega, gamma = (_LENGTHS @ sizes).tolist()
        found += [(omega, GAPS + OMEGA), (gamma, GAPS + GAMMA), _rice(gaps)]
    bits, form = min(found)
    return form, bits


def countable(n: int, k: int) -> bool:
    """Return whether sets of k of n are few enough to be numbered."""
    return n <= LONGEST and min(k, n - k) * n.bit_length() <= COUNTABLE


def rank(indices: list[int], n: int) -> int:
    """Return the set's number in the combinatorial number system: the sum of C(i-th place, i).

    Of a set that holds more than half of the places, the number of its complement.
    """
    if 2 * len(indices) > n:
        indices = sorted(set(range(n)).difference(indices))
    return sum(_binomials(n, i)[place] for i, place in enumerate(indices, 1))


def unrank(number: int, n: int, k: int) -> list[int]:
    """Return the set with a number below C(n, k): the inverse of ``rank``."""
    few, found = min(k, n - k), []
    for i in range(few, 0, -1):  # the highest place is the last whose C(place, i) still fits
        row = _binomials(n, i)
        place = bisect_right(row, number) - 1
        number -= row[place]
        found.append(place)
    return found[::-1] if few == k else sorted(set(range(n)).difference(found))


@cache
def _binomials(n: int, i: int) -> list[int]:
    """Return C(0, i), ..., C(n - 1, i): each is the sum of all C(place, i - 1) before it."""
    return [0, *accumulate(_binomials(n, i - 1)[:-1])] if i else [1] * n


@cache
def _number_bits(n: int, k: int) -> int:
    """Return ceil(log2 C(n, k))."""
    return (math.comb(n, k) - 1).bit_length()


def _gaps(indices: Indices) -> NDArray[np.intp]:
    gaps = indices.copy()
    gaps[0] += 1
    gaps[1:] -= indices[:-1]
    return gaps


def _rice(gaps: NDArray[np.intp]) -> tuple[int, int]:
    """Return the bits of the best Rice code, and its byte.

    With one bit more in the low part, each gap gains half of its quotient: ever less, so the first
    parameter that gains nothing ends the search.
    """
    rest, k, r = gaps - 1, len(gaps), 0
    best = int(rest.sum()) + k
    while r < 30:
        rest >>= 1
        bits = int(rest.sum()) + k * (r + 2)
        if bits >= best:
            break
        best, r = bits, r + 1
    return best, GAPS + RICE + r


def _get_bitmap(body: Bytes, n: int, k: int) -> Indices:
    if len(body) < nbytes(n):
        raise FrameError(f"the payload ends within a bitmap of {n} bits")
    found = np.flatnonzero(np.unpackbits(body[: nbytes(n)], count=n, bitorder="little"))
    if len(found) != k:
        raise FrameError(f"a bitmap holds {len(found)} indices where there should be {k}")
    return found


def _get_number(body: Bytes, bits: int, n: int, k: int) -> Indices:
    if len(body) < nbytes(bits):
        raise FrameError(f"the payload ends within a set's number of {bits} bits")
    number = int.from_bytes(body[: nbytes(bits)].tobytes(), "little") & ((1 << bits) - 1)
    if number >= math.comb(n, k):
        raise FrameError(f"there is no set {number} of {k} of {n} indices")
    return np.array(unrank(number, n, k), np.intp)


def _get_gaps(payload: Bytes, start: int, code: int, n: int, k: int) -> tuple[Indices, int]:
    gaps = np.empty(k, np.int32)
    try:
        bits = packing.numbers_get(payload, start, code, gaps)
    except ValueError as error:
        raise FrameError(f"an index set: {error}") from None
    found = np.cumsum(gaps, dtype=np.intp) - 1
    if k and found[-1] >= n:
        raise FrameError(f"an index runs past the {n} coordinates")
    return found, 8 + bits
