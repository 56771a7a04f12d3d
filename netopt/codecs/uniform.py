"""The uniform scalar quantizer on a given range: no side information on the wire."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Vector
from netopt.codecs._grid import GridCodec
from netopt.core import packing
from netopt.errors import RangeError
from netopt.keys import Key

TINY = 1e-280
"""A range below this is scaled up first: its inverse would overflow."""
UP = 2.0**600


class Uniform(GridCodec):
    """Uniform: the nearest of 2^bits midpoints on [-range, range]; outside it is an error.

    The error is at most range / 2^bits a coordinate. 8 bits on [-1, 1] is a plain default for data
    of unit size; a method that knows better gives the range.
    """

    id = "uniform"
    reference = (
        "Lin, Kostina and Hassibi, Differentially quantized gradient methods, IEEE T-IT 2022"
    )
    bits: Annotated[int, Meta(ge=1, le=32, description="bits of one coordinate")] = 8
    range: Annotated[
        float, Meta(gt=0, le=1e300, description="r, the largest coordinate that can be sent")
    ] = 1.0

    def width(self) -> int:
        """Return the bits of one symbol."""
        return self.bits

    def side(self, n: int) -> tuple[Segment, ...]:
        """Return nothing: both ends know the range."""
        return ()

    def origin(self, key: Key) -> float:
        """Return the place between the two middle cells."""
        return 2.0 ** (self.bits - 1) - 0.5

    def grid(self) -> packing.Grid:
        """Return the grid with 2^(bits - 1) cells on each side of zero."""
        reach = self.range * UP if self.range < TINY else self.range
        return packing.Grid("fixed", self.bits, 2.0 ** (self.bits - 1), "linf", reach, 0, "nearest")

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write the cell of each coordinate; RangeError if one lies outside [-range, range]."""
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
        if self.range >= TINY:
            super().accumulate(payload, key, weight, out, first)
        elif first and weight == 1.0:
            super().accumulate(payload, key, 1 / UP, out, True)
        else:
            Codec.accumulate(self, payload, key, weight, out, first)
