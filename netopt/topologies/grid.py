"""A grid knows rows and columns: neighbours as in a field of sensors."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from netopt.topologies import Adjacency, Generator
from netopt.topologies._graph import line, product


class Grid(Generator):
    """Agents on a rows x columns lattice, linked to left, right, above and below.

    The agent in row r and column c is number r * columns + c.
    """

    id: ClassVar[str] = "grid"

    rows: Annotated[int, msgspec.Meta(ge=1, le=64, description="number of rows")] = 2
    columns: Annotated[int, msgspec.Meta(ge=1, le=64, description="number of columns")] = 4

    def adjacency(self) -> Adjacency:
        """Return A, shape (rows * columns, rows * columns) bool."""
        return product(line(self.rows), line(self.columns))
