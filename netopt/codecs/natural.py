"""Natural compression: a sign and a power of two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netopt.codecs import Bytes, Codec, Segment, Vector
from netopt.codecs._grid import Stream
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import Key

BITS = 9
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
        "deep learning, 2019 (MSML 2022), C_nat, theorem 1"
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
        symbols = rounded(x, halves.view("<u4"))
        packing.pack_into(symbols, BITS, out)
        return BITS * len(x)

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read the powers of two; FrameError for a symbol that is never sent."""
        symbols = np.empty(len(out), np.uint16)
        try:
            packing.unpack_into(payload, BITS, symbols)
        except ValueError as error:
            raise FrameError(f"natural: {error}") from None
        np.take(VALUES, symbols, out=out)
        wrong = np.isnan(out)
        if wrong.any():
            raise FrameError(f"natural: symbol {symbols[np.argmax(wrong)]} is never sent")


def rounded(x: Vector, words: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """Return the symbols of finite x, shape (n,), rounded up where a word is below the place.

    A double's own bits are the lower power's exponent and the place above it.
    """
    bits = x.view(np.uint64)
    exponent = (bits >> np.uint64(52) & np.uint64(0x7FF)).astype(np.int16) - 896
    place = (bits >> np.uint64(20)).astype(np.uint32)
    small = np.flatnonzero(exponent < 1)
    if len(small):
        exponent[small] = 0
        place[small] = np.abs(x[small]) * (2.0**32 / LEAST)
    symbols = (exponent + (words < place)).astype(np.uint16)
    symbols[(x < 0) & (symbols > 0)] += 256
    return symbols
