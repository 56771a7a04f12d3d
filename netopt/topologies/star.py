"""A star knows one hub, agent 0: the graph of a parameter server."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from netopt.topologies import Adjacency, Generator, Size
from netopt.topologies._graph import link


class Star(Generator):
    """Agent 0 in the middle, linked to every other agent; nobody else is linked."""

    id: ClassVar[str] = "star"

    size: Size = 8

    def adjacency(self) -> Adjacency:
        """Return A, shape (size, size) bool."""
        others = np.arange(1, self.size)
        return link(self.size, np.zeros_like(others), others)
