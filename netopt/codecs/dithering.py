"""Random dithering with s levels: QSGD's quantizer, sent in an Elias code or in a fixed width."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from netopt.codecs import Bytes, Segment, Tuning, Vector
from netopt.codecs._dither import DitherCodec, Norm, bound, standard_levels
from netopt.codecs._grid import Stream
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import Key

FLOOR = 1e-30
"""The least scale in a fixed width: the core's grids have no smaller one."""


class Dithering(DitherCodec):
    """Dithering: unbiased rounding of |x_j| / ||x|| to multiples of 1 / s, zeros nearly for free.

    s is ``levels``; null stands for s = floor(sqrt(d) / n) once a method has told the codec its n
    workers, so that a message has at most about d / n non-zeros, and for floor(sqrt(d)) before. The
    coding 'fixed' sends every coordinate in the bits that 2 s + 1 symbols need; its scale is at
    least 1e-30, and its places are multiples of 2^-16.
    """

    id = "dithering"
    reference = (
        "Alistarh et al., QSGD, NeurIPS 2017, section 3; standard dithering of Wang, Safaryan and "
        "Richtarik, NeurIPS 2022"
    )
    levels: Annotated[
        Annotated[int, Meta(ge=1, lt=2**20)] | None,
        Meta(description="s, levels on each side of zero; null: by the coordinates and workers"),
    ] = None
    norm: Norm = "linf"
    coding: Annotated[
        Literal["omega", "gamma", "fixed"],
        Meta(description="Elias code of gaps and levels, or one width for all coordinates"),
    ] = "omega"
    stream: Stream = "fast"

    def count(self, n: int) -> int:
        """Return s for vectors of n coordinates."""
        found: int | None = self.__dict__.get("_bound_levels", self.levels)
        return max(1, math.isqrt(n)) if found is None else found

    def spacing(self, n: int) -> Vector:
        """Return 1 / s, shape (1,)."""
        return np.array([1 / self.count(n)])

    def inverse(self, n: int) -> Vector:
        """Return s, shape (1,)."""
        return np.array([float(self.count(n))])

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return the norm and, in a fixed width, the symbols."""
        norm = super().layout(n)
        width = (2 * self.count(n)).bit_length()
        return (*norm, Segment("symbol", n, width, "symbol")) if self.coding == "fixed" else norm

    def nbits(self, n: int) -> int | None:
        """Return the exact bits of a fixed width, None for an Elias code."""
        if self.coding != "fixed":
            return None
        return 32 + n * int(2 * self.count(n)).bit_length()

    def max_nbits(self, n: int) -> int:
        """Return the bits of a payload in which every coordinate has the level s."""
        bits = self.nbits(n)
        return super().max_nbits(n) if bits is None else bits

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write norm and levels; RangeError if the norm has no float32 or x is not finite."""
        if self.coding != "fixed":
            return super().encode_into(x, key, out)
        s, grid = self._fixed(len(x))
        try:
            grid.encode(x, out, float(s), 2 * s, key)
        except ValueError as error:
            raise RangeError(f"{self.id}: {error}") from None
        return 32 + len(x) * int(2 * s).bit_length()

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Add ``weight`` times the values to ``out`` in one pass; errors as ``decode_into``."""
        if self.coding != "fixed":
            return super().accumulate(payload, key, weight, out, first)
        s, grid = self._fixed(len(out))
        try:
            grid.decode(payload, out, float(s), 2 * s, weight, not first)
        except ValueError as error:
            raise FrameError(f"{self.id}: {error}") from None

    def tuned(self, tuning: Tuning, d: int, parameters: Vector | None = None) -> Dithering:
        """Return the codec with s = floor(sqrt(d) / n) levels, unless ``levels`` says how many.

        Raises ConfigError if n > sqrt(d), since s would be 0.
        """
        if self.levels is not None:
            return self
        return bound(self, levels=standard_levels(self, tuning.workers, d))

    def _fixed(self, n: int) -> tuple[int, packing.Grid]:
        """Return s and the core's grid with it, kept as long as s is the same."""
        s = self.count(n)
        kept: tuple[int, packing.Grid] | None = self.__dict__.get("_kept_grid")
        if kept is None or kept[0] != s:
            width = int(2 * s).bit_length()
            made = packing.Grid("scaled", width, float(s), self.norm, FLOOR, 0, self.stream)
            kept = self.__dict__["_kept_grid"] = (s, made)
        return kept
