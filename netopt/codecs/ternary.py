"""TernGrad's quantizer: three symbols in two bits."""

from __future__ import annotations

import math

from netopt.codecs._grid import FLOOR, Block, Floor, ScaledGrid, Stream
from netopt.keys import Key


class Ternary(ScaledGrid):
    """Ternary: unbiased rounding onto -s, 0 and s, s the largest coordinate, two bits each.

    The variance of a coordinate is |x_j| (s - |x_j|). The floor only keeps a zero vector's grid
    from collapsing; it is far below any coordinate that matters.
    """

    id = "ternary"
    reference = "Wen et al., TernGrad, NeurIPS 2017, section 3.1"
    unbiased = True
    floor: Floor = 1e-30
    block: Block = 0
    stream: Stream = "fast"
    levels = 1
    norm = "linf"

    def omega(self, n: int) -> float | None:
        """Return (sqrt(d) - 1) / 2, the largest of ||x||_1 ||x||_inf / ||x||^2 - 1.

        d are the coordinates of a scale; the scale is up to 2^-23 larger than ||x||_inf. None with
        a floor above 1e-30, since smaller vectors have no relative bound.
        """
        if self.floor > FLOOR:
            return None
        return (1 + math.sqrt(self._share(n))) / 2 * (1 + 2.0**-23) - 1

    def symbols(self) -> int:
        """Return 3."""
        return 3

    def origin(self, key: Key) -> float:
        """Return 1: the middle symbol is the value zero."""
        return 1.0
