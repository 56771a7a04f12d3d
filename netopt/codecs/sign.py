"""The scaled sign: one bit a coordinate and the mean size."""

from __future__ import annotations

from netopt.codecs._grid import Block, GridCodec
from netopt.core import packing
from netopt.keys import Key


class Sign(GridCodec):
    """Sign: (||x||_1 / n) sign(x), one bit a coordinate; biased, a contraction.

    ||C(x) - x||^2 = ||x||^2 - ||x||_1^2 / n, up to the rounding of the scale to float32. Zero has
    the sign that its sign bit says.
    """

    id = "sign"
    reference = "Karimireddy et al., Error feedback fixes SignSGD, ICML 2019, section 4"
    block: Block = 0

    def contraction(self, n: int) -> float | None:
        """Return 1 / d, d being the coordinates of a scale: ||x||_1 >= ||x||, equal for a unit
        vector; the float32 scale, off by up to 2^-24, takes 2^-48 of it.
        """
        return (1 - 2.0**-48) / max(1, self._share(n))

    def width(self) -> int:
        """Return 1."""
        return 1

    def origin(self, key: Key) -> float:
        """Return 1/2: zero lies half-way between the symbols."""
        return 0.5

    def grid(self) -> packing.Grid:
        """Return the grid of two points, -scale and scale."""
        return packing.Grid("sign", 1, 1.0, "l1", 0.0, self.block, "nearest")
