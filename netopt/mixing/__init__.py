"""Mixing weights know how much an agent trusts each neighbour: graph in, matrix W out.

W[i, j] is the weight that agent i gives to the value of agent j; W[i, j] != 0 needs an edge j -> i.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from netopt.errors import ConfigError
from netopt.registry import Component

Matrix = npt.NDArray[np.float64]
Adjacency = npt.NDArray[np.bool_]


class Mixing(Component):
    """Base of every rule that turns a graph into a mixing matrix."""

    kind: ClassVar[str] = "mixing"
    package: ClassVar[str] = "netopt.mixing"

    def matrix(self, adjacency: Adjacency) -> Matrix:
        """Return W, shape (N, N) float64, for ``adjacency`` with A[i, j] true if j -> i is an edge.

        Raises ConfigError if the rule does not fit the graph.
        """
        raise ConfigError(f"mixing {self.id} does not define a matrix")
