"""Lazy Metropolis weights know how to keep every eigenvalue of W at 0 or above."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from netopt.mixing import Adjacency, Matrix, Mixing, undirected
from netopt.mixing.metropolis import Metropolis


class LazyMetropolis(Mixing):
    """W = (I + Metropolis) / 2: symmetric, positive semidefinite, half the spectral gap or more."""

    id: ClassVar[str] = "lazy-metropolis"
    reference: ClassVar[str] = (
        "Olshevsky, Linear time average consensus and distributed optimization on fixed graphs, "
        "SIAM J. Control Optim. 2017, there with 1 / (2 max(d_i, d_j))"
    )
    symmetric: ClassVar[bool] = True

    def matrix(self, adjacency: Adjacency) -> Matrix:
        """Return W, shape (N, N) float64; ConfigError if an edge lacks its reverse."""
        eager = Metropolis().matrix(undirected(adjacency, self.id))
        return (np.eye(len(adjacency)) + eager) / 2
