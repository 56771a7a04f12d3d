"""A torus knows rows and columns that close on themselves: a grid without a border."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from netopt.topologies import Adjacency, Generator
from netopt.topologies._graph import circle, product


class Torus(Generator):
    """A grid whose rows and columns are rings, so that all agents are alike.

    The agent in row r and column c is number r * columns + c.
    """

    id: ClassVar[str] = "torus"

    rows: Annotated[int, msgspec.Meta(ge=1, le=64, description="number of rows")] = 2
    columns: Annotated[int, msgspec.Meta(ge=1, le=64, description="number of columns")] = 4

    def adjacency(self) -> Adjacency:
        """Return A, shape (rows * columns, rows * columns) bool."""
        return product(circle(self.rows), circle(self.columns))
