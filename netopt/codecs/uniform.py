"""The uniform scalar quantizer on a given range: no side information on the wire."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Vector, nbytes
from netopt.codecs._grid import GridCodec
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import Key, Purpose

TINY = 1e-280
"""A range below this is scaled up first: its inverse would overflow."""
UP = 2.0**600


class Uniform(GridCodec):
    """Uniform: the nearest of 2^bits midpoints on [-range, range]; outside it is an error.

    The error is at most range / 2^bits a coordinate. 8 bits on [-1, 1] is a plain default for data
    of unit size; a method that knows better gives the range. If bits is no integer, n coordinates
    take floor(n bits) bits in all: each has floor(bits), and a random subset, which both ends draw
    from the key, one more. A coordinate with 0 bits is decoded as 0.
    """

    id = "uniform"
    reference = (
        "Lin, Kostina and Hassibi, Differentially quantized gradient methods, IEEE T-IT 2022"
    )
    bits: Annotated[
        float, Meta(gt=0, le=32, description="bits of one coordinate, also a fraction")
    ] = 8
    range: Annotated[
        float, Meta(gt=0, le=1e300, description="r, the largest coordinate that can be sent")
    ] = 1.0

    def __post_init__(self) -> None:
        """Make whole bits an integer, however they were written: 8.0 is the codec 8."""
        rate = self._rate()
        if rate.denominator == 1 and rate:
            self.bits = int(rate)

    def width(self) -> int:
        """Return the bits of the finest symbol."""
        return math.ceil(self.bits)

    def side(self, n: int) -> tuple[Segment, ...]:
        """Return nothing: both ends know the range."""
        return ()

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return the n symbols; if bits is no integer, the subset's last bits come after them."""
        if isinstance(self.bits, int):
            return super().layout(n)
        low, count = self._split(n)
        symbols = Segment("symbol", n, low, "symbol")
        extra = Segment("extra", count, 1, "symbol")
        return ((symbols,) if low else ()) + ((extra,) if count or not low else ())

    def covering(self, n: int) -> float:
        """Return sqrt(n0 4^-b + n1 4^-(b + 1)) for n0 coordinates of b bits and n1 of b + 1.

        It is attained at x = 0. With b = 0 the n0 coordinates together are off by at most
        ||x|| <= 1, so their part is 1.
        """
        low, count = self._split(n)
        coarse = n - count if low else min(n - count, 1)
        return math.sqrt(coarse * 4.0**-low + count * 4.0 ** -(low + 1))

    def origin(self, key: Key) -> float:
        """Return the place between the two middle cells."""
        return 2.0 ** (self.width() - 1) - 0.5

    def grid(self) -> packing.Grid:
        """Return the grid with 2^(bits - 1) cells on each side of zero."""
        reach = self.range * UP if self.range < TINY else self.range
        bits = self.width()
        return packing.Grid("fixed", bits, 2.0 ** (bits - 1), "linf", reach, 0, "nearest")

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write the cell of each coordinate; RangeError if one lies outside [-range, range]."""
        if isinstance(self.bits, int):
            return self._encode_cells(x, key, out)
        (low, count), width = self._split(len(x)), self.width()
        cells = np.empty(len(x), np.uint32)
        packed = np.empty(nbytes(len(x) * width), np.uint8)
        self._encode_cells(x, key, packed)
        packing.unpack_into(packed, width, cells)
        # Two fine cells make a coarse one, so a symbol without its last bit is the coarse symbol.
        last = (cells[self._chosen(len(x), count, key)] & 1).astype(np.uint8)
        head = np.zeros(nbytes(len(x) * low), np.uint8)
        if low:
            packing.pack_into(cells >> 1, low, head)
        bits = np.unpackbits(head, count=len(x) * low, bitorder="little")
        payload = np.packbits(np.concatenate([bits, last]), bitorder="little")
        out[: len(payload)] = payload
        return self.nbits(len(x))

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Write the midpoint of each coordinate's cell; FrameError if a pad bit is not zero."""
        if isinstance(self.bits, int):
            super().decode_into(payload, key, out)
            return
        (low, count), n, total = self._split(len(out)), len(out), self.nbits(len(out))
        if len(payload) < nbytes(total):
            raise FrameError(f"uniform: {n} coordinates need {total} bits, got {8 * len(payload)}")
        bits = np.unpackbits(payload[: nbytes(total)], bitorder="little")
        if bits[total:].any():
            pad = np.packbits(bits[total:], bitorder="little")[0]
            raise FrameError(f"uniform: the pad bits must be zero, got {pad}")
        cells = np.zeros(n, np.uint32)
        if low:
            packing.unpack_into(np.packbits(bits[: n * low], bitorder="little"), low, cells)
        np.multiply(cells, 2.0, out=out)
        out += 0.5  # in units of the fine cells: the middle of two
        out[self._chosen(n, count, key)] += bits[n * low : total] - 0.5
        out -= self.origin(key)
        out *= 2.0**-low
        out *= self.range

    def _encode_cells(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write all coordinates with the finest symbol's bits; errors as ``encode_into``."""
        work = x
        if self.range < TINY:
            work = self._work(len(x))
            np.multiply(x, UP, out=work)
        try:
            return super().encode_into(work, key, out)
        except RangeError:
            raise RangeError(
                f"uniform: a coordinate of size {packing.norm(x, 'linf'):g} is outside "
                f"[-{self.range:g}, {self.range:g}]; give a larger range"
            ) from None

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Unpack, scale and add in one pass over ``out``; errors as ``decode_into``."""
        if isinstance(self.bits, float):
            Codec.accumulate(self, payload, key, weight, out, first)
        elif self.range >= TINY:
            super().accumulate(payload, key, weight, out, first)
        elif first and weight == 1.0:
            super().accumulate(payload, key, 1 / UP, out, True)
        else:
            Codec.accumulate(self, payload, key, weight, out, first)

    def _rate(self) -> Fraction:
        """Return bits as the fraction that was meant: 0.3 is 3/10 and not the double below it."""
        return Fraction(self.bits).limit_denominator(10**8)

    def _split(self, n: int) -> tuple[int, int]:
        """Return the bits that each of n coordinates has, and how many have one more."""
        known: dict[int, tuple[int, int]] = self.__dict__.setdefault("_splits", {})
        if n not in known:
            low = math.floor(self.bits)
            known[n] = low, math.floor(n * self._rate()) - n * low
        return known[n]

    def _chosen(self, n: int, count: int, key: Key) -> npt.NDArray[np.intp]:
        """Return the ``count`` of n coordinates that have one more bit, in order; every subset is
        as likely, up to equal 32-bit words.
        """
        if not count:
            return np.empty(0, np.intp)
        words = key._replace(purpose=Purpose.INDICES).words(n)
        last = np.partition(words, count - 1)[count - 1]
        taken = words < last
        equal = np.flatnonzero(words == last)
        taken[equal[: count - np.count_nonzero(taken)]] = True
        return np.flatnonzero(taken)
