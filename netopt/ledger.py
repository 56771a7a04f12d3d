"""The ledger knows what crossed every directed edge; it counts where a frame leaves and arrives.

Control traffic (metrics, barriers, the ledger itself) is counted apart: it belongs to the
instrument, not to the algorithm.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from netopt.errors import LedgerError
from netopt.frame import HEADER_BYTES, Header

Edge = tuple[int, int]
Counts = npt.NDArray[np.int64]


class Tally(NamedTuple):
    """What crossed one directed edge; the names are the columns of edges.csv.

    ``setup_bits`` (payload) and ``setup_bytes`` (payload and headers) were told before round 0;
    they are in none of the other columns. ``resent_bytes`` are those of frames that a lossy link
    made cross it again; ``lost_frames`` crossed it in vain, and all columns count them as well.
    """

    frames: int
    payload_bits: int
    payload_bytes: int
    header_bytes: int
    resent_bytes: int
    lost_frames: int = 0
    setup_bits: int = 0
    setup_bytes: int = 0


COLUMNS = len(Tally._fields)


class Ledger:
    """Exact counters, one row a directed edge, for one direction (sent or received).

    ``counts`` has shape (edges, 8), int64, in the order of ``edges``. While ``setup`` is set, what
    is added counts as set-up.
    """

    def __init__(self, edges: Iterable[Edge]) -> None:
        self.edges = tuple(edges)
        self.setup = False
        self.row = {edge: i for i, edge in enumerate(self.edges)}
        self.counts: Counts = np.zeros((len(self.edges), COLUMNS), dtype=np.int64)
        # Integers are added through this view in a third of the time that numpy takes for a row.
        self._cells = self.counts.reshape(-1).data
        self._start = {edge: COLUMNS * i for i, edge in enumerate(self.edges)}

    def add(self, edge: Edge, header: Header, resent: int = 0, lost: bool = False) -> None:
        """Count one frame on ``edge``, how often it was sent again, and whether it was lost."""
        cells, at, size = self._cells, self._start[edge], header.payload_bytes
        if self.setup:
            cells[at + 6] += 8 * size - header.pad_bits
            cells[at + 7] += size + HEADER_BYTES
            return
        cells[at] += 1
        cells[at + 1] += 8 * size - header.pad_bits
        cells[at + 2] += size
        cells[at + 3] += HEADER_BYTES
        if resent:
            cells[at + 4] += resent * (size + HEADER_BYTES)
        if lost:
            cells[at + 5] += 1

    def total(self) -> Tally:
        """Return the sums over all edges."""
        return Tally(*(int(v) for v in self.counts.sum(axis=0)))

    def bits_and_bytes(self) -> tuple[int, int, int]:
        """Return payload bits, wire bytes (payload, headers and resent bytes) and set-up bytes."""
        total = self.total()
        wire = total.payload_bytes + total.header_bytes + total.resent_bytes
        return total.payload_bits, wire, total.setup_bytes


def check_conservation(sent: Ledger, received: Ledger) -> None:
    """Raise LedgerError naming the first edge on which bytes sent and received differ."""
    for edge, out, into in zip(sent.edges, sent.counts, received.counts, strict=True):
        if not np.array_equal(out, into):
            raise LedgerError(
                f"edge {edge[0]} -> {edge[1]}: sent {Tally(*out.tolist())}, "
                f"received {Tally(*into.tolist())}"
            )
