"""TernGrad's quantizer: three symbols in two bits."""

from __future__ import annotations

from netopt.codecs._grid import Block, Floor, ScaledGrid, Stream
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

    def symbols(self) -> int:
        """Return 3."""
        return 3

    def origin(self, key: Key) -> float:
        """Return 1: the middle symbol is the value zero."""
        return 1.0
