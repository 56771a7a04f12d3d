"""MPI's own neighbourhood collective, without anything of netopt: the yardstick of a round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from netopt.mpi import MPI

Vector = npt.NDArray[np.float64]


class Neighbours:
    """MPI's own neighbourhood collective, without anything of netopt: the yardstick of a round."""

    def __init__(self, sources: Sequence[int]) -> None:
        self.sources = tuple(sources)
        self._comm = MPI.COMM_WORLD.Create_dist_graph_adjacent(self.sources, self.sources)

    def allgather(self, x: Vector, out: Vector) -> None:
        """Write the arrays of all sources, in their order, to the rows of ``out``."""
        self._comm.Neighbor_allgather(x, out)

    def close(self) -> None:
        """Free the communicator."""
        self._comm.Free()
