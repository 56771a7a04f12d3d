"""The common part of codecs that send one fixed-width symbol a coordinate: one call to the core.

What a coordinate becomes is said by :class:`netopt.core.grid.Grid`; a codec says which grid.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Vector
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import Key

FLOOR = 1e-30
"""A floor up to here is none: no vector that matters is smaller."""

Levels = Annotated[
    int, Meta(ge=1, lt=2**20, description="l, quantization levels on each side of zero")
]
Floor = Annotated[
    float,
    Meta(ge=1e-30, le=1e30, description="least scale, so that the grid never collapses to a point"),
]
Norm = Annotated[Literal["l2", "linf"], Meta(description="the norm that is the scale")]
Block = Annotated[
    int,
    Meta(
        ge=0,
        multiple_of=64,
        description="coordinates that share a scale; 0: the whole vector",
    ),
]
Stream = Annotated[
    Literal["fast", "philox"], Meta(description="the random numbers that coordinates round by")
]


class GridCodec(Codec):
    """Base of a codec with a grid: give ``grid``, ``width``, ``origin`` and ``top``."""

    if TYPE_CHECKING:  # declared as options by the subclasses
        block: int = 0

    def grid(self) -> packing.Grid:
        """Return a new grid of the core with this codec's options."""
        raise TypeError(f"codec {self.id} does not say what its grid is")

    def width(self) -> int:
        """Return the bits of one symbol."""
        raise TypeError(f"codec {self.id} does not say how wide its symbols are")

    def origin(self, key: Key) -> float:
        """Return the (possibly half-integer) symbol that means the value zero."""
        raise TypeError(f"codec {self.id} does not say where its grid lies")

    def top(self, key: Key) -> int:
        """Return the largest symbol that can occur under this key."""
        return int(2 ** self.width() - 1)

    def side(self, n: int) -> tuple[Segment, ...]:
        """Return what comes before the symbols of n coordinates: a scale for each block."""
        return (Segment("scale", self._blocks(n), 32, "float32"),)

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return the scales and the n symbols."""
        return (*self.side(n), Segment("symbol", n, self.width(), "symbol"))

    def nbits(self, n: int) -> int:
        """Return the exact payload bits of n coordinates."""
        known: dict[int, int] = self.__dict__.setdefault("_bits", {})
        if n not in known:
            known[n] = sum(part.count * part.bits for part in self.layout(n))
        return known[n]

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write scales and symbols; RangeError if the grid cannot hold x."""
        try:
            self._grid.encode(x, out, self.origin(key), self.top(key), key)
        except ValueError as error:
            raise RangeError(f"{self.id}: {error}") from None
        return self.nbits(len(x))

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read the symbols' values; FrameError for a scale or a symbol that is never sent."""
        self.accumulate(payload, key, 1.0, out, True)

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Unpack, scale and add in one pass over ``out``; errors as ``decode_into``."""
        try:
            self._grid.decode(payload, out, self.origin(key), self.top(key), weight, not first)
        except ValueError as error:
            raise FrameError(f"{self.id}: {error}") from None

    @property
    def _grid(self) -> packing.Grid:
        made: packing.Grid | None = self.__dict__.get("_made")
        if made is None:
            made = self.__dict__["_made"] = self.grid()
        return made

    def _share(self, n: int) -> int:
        """Return how many coordinates share a scale, of n."""
        return min(n, self.block or n)

    def _blocks(self, n: int) -> int:
        return -(-n // self.block) if self.block and n else 1


class ScaledGrid(GridCodec):
    """Stochastic rounding of x onto a grid of spacing Delta = n / l, n = max(||x||, floor).

    A subclass says how many symbols there are and which symbol means the value 0 * Delta: symbol m
    stands for (m - origin) Delta. The scale n is rounded up to float32 before it is used, so both
    ends have the same grid and |x_j| <= n still holds. A coordinate's place between two symbols is
    rounded to a multiple of 2^-16, which moves the mean by at most 2^-17 of a level.
    """

    if TYPE_CHECKING:  # declared as options by the subclasses
        levels: int = 10
        norm: str = "l2"
        floor: float = 0.1
        stream: str = "fast"

    def omega(self, n: int) -> float | None:
        """Return min(d / l^2, sqrt(d) / l) for the norm l2, d being the coordinates of a scale.

        For linf, min(d / (4 l^2), (1 + sqrt(d)) / (2 l)): a coordinate's variance is at most
        Delta^2 / 4 and |x_j| Delta, and ||x||_1 ||x||_inf <= (1 + sqrt(d)) / 2 ||x||^2. None with a
        floor that vectors may lie below, since their error has no relative bound.
        """
        if self.floor > FLOOR:
            return None
        d, levels = self._share(n), self.levels
        if self.norm == "linf":
            return min(d / (4 * levels**2), (1 + math.sqrt(d)) / (2 * levels))
        return min(d / levels**2, math.sqrt(d) / levels)

    def symbols(self) -> int:
        """Return the number of symbols that can occur."""
        raise TypeError(f"codec {self.id} does not say how many symbols it has")

    def top(self, key: Key) -> int:
        """Return the largest symbol that can occur under this key."""
        return self.symbols() - 1

    def width(self) -> int:
        """Return the bits of one symbol."""
        return (self.symbols() - 1).bit_length()

    def grid(self) -> packing.Grid:
        """Return the grid with ``levels`` steps from zero to the scale."""
        options: tuple[Any, ...] = (self.norm, self.floor, self.block, self.stream)
        return packing.Grid("scaled", self.width(), float(self.levels), *options)
