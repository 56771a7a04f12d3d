"""Dithering in blocks: a norm and a step for each run of coordinates."""

from __future__ import annotations

import math
import struct
from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from netopt.codecs import Bytes, Tuning, Vector
from netopt.codecs._dither import (
    CODES,
    Coding,
    DitherCodec,
    Norm,
    Plan,
    as_sent,
    bound,
    check_budget,
    diagonal_of,
    received,
    standard_levels,
    strong,
)
from netopt.codecs._grid import Stream
from netopt.core import packing
from netopt.core.codes import elias_bits
from netopt.core.dithered import LARGEST, TINY, inverse_of
from netopt.errors import ConfigError

Steps = Annotated[
    Literal["smooth", "uniform", "standard"],
    Meta(description="h_l fitted to the smoothness, one h for all blocks, or 1 / s as dithering"),
]


class Layout(NamedTuple):
    """Where the blocks of n coordinates lie, and arrays for one call; see ``Plan``.

    ``owner`` is the block of each coordinate, ``wire`` the format of the norms; ``numbers`` has a
    place for each block, ``work`` for each coordinate.
    """

    n: int
    parts: tuple[slice, ...]
    owner: npt.NDArray[np.intp]
    wire: struct.Struct
    numbers: Vector
    work: Vector


class Blocks(DitherCodec):
    """Blocks: dithering of B contiguous blocks, each with a norm and a step h_l of its own.

    A block has floor(d / B) coordinates, the last one takes the rest; B is ``blocks``, or if that
    is null the number of workers, and 4 before a method has tuned the codec. The budget is
    sum (1 / h_l^2 + sqrt(d_l) / h_l) = d / n non-zeros beside the B norms, spent wholly: h_l is
    delta / ||l_l|| for DCGD+, delta / (sqrt(d_l) + ||l_l|| / (n mu)) for DIANA+ and delta if
    ``steps`` is uniform, delta being the root of that equation. (The published delta is an upper
    bound of it, by up to a quarter.) With ``steps`` standard, h = 1 / floor(sqrt(d) / n).

    The triples of all blocks are one stream, whose gaps run across borders. Gaps that start anew
    would need an end for each block, e(z + 1) bits after its last z zeros; a gap across the border
    takes e(z + g) instead of e(z + 1) + e(g), which is less but for a bit in rare cases.
    """

    id = "blocks"
    reference = "Wang, Safaryan and Richtarik, NeurIPS 2022, block quantization"
    blocks: Annotated[
        Annotated[int, Meta(ge=1, lt=2**20)] | None,
        Meta(description="B, blocks with a norm of their own; null: as many as workers"),
    ] = None
    steps: Steps = "smooth"
    norm: Norm = "linf"
    coding: Coding = "omega"
    stream: Stream = "fast"

    def scales(self, n: int) -> int:
        """Return B; before a method has tuned the codec, at most one block a coordinate."""
        return int(self.__dict__.get("_bound_blocks", max(1, min(self.blocks or 4, n))))

    def sizes(self, n: int) -> npt.NDArray[np.int64]:
        """Return d_l, the coordinates of each block, shape (B,)."""
        return sizes_of(n, self.scales(n))

    def heights(self, n: int) -> Vector:
        """Return h_l, shape (B,): as tuned, or 1 / floor(sqrt(d))."""
        found: Vector | None = self.__dict__.get("_bound_heights")
        return np.full(self.scales(n), 1 / max(1, math.isqrt(n))) if found is None else found

    def spacing(self, n: int) -> Vector:
        """Return the step of every coordinate, shape (n,)."""
        d = self.__dict__.get("_bound_d", n)
        if d != n:
            raise ConfigError(f"{self.id}: tuned to {d} coordinates, got {n}")
        return np.repeat(self.heights(n), self.sizes(n))

    def omega(self, n: int) -> float | None:
        """Return max_l min(h_l sqrt(d_l), h_l^2 d_l): dithering's constant, block by block."""
        size = self.heights(n) * np.sqrt(self.sizes(n))
        return float(np.minimum(size, size * size).max(initial=0.0))

    def cal_l(self, diagonal: Vector, top: float) -> float | None:
        """Return max_l h_l ||l_l||, l_l being the block's part of the diagonal."""
        n = len(diagonal)
        return float((self.heights(n) * norms(diagonal, self.sizes(n))).max())

    def max_nbits(self, n: int) -> int:
        """Return the bits of the largest payload; before tuning, of any that tuning can lead to.

        The budget then leaves no level above sqrt(d) + 1, and there are at most d blocks.
        """
        if "_bound_d" in self.__dict__:
            return super().max_nbits(n)
        top = elias_bits(np.array([math.isqrt(n) + 1]), CODES[self.coding])
        return 32 * max(1, min(self.blocks or n, n)) + n * (2 + int(top[0]))

    def tune(self, tuning: Tuning) -> Vector | None:
        """Return the B steps of a worker, or None if both ends know them.

        Raises ConfigError without a positive diagonal or, for aim 'diana', mu, and if there are
        more blocks than coordinates.
        """
        if self.steps != "smooth":
            return None
        smooth = diagonal_of(self, tuning)
        sizes = sizes_of(len(smooth), self._blocks(tuning, len(smooth)))
        a = norms(smooth, sizes)
        if tuning.aim == "diana":
            a = np.sqrt(sizes) + a / (tuning.workers * strong(self, tuning))
        return as_sent(self, spent(a, sizes, len(smooth) / tuning.workers))

    def tuned(self, tuning: Tuning, d: int, parameters: Vector | None = None) -> Blocks:
        """Return the codec with B blocks of d coordinates and their steps.

        Raises ConfigError for more blocks than coordinates and, with standard steps, if
        n > sqrt(d); FrameError for parameters that are not B steps within the budget.
        """
        count = self._blocks(tuning, d)
        if self.steps == "smooth":
            heights = received(self, parameters, count)
            spending = np.sum(1 / heights**2 + np.sqrt(sizes_of(d, count)) / heights)
            check_budget(self, float(spending), d / tuning.workers)
        elif self.steps == "uniform":
            heights = spent(np.ones(count), sizes_of(d, count), d / tuning.workers)
        else:
            heights = np.full(count, 1 / standard_levels(self, tuning.workers, d))
        return bound(self, blocks=count, heights=heights, d=d)

    # ---- details ----

    def _blocks(self, tuning: Tuning, d: int) -> int:
        count = self.blocks or tuning.workers
        if count > d:
            raise ConfigError(
                f"{self.id}: {count} blocks of {d} coordinates would be empty; "
                f"give blocks: at most {d}"
            )
        return count

    def _measure(self, x: Vector, plan: Plan, out: Bytes) -> tuple[Vector, float]:
        """Write the norms; return x / norm, in no coordinate above 1, and the factor 1."""
        keep, norm = self._layout(plan.n), self.norm
        scales = [self._scale(packing.norm(x[p], norm), i) for i, p in enumerate(keep.parts)]
        keep.wire.pack_into(out.data, 0, *scales)
        keep.numbers[:] = [inverse_of(scale) for scale in scales]
        keep.numbers.take(keep.owner, out=keep.work, mode="clip")
        np.multiply(keep.work, x, out=keep.work)
        return keep.work, 1.0

    def _receive(self, payload: Bytes, plan: Plan) -> tuple[Vector, float]:
        """Return the coordinates' steps times their norms, and the factor 1."""
        keep = self._layout(plan.n)
        scales = keep.wire.unpack_from(payload.data, 0)
        for i, scale in enumerate(scales):
            if not TINY <= scale <= LARGEST:
                raise self._no_scale(scale, i)
        keep.numbers[:] = scales
        keep.numbers.take(keep.owner, out=keep.work, mode="clip")
        np.multiply(keep.work, plan.steps, out=keep.work)
        return keep.work, 1.0

    def _layout(self, n: int) -> Layout:
        kept: Layout | None = self.__dict__.get("_kept_layout")
        if kept is None or kept.n != n:
            sizes = self.sizes(n)
            ends, owner = np.cumsum(sizes).tolist(), np.repeat(np.arange(len(sizes)), sizes)
            parts = tuple(map(slice, [0, *ends[:-1]], ends))
            wire = struct.Struct(f"<{len(sizes)}f")
            made = Layout(n, parts, owner, wire, np.empty(len(sizes)), np.empty(n))
            kept = self.__dict__["_kept_layout"] = made
        return kept


def sizes_of(n: int, count: int) -> npt.NDArray[np.int64]:
    """Return floor(n / count) for each of ``count`` blocks, the last with the rest; (count,)."""
    sizes = np.full(count, n // count)
    sizes[-1] += n % count
    return sizes


def norms(diagonal: Vector, sizes: npt.NDArray[np.int64]) -> Vector:
    """Return ||l_l|| of each block of a diagonal, shape (B,)."""
    starts = np.cumsum(sizes) - sizes
    return np.sqrt(np.add.reduceat(np.square(diagonal), starts))


def spent(a: Vector, sizes: npt.NDArray[np.int64], budget: float) -> Vector:
    """Return h_l = delta / a_l with sum (1 / h_l^2 + sqrt(d_l) / h_l) = ``budget``, shape (B,)."""
    linear, square = float(np.sqrt(sizes) @ a), float(a @ a)
    delta = (linear + math.sqrt(linear**2 + 4 * budget * square)) / (2 * budget)
    return delta / a
