"""A path knows two ends: the slowest way for news to travel."""

from __future__ import annotations

from typing import ClassVar

from netopt.topologies import Adjacency, Generator, Size
from netopt.topologies._graph import line


class Path(Generator):
    """Agents in a line, each linked to the next."""

    id: ClassVar[str] = "path"

    size: Size = 8

    def adjacency(self) -> Adjacency:
        """Return A, shape (size, size) bool."""
        return line(self.size)
