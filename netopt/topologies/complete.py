"""A complete graph knows no distance: one mixing step is an exact average."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from netopt.topologies import Adjacency, Generator, Size


class Complete(Generator):
    """Every agent linked to every other."""

    id: ClassVar[str] = "complete"

    size: Size = 8

    def adjacency(self) -> Adjacency:
        """Return A, shape (size, size) bool."""
        return ~np.eye(self.size, dtype=bool)
