"""The pair of quantizers of QGD, one for even and one for odd rounds."""

from __future__ import annotations

from netopt.codecs._grid import Block, Floor, Levels, Norm, ScaledGrid, Stream
from netopt.keys import Key


class Switching(ScaledGrid):
    """Switching: even rounds use the grid {m Delta}, odd rounds {(m + 1/2) Delta}; never silent.

    With u the fractional place of a coordinate between two grid points, each rounding has variance
    u (1 - u) Delta^2; over an even and an odd call the sum lies in [1/4, 3/8] Delta^2 for every
    value, so no point, and no saddle, is a fixed point of the noise. l = 10 and the floor 0.1 are
    those of the paper's toy experiment; the odd grid has 2 l + 2 symbols (one of size n may
    round outwards), so 5 bits at l = 10.
    """

    id = "switching"
    reference = (
        "Bo and Wang, Quantization avoids saddle points, PNAS 121(17), 2024, Q_even and Q_odd"
    )
    unbiased = True
    levels: Levels = 10
    norm: Norm = "l2"
    floor: Floor = 0.1
    block: Block = 0
    stream: Stream = "fast"

    def omega(self, n: int) -> float | None:
        """Return None: in odd rounds even the zero vector is sent with an error."""
        return None

    def symbols(self) -> int:
        """Return 2 l + 2, the symbols of the odd grid; the even grid uses one fewer."""
        return 2 * self.levels + 2

    def origin(self, key: Key) -> float:
        """Return l + 1/2 in odd rounds and l in even ones."""
        return self.levels + 0.5 * (key.round % 2)

    def top(self, key: Key) -> int:
        """Return 2 l + 1 in odd rounds and 2 l in even ones."""
        return 2 * self.levels + key.round % 2
