"""The uniform scalar quantizer on a given range: no side information on the wire."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Vector
from netopt.codecs._grid import carrier
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import Key


class Uniform(Codec):
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

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return n symbols."""
        return (Segment("symbol", n, self.bits, "symbol"),)

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write the cell of each coordinate; RangeError if one lies outside [-range, range]."""
        largest = float(np.max(np.abs(x), initial=0.0))
        if not largest <= self.range:
            raise RangeError(
                f"uniform: a coordinate of size {largest:g} is outside [-{self.range:g}, "
                f"{self.range:g}]; give a larger range"
            )
        cell = np.floor((x / self.range + 1.0) * 2.0 ** (self.bits - 1))
        np.minimum(cell, 2.0**self.bits - 1, out=cell)  # x = range belongs to the last cell
        packing.pack_into(cell.astype(carrier(self.bits)), self.bits, out, 0)
        return self.bits * len(x)

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read the midpoint of each cell; FrameError if the pad bits are not zero."""
        symbols = np.empty(len(out), carrier(self.bits))
        try:
            packing.unpack_into(payload, self.bits, symbols, 0)
        except ValueError as error:
            raise FrameError(f"uniform: {error}") from None
        np.add(symbols, 0.5, out=out)
        np.multiply(out, 2.0 ** (1 - self.bits), out=out)
        np.subtract(out, 1.0, out=out)
        np.multiply(out, self.range, out=out)
