"""The common part of codecs that send some coordinates as numbers, and which ones they are.

The numbers come first, then, if the receiver does not know it, the index set (see ``_indices``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Vector, _indices, nbytes
from netopt.codecs._indices import Indices
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import Key

Dtype = Annotated[
    Literal["float32", "float64"], Meta(description="number format of a coordinate on the wire")
]
Count = Annotated[
    Annotated[int, Meta(ge=1)] | None,
    Meta(description="coordinates sent, at most all; null: by the fraction"),
]
Fraction = Annotated[
    float,
    Meta(gt=0, le=1, description="share of the coordinates sent, at least one; k comes before it"),
]


class Sparse(Codec):
    """Base of a sparse codec: give ``encode_into`` and ``read``.

    Numbers are rounded to nearest in the wire's format; one below its least normal number loses
    digits, as in raw. omega, calL and the contraction are those of exact numbers: float32 adds an
    error of at most 2^-24 of a number that is sent.
    """

    if TYPE_CHECKING:  # declared as options by the subclasses
        dtype: str = "float32"

    def width(self) -> int:
        """Return the bits of one number."""
        return 32 if self.dtype == "float32" else 64

    def read(self, payload: Bytes, n: int, key: Key) -> tuple[Indices, Vector]:
        """Return the places and the values of the coordinates that a payload holds, (k,) each.

        Raises FrameError for a payload that is never sent.
        """
        raise TypeError(f"codec {self.id} does not read")

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Write the values that were sent, and zeros elsewhere; FrameError as ``read``."""
        self.accumulate(payload, key, 1.0, out, True)

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Add ``weight`` times the values where they belong; errors as ``decode_into``."""
        try:
            indices, values = self.read(payload, len(out), key)
        except FrameError as error:
            raise FrameError(f"{self.id}: {error}") from None
        values *= weight
        if first:
            out.fill(0)
            out[indices] = values
        else:
            out[indices] += values

    def check(self, x: Vector) -> None:
        """Raise RangeError unless every coordinate is finite, sent or not."""
        worst = packing.norm(x, "linf")
        if not math.isfinite(worst):
            raise RangeError(f"{self.id}: a coordinate of size {worst:g} cannot be sent")

    def put_values(self, values: Vector, out: Bytes) -> int:
        """Write numbers; return their bits. RangeError if one overflows the format."""
        try:
            return 8 * packing.raw_put(values, self.width(), out)
        except ValueError:
            worst = packing.norm(values, "linf")
            raise RangeError(
                f"{self.id} {self.dtype}: a coordinate of size {worst:g} does not fit (the largest "
                f"is {np.finfo(self.dtype).max:g}); use float64 or a smaller step size"
            ) from None

    def get_values(self, payload: Bytes, k: int) -> Vector:
        """Return the first k numbers of a payload; FrameError if they are not all finite."""
        values = np.empty(k)
        try:
            packing.raw_add(payload, self.width(), values, 1.0, False)
        except ValueError as error:
            raise FrameError(str(error)) from None
        return values

    def put_pair(self, values: Vector, indices: Indices, n: int, out: Bytes) -> int:
        """Write values, then which of n coordinates they are of; return the bits."""
        bits = self.put_values(values, out)
        return bits + _indices.put(indices, n, out, bits // 8)

    def get_pair(self, payload: Bytes, n: int, k: int) -> tuple[Indices, Vector, int]:
        """Return what ``put_pair`` wrote of k coordinates, and its bits."""
        values = self.get_values(payload, k)
        indices, bits = _indices.get(payload, k * self.width() // 8, n, k)
        return indices, values, k * self.width() + bits


def check_end(payload: Bytes, bits: int) -> None:
    """Raise FrameError unless a payload is ``bits`` long, padded with zeros to a byte."""
    if len(payload) != nbytes(bits):
        raise FrameError(f"a payload of {bits} bits takes {nbytes(bits)} bytes, got {len(payload)}")
    if bits % 8 and payload[-1] >> bits % 8:
        raise FrameError("the pad bits must be zero")


def share(k: int | None, fraction: float, n: int) -> int:
    """Return how many of n coordinates are sent, 1..n (0 of 0)."""
    return min(n, max(1, round(fraction * n)) if k is None else k)
