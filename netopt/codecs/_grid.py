"""The common part of codecs that send a float32 scale and one fixed-width symbol a coordinate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Vector
from netopt.core import packing
from netopt.core.norms import l2
from netopt.errors import FrameError, RangeError
from netopt.keys import Key

SCALE = np.dtype("<f4")
Levels = Annotated[
    int, Meta(ge=1, lt=2**20, description="l, quantization levels on each side of zero")
]
Floor = Annotated[
    float,
    Meta(gt=0, le=1e30, description="least scale, so that the grid never collapses to a point"),
]


def carrier(bits: int) -> type[np.unsignedinteger[Any]]:
    """Return the narrowest unsigned type that holds ``bits`` bits."""
    return np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32


def round_up_to_float32(value: float) -> np.float32:
    """Return the least float32 that is not below ``value`` >= 0; inf if there is none."""
    with np.errstate(over="ignore"):
        near: np.float32 = np.float32(value)
    return np.nextafter(near, np.float32(np.inf)) if float(near) < value else near


class ScaledGrid(Codec):
    """Stochastic rounding of x onto a grid of spacing Delta = n / l, n = max(||x||_2, floor).

    A subclass says how many symbols there are and which symbol means the value 0 * Delta: symbol m
    stands for (m - origin) Delta. The scale n is rounded up to float32 before it is used, so both
    ends have the same grid and |x_j| <= n still holds.
    """

    if TYPE_CHECKING:  # declared as options by the subclasses
        levels: int = 10
        floor: float = 0.1

    def symbols(self) -> int:
        """Return the number of symbols that can occur."""
        raise TypeError(f"codec {self.id} does not say how many symbols it has")

    def origin(self, key: Key) -> float:
        """Return the (possibly half-integer) symbol that would mean the value zero."""
        raise TypeError(f"codec {self.id} does not say where its grid lies")

    def top(self, key: Key) -> int:
        """Return the largest symbol that can occur under this key."""
        return self.symbols() - 1

    def width(self) -> int:
        """Return the bits of one symbol."""
        return (self.symbols() - 1).bit_length()

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return the scale and the n symbols."""
        return (Segment("scale", 1, 32, "float32"), Segment("symbol", n, self.width(), "symbol"))

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write scale and symbols; RangeError if the norm of x is not a finite float32."""
        scale = self._scale(x)
        out[:4].view(SCALE)[0] = scale
        work, symbols = self._scratch(len(x))
        # In this order |x_j| / n <= 1 and l |x_j| / n <= l hold in floating point too.
        np.divide(x, float(scale), out=work)
        np.multiply(work, self.levels, out=work)
        np.add(work, self.origin(key), out=work)
        # u has 32 bits and l < 2^20, so 2 l + u < 2 l + 1 holds in floating point too.
        np.add(work, key.words(len(x)) * 2.0**-32, out=work)
        np.floor(work, out=work)
        np.copyto(symbols, work, casting="unsafe")
        packing.pack_into(symbols, self.width(), out, 4)
        return 32 + self.width() * len(x)

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read (symbol - origin) Delta; FrameError for a scale or a symbol that is never sent."""
        scale = float(payload[:4].view(SCALE)[0])
        if not self.floor <= scale < np.inf:
            raise FrameError(f"{self.id}: {scale!r} is not a scale (finite, at least {self.floor})")
        _, symbols = self._scratch(len(out))
        try:
            packing.unpack_into(payload, self.width(), symbols, 4)
        except ValueError as error:
            raise FrameError(f"{self.id}: {error}") from None
        largest = int(symbols.max(initial=0))
        if largest > self.top(key):
            raise FrameError(f"{self.id}: symbol {largest} where {self.top(key)} is the largest")
        np.subtract(symbols, self.origin(key), out=out)
        np.multiply(out, scale / self.levels, out=out)

    def _scale(self, x: Vector) -> np.float32:
        norm = l2(x)
        scale = round_up_to_float32(max(norm, self.floor))
        if not np.isfinite(scale) or np.isnan(norm):
            raise RangeError(
                f"{self.id}: a vector of norm {norm:g} has no float32 scale "
                f"(the largest is {np.finfo(np.float32).max:g})"
            )
        return scale

    def _scratch(self, n: int) -> tuple[Vector, Any]:
        """Return work arrays for n coordinates, kept from call to call; never handed out."""
        kept = self.__dict__.get("_kept")
        if kept is None or len(kept[0]) != n:
            kept = self.__dict__["_kept"] = (np.empty(n), np.empty(n, carrier(self.width())))
        return kept[0], kept[1]
