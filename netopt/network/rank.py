"""A rank as the instrument sees it: its communicators, and what it has to do with all others.

Nothing here belongs to an algorithm; all methods are collective. Every wait is a polled one, so
that a rank that never arrives is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netopt.agent import Vector
from netopt.config import Experiment
from netopt.ledger import Ledger
from netopt.mpi import MPI
from netopt.network import Matrix, distress, ranks
from netopt.network.control import Control
from netopt.network.posts import Deadline
from netopt.network.trace import Arrival, Ended, Span, Trace

if TYPE_CHECKING:
    from netopt.agent import Agent


class Rank:
    """Base of the MPI driver. ``control_bytes`` is known at the root when the books are closed.

    There is one communicator for frames, one for the instrument, one for distress, and, if there is
    a clock, one for stamps.
    """

    if TYPE_CHECKING:  # the driver's
        _agent: Agent

    def __init__(self, experiment: Experiment) -> None:
        self._timeout = experiment.options.network.timeout
        self.deadline = Deadline(self._timeout)
        self._comms = ranks.copies(3 if experiment.options.network.clock == "none" else 4)
        self._frames, control, self._distress = self._comms[:3]
        self._control = Control(control, self._control_wait, self.deadline.endless)
        self.rank, self.size, self.root = control.Get_rank(), control.Get_size(), self._control.root
        self.control_bytes = 0
        self._edges = experiment.topology.edges

    def settle(self) -> None:
        """Return when all agents have finished their round."""
        self._control.barrier()

    def gather(self, x: Vector) -> Matrix | None:
        """Gather one vector of each rank, all of shape (d,), as rows at the root."""
        mine = np.ascontiguousarray(x, dtype=np.float64)
        return self._control.gather(mine, "the estimates")

    def agree(self, verdict: int) -> int:
        """Broadcast the root's verdict."""
        return self._control.broadcast(verdict)

    def merged(self, mine: Ledger) -> Ledger:
        """Return the ranks' ledgers as one at the root: each edge is counted by one rank only."""
        whole = Ledger(self._edges)
        for edge, row in zip(mine.edges, mine.counts, strict=True):
            whole.counts[whole.row[edge]] = row
        whole.counts[:] = self._control.sum(whole.counts, "the ledgers")
        return whole

    def traces(self, mine: Trace) -> Trace:
        """Return the ranks' traces as one at the root."""
        return Trace(
            self._control.collect(mine.spans, Span, "the traces"),
            self._control.collect(mine.arrivals, Arrival, "the traces"),
            self._control.collect(mine.ended, Ended, "the traces"),
        )

    def _distress_call(self, mine: str) -> str:
        """Return who waits for whom, as far as the agents that are stuck can tell."""
        return distress.tell(distress.collect(self._distress, mine), self.size, self._timeout)

    def _control_wait(self, request: MPI.Request, what: str) -> None:
        """Wait for a collective of the instrument itself."""
        blame = f"agent {self.rank} waits after round {self._agent.round} for all others ({what})"
        self.deadline.wait([request], lambda: self._distress_call(blame))
