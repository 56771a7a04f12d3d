"""QSGD's quantizer, which is also the even quantizer of QGD."""

from __future__ import annotations

from netopt.codecs._grid import Block, Floor, Levels, Norm, ScaledGrid, Stream
from netopt.keys import Key


class Qsgd(ScaledGrid):
    """QSGD: unbiased rounding onto the 2 l + 1 multiples of ||x|| / l, fixed width.

    l = 10 is the level count of QGD's toy experiment: 21 symbols, 5 bits. Zero is on the grid and
    stays exactly zero. The published quantizer has no floor; one of 0.1 is QGD's. With the norm
    linf this is the dithering of the same name; the published one takes l2, and one scale.
    """

    id = "qsgd"
    reference = "Alistarh et al., QSGD, NeurIPS 2017, section 3; Q_even of Bo and Wang, PNAS 2024"
    unbiased = True
    levels: Levels = 10
    norm: Norm = "l2"
    floor: Floor = 0.1
    block: Block = 0
    stream: Stream = "fast"

    def symbols(self) -> int:
        """Return 2 l + 1."""
        return 2 * self.levels + 1

    def origin(self, key: Key) -> float:
        """Return l: the middle symbol is the value zero."""
        return float(self.levels)
