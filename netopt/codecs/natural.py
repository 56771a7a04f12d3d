"""Natural compression: a sign and a power of two."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from netopt.codecs import Bytes, Codec, Segment, Vector
from netopt.codecs._grid import Stream
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import Key

BITS = 9
BLOCK = 1 << 14
LARGEST = 2.0**127
LEAST = 2.0**-126
"""The powers of two that can be sent: those of float32's normal numbers, as symbols 1..254."""

_POWERS = np.ldexp(1.0, np.arange(256) - 127)
_POWERS[0], _POWERS[255] = 0.0, np.nan
VALUES = np.concatenate([_POWERS, -_POWERS])
"""What each symbol means; NaN for those that are never sent."""
VALUES[256] = np.nan


class Natural(Codec):
    """Natural compression: each coordinate to one of the two powers of two around it, unbiased.

    A sign and an 8-bit exponent. With a <= x <= 2 a the variance (x - a)(2 a - x) is at most
    x^2 / 8, at x = 4 a / 3, so omega = 1/8. A coordinate below 2^-126 becomes that or zero: still
    unbiased, but its variance is x (2^-126 - x). The place between two powers is rounded down to a
    multiple of 2^-32.
    """

    id = "natural"
    reference = (
        "Horvath, Ho, Horvath, Sahu, Canini and Richtarik, Natural compression for distributed "
        "deep learning, MSML 2022, C_nat"
    )
    unbiased = True
    stream: Stream = "fast"

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return n symbols: the exponent as float32 has it, 0 for zero, and above it the sign."""
        return (Segment("symbol", n, BITS, "symbol"),)

    def omega(self, n: int) -> float:
        """Return 1/8, for coordinates of at least 2^-126."""
        return 0.125

    def cal_l(self, diagonal: Vector, top: float) -> float:
        """Return max_j L_jj / 8: coordinates are rounded independently, so only these count."""
        return 0.125 * float(diagonal.max())

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write n symbols; RangeError for a coordinate above 2^127 or one that is not finite."""
        worst = packing.norm(x, "linf")
        if not worst <= LARGEST:
            raise RangeError(
                f"natural: a coordinate of size {worst:g} is above the largest power of two that "
                f"can be sent, 2^127 = {LARGEST:g}; use a smaller step size"
            )
        halves = packing.random16(key, self.stream, 2 * len(x)).astype("<u2", copy=False)
        words = halves.view("<u4")
        for part, place in _blocks(len(x)):
            packing.pack_into(rounded(x[part], words[part]), BITS, out, place)
        return BITS * len(x)

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read the powers of two; FrameError for a symbol that is never sent."""
        for part, place in _blocks(len(out)):
            values = out[part]
            symbols = np.empty(len(values), np.uint16)
            try:
                packing.unpack_into(payload, BITS, symbols, place)
            except ValueError as error:
                raise FrameError(f"natural: {error}") from None
            np.take(VALUES, symbols, out=values, mode="clip")  # the default would buffer its output
            if math.isnan(packing.norm(values, "linf")):
                wrong = symbols[np.argmax(np.isnan(values))]
                raise FrameError(f"natural: symbol {wrong} is never sent")


def rounded(x: Vector, words: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """Return the symbols of finite x, shape (n,), rounded up where place + word reaches 2^32.

    A double without its sign is the exponent of the power below it and then the place above that,
    so one addition rounds.
    """
    bits = x.view(np.uint64) << np.uint64(1)
    bits >>= np.uint64(21)
    bits += words
    bits >>= np.uint64(32)
    symbols = bits.astype(np.int16)
    symbols -= 1023 - 127
    least = int(symbols.min(initial=2))
    symbols |= np.signbit(x).astype(np.int16) << np.int16(8)
    if least < 2:  # there may be coordinates below the least power
        small = np.flatnonzero(np.abs(x) < LEAST)
        place = (np.abs(x[small]) * (2.0**32 / LEAST)).astype(np.uint64)
        up = (place + words[small]) >> np.uint64(32)
        symbols[small] = up.astype(np.int16) * np.where(x[small] < 0, 257, 1)
    return symbols.view(np.uint16)


def _blocks(n: int) -> Iterator[tuple[slice, int]]:
    """Pair blocks of coordinates, which stay in the cache, with the bytes where they begin."""
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n)), start * BITS // 8
