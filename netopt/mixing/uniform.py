"""Uniform weights know only how many neighbours an agent listens to."""

from __future__ import annotations

from typing import ClassVar

from netopt.mixing import Adjacency, Matrix, Mixing


class Uniform(Mixing):
    """W[i, j] = 1 / (1 + in-degree of i), for itself as for each neighbour it listens to.

    Row stochastic on every graph; doubly stochastic if all agents have the same in- and out-degree.
    """

    id: ClassVar[str] = "uniform"
    reference: ClassVar[str] = (
        "Jadbabaie, Lin and Morse, Coordination of groups of mobile autonomous agents using "
        "nearest neighbor rules, IEEE Trans. Automat. Control 2003"
    )

    def matrix(self, adjacency: Adjacency) -> Matrix:
        """Return W, shape (N, N) float64, for any graph."""
        heard = adjacency.copy()
        heard.flat[:: len(heard) + 1] = True
        weights: Matrix = heard / heard.sum(axis=1, keepdims=True)
        return weights
