"""Metropolis weights know the two degrees at an edge, and nothing else of the graph."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from netopt.mixing import Adjacency, Matrix, Mixing, fill_diagonal, undirected


class Metropolis(Mixing):
    """W[i, j] = 1 / (1 + max(d_i, d_j)) on edges; symmetric on every undirected graph."""

    id: ClassVar[str] = "metropolis"
    reference: ClassVar[str] = (
        "Xiao, Boyd and Lall, A scheme for robust distributed sensor fusion based on average "
        "consensus, IPSN 2005"
    )
    symmetric: ClassVar[bool] = True

    def matrix(self, adjacency: Adjacency) -> Matrix:
        """Return W, shape (N, N) float64; ConfigError if an edge lacks its reverse."""
        degree = undirected(adjacency, self.id).sum(axis=1)
        return fill_diagonal(adjacency / (1.0 + np.maximum.outer(degree, degree)))
