"""Explicit weights know a matrix that somebody wrote down, and check that it fits the graph."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from netopt.mixing import Adjacency, Matrix, Mixing, checked, from_rows


class Explicit(Mixing):
    """W as written: one row for each agent, the weights that it gives to itself and to others."""

    id: ClassVar[str] = "explicit"

    rows: Annotated[list[list[float]], msgspec.Meta(description="rows of W, each sums to 1")]

    def matrix(self, adjacency: Adjacency) -> Matrix:
        """Return W, shape (N, N) float64; ConfigError if it is not a mixing matrix of the graph."""
        return checked(from_rows(self.rows, "$.rows"), adjacency, "$.rows")
