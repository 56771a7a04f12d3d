"""Max-degree weights know the largest degree of the whole graph and use it on every edge."""

from __future__ import annotations

from typing import ClassVar

from netopt.mixing import Adjacency, Matrix, Mixing, fill_diagonal


class MaxDegree(Mixing):
    """W[i, j] = 1 / (1 + d_max) on edges, d_max the largest in-degree.

    Symmetric on every undirected graph; doubly stochastic also on a directed graph whose agents
    each send as often as they receive.
    """

    id: ClassVar[str] = "max-degree"
    reference: ClassVar[str] = (
        "Xiao and Boyd, Fast linear iterations for distributed averaging, Systems & Control "
        "Letters 2004, there with 1 / d_max"
    )
    symmetric: ClassVar[bool] = True

    def matrix(self, adjacency: Adjacency) -> Matrix:
        """Return W, shape (N, N) float64, for any graph."""
        return fill_diagonal(adjacency / (1.0 + adjacency.sum(axis=1).max()))
