"""A binary tree knows one parent and two children: the graph of a reduction."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from netopt.topologies import Adjacency, Generator, Size
from netopt.topologies._graph import link


class BinaryTree(Generator):
    """Agent 0 at the root; agent i is linked to its children 2i + 1 and 2i + 2 if they exist."""

    id: ClassVar[str] = "binary-tree"

    size: Size = 8

    def adjacency(self) -> Adjacency:
        """Return A, shape (size, size) bool."""
        children = np.arange(1, self.size)
        return link(self.size, (children - 1) // 2, children)
