"""The affine quantizer of the deep-learning libraries: a range and equal steps in between."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from netopt.codecs import Segment
from netopt.codecs._grid import Block, GridCodec
from netopt.core import packing
from netopt.keys import Key


class MinMax(GridCodec):
    """Min-max: 2^bits equally spaced values from the least to the largest coordinate.

    Each block sends its range, rounded outwards, as two float32. Rounded to the nearest, a
    coordinate is off by at most (max - min) / (2 (2^bits - 1)); rounded by a random stream it is
    unbiased. 8 bits and nearest are the usual choice.
    """

    id = "min-max"
    reference = "Jacob et al., Quantization and training of neural networks, CVPR 2018, eq. (1)"
    bits: Annotated[int, Meta(ge=1, le=24, description="bits of one coordinate")] = 8
    rounding: Annotated[
        Literal["nearest", "fast", "philox"],
        Meta(description="to the nearest value, or by the random stream of that name"),
    ] = "nearest"
    block: Block = 0

    def omega(self, n: int) -> float | None:
        """Return d / (2 (2^bits - 1)^2) if rounding is random, d the coordinates of a range.

        A coordinate's variance is at most a quarter of the squared step, and max - min <=
        sqrt(2) ||x||; the range is rounded outwards by up to 2^-22 ||x||.
        """
        return None if self.rounding == "nearest" else self._spread(n)

    def contraction(self, n: int) -> float | None:
        """Return 1 - omega, also for rounding to nearest: its error is at most half a step."""
        spread = self._spread(n)
        return 1 - spread if spread < 1 else None

    def _spread(self, n: int) -> float:
        step: float = (2**0.5 + 2.0**-22) / (2**self.bits - 1)
        return self._share(n) * step**2 / 4

    def width(self) -> int:
        """Return the bits of one symbol."""
        return self.bits

    def origin(self, key: Key) -> float:
        """Return 0: symbol 0 is the least coordinate."""
        return 0.0

    def side(self, n: int) -> tuple[Segment, ...]:
        """Return the least and the largest coordinate of each block."""
        return (Segment("range", 2 * self._blocks(n), 32, "float32"),)

    def grid(self) -> packing.Grid:
        """Return the grid with 2^bits - 1 steps."""
        steps = float(2**self.bits - 1)
        return packing.Grid("range", self.bits, steps, "linf", 0.0, self.block, self.rounding)
