"""Conway and Sloane's Voronoi codes on E8 and Leech's lattice: vectors rounded block by block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Vector, _e8, _leech, nbytes
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import Key

Floats = npt.NDArray[np.float64]
Symbols = npt.NDArray[np.uint32]

SLACK = 2.0**-20
"""The range is made larger by this part, so that no rounding error leaves the code."""


class Points(NamedTuple):
    """A lattice: a basis (rows) and its inverse, the packing radius, the nearest point to rows.

    The covering radius of E8 and of Leech's lattice is sqrt(2) packing radii.
    """

    basis: Floats
    inverse: Floats
    radius: float
    nearest: Callable[[Floats], Floats]

    @property
    def dimension(self) -> int:
        """Return the coordinates of a block."""
        return len(self.basis)


class Lattice(Codec):
    """Lattice: each block is rounded to a lattice and named by its coset of 2^bits times it.

    This is exactly bits a coordinate. A block, 8 coordinates of E8 or 24 of Leech's lattice, of
    norm at most the range is always sent; one beyond it is sent if the code happens to hold it, and
    is an error otherwise. The error of a block is at most sqrt(2) range / (2^bits - 1), where
    midpoints would have sqrt(8) range / 2^bits or sqrt(24) range / 2^bits. What is left over after
    Leech's blocks is sent by E8 and what E8 leaves by midpoints, on the same range. The default
    range of 5 holds all vectors with coordinates in [-1, 1].
    """

    id = "lattice"
    reference = (
        "Conway and Sloane, A fast encoding method for lattice codes and quantizers, "
        "IEEE T-IT 1983; Lin, Kostina and Hassibi, IEEE T-IT 2022"
    )
    lattice: Annotated[
        Literal["e8", "leech"], Meta(description="of 8 or of 24 dimensions: slower, more exact")
    ] = "e8"
    bits: Annotated[int, Meta(ge=1, le=24, description="R, bits of one coordinate")] = 8
    range: Annotated[
        float,
        Meta(ge=1e-280, le=1e280, description="r, the largest norm of a block that is always sent"),
    ] = 5.0

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return the n coordinates in the lattice's basis, modulo 2^bits."""
        return (Segment("symbol", n, self.bits, "symbol"),)

    def covering(self, n: int) -> float:
        """Return sqrt(min(1, 2 B / (2^R - 1)^2) + n1 4^-R), B blocks and n1 single coordinates.

        Derived: the Voronoi cell V of a lattice is convex, so x in (2^R - 1) V is rounded to a
        point of x + V, which lies in 2^R V and is the shortest of its coset. (2^R - 1) V holds the
        ball of 2^R - 1 packing radii, and the error is at most a covering radius, sqrt(2) packing
        radii. (From 2^R packing radii less a covering radius one gets a smaller ball.) And no error
        is larger than x, since 0 is a point of the lattice.
        """
        blocks, start = 0, 0
        for points, stop in self._parts(n):
            blocks += (stop - start) // points.dimension
            start = stop
        part = min(1.0, 2.0 * blocks / (2.0**self.bits - 1) ** 2) * (1 + 2 * SLACK) ** 2
        return math.sqrt(part + (n - start) * 4.0**-self.bits)

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write each block's coset; RangeError if a block or coordinate is beyond the range."""
        symbols, start = np.empty(len(x), np.uint32), 0
        with np.errstate(all="ignore"):  # what is not finite is found to be beyond the range
            for points, stop in self._parts(len(x)):
                blocks = x[start:stop].reshape(-1, points.dimension)
                symbols[start:stop] = self._cosets(points, blocks).reshape(-1)
                start = stop
            if start < len(x):
                symbols[start:] = self._cells(x[start:])
        packing.pack_into(symbols, self.bits, out)
        return len(x) * self.bits

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Write the shortest point of each coset; FrameError if a pad bit is not zero."""
        symbols, start = np.empty(len(out), np.uint32), 0
        try:
            packing.unpack_into(payload[: nbytes(len(out) * self.bits)], self.bits, symbols)
        except ValueError as error:
            raise FrameError(f"lattice: {error}") from None
        for points, stop in self._parts(len(out)):
            coordinates = symbols[start:stop].reshape(-1, points.dimension)
            shortest = self._shortest(points, coordinates.astype(np.float64))
            np.multiply(shortest.reshape(-1), self._spacing(points), out=out[start:stop])
            start = stop
        half = 2.0 ** (self.bits - 1)
        out[start:] = ((symbols[start:] + 0.5) / half - 1.0) * self.range

    def _parts(self, n: int) -> Iterator[tuple[Points, int]]:
        """Yield the lattices that n coordinates are sent by, each with the place where it ends."""
        if self.lattice == "leech" and n >= _leech.DIMENSION:
            yield _points_of_leech(), n - n % _leech.DIMENSION
        yield _points_of_e8(), n - n % _e8.DIMENSION

    def _spacing(self, points: Points) -> float:
        """Return the factor of a lattice with which 2^bits - 1 packing radii are the range."""
        return (1 + SLACK) * self.range / ((2.0**self.bits - 1) * points.radius)

    def _cosets(self, points: Points, blocks: Floats) -> Floats:
        """Return each block's coordinates in the basis modulo 2^bits, shape (m, d), integers."""
        q, y = 2.0**self.bits, blocks / self._spacing(points)
        size = (y * y).sum(axis=1)
        held = size <= ((q - 1) * points.radius) ** 2 * (1 - SLACK)
        sure = bool(held.all())
        if not sure and not size.max() <= (8 * q * points.radius) ** 2:
            raise self._beyond(blocks)
        found = points.nearest(y)
        coordinates = found @ points.inverse  # exact, in whatever order it is summed
        coordinates -= q * np.floor(coordinates * (1 / q))
        if not sure and (self._shortest(points, coordinates) != found).any():
            raise self._beyond(blocks)
        return coordinates

    def _shortest(self, points: Points, coordinates: Floats) -> Floats:
        """Return the shortest point of each coset; of equally short ones, always the same."""
        q, some = 2.0**self.bits, coordinates @ points.basis
        shortest: Floats = some - q * points.nearest(some * (1 / q))
        return shortest

    def _cells(self, x: Vector) -> Floats:
        """Return the cells of single coordinates, as ``uniform`` has them."""
        if not (np.abs(x) <= self.range).all():
            raise RangeError(
                f"lattice: a coordinate of size {packing.norm(x, 'linf'):g} is outside "
                f"[-{self.range:g}, {self.range:g}]; give a larger range"
            )
        half = 2.0 ** (self.bits - 1)
        return np.minimum(np.floor((x / self.range + 1.0) * half), 2 * half - 1)

    def _beyond(self, blocks: Floats) -> RangeError:
        norms = [packing.norm(block, "l2") for block in blocks]
        largest = next((norm for norm in norms if not norm < math.inf), max(norms))
        return RangeError(
            f"lattice: a block of {blocks.shape[1]} coordinates has norm {largest:g}, beyond the "
            f"range {self.range:g}; give a larger range"
        )


@cache
def _points_of_e8() -> Points:
    basis = _e8.basis()
    inverse = np.rint(2 * np.linalg.inv(basis)) / 2
    return Points(basis, inverse, 2.0**-0.5, _e8.nearest)


@cache
def _points_of_leech() -> Points:
    basis = _leech.basis()
    inverse = np.rint(8 * np.linalg.inv(basis)) / 8
    return Points(basis, inverse, 8.0**0.5, _leech.nearest)
