"""An explicit topology knows a mixing matrix that somebody wrote, and reads the graph off it."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from netopt.mixing import Matrix, checked, from_rows
from netopt.topologies import Adjacency, Generator


class Explicit(Generator):
    """The graph of a mixing matrix: agent j sends to agent i where row i, column j is not 0.

    The matrix is W itself, unless ``weights`` names a rule to put in its place.
    """

    id: ClassVar[str] = "explicit"

    matrix: Annotated[list[list[float]], msgspec.Meta(description="rows of W, each sums to 1")]

    def default_weights(self) -> None:
        """Return None: the matrix holds the weights."""
        return None

    def adjacency(self) -> Adjacency:
        """Return A, shape (N, N) bool: where W is not 0; ConfigError if it is not square."""
        heard: Adjacency = from_rows(self.matrix) != 0
        np.fill_diagonal(heard, False)
        return heard

    def mixing(self, adjacency: Adjacency) -> Matrix:
        """Return the matrix, shape (N, N) float64; ConfigError names the row that is wrong."""
        if self.weights is not None:
            return super().mixing(adjacency)
        return checked(from_rows(self.matrix), adjacency, "$.matrix")
