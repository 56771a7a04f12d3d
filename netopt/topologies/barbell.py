"""A barbell knows two crowds and the thin path between them: the classic bottleneck."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from netopt.topologies import Adjacency, Generator
from netopt.topologies._graph import line


class Barbell(Generator):
    """Two cliques of ``clique`` agents, joined by a path of ``path`` further agents.

    Agents are numbered from the left clique through the path to the right clique.
    """

    id: ClassVar[str] = "barbell"

    clique: Annotated[int, msgspec.Meta(ge=1, le=1024, description="agents in each clique")] = 3
    path: Annotated[int, msgspec.Meta(ge=0, le=1024, description="agents between the cliques")] = 2

    def adjacency(self) -> Adjacency:
        """Return A, shape (N, N) bool, N = 2 clique + path."""
        linked = line(2 * self.clique + self.path)
        for crowd in (slice(self.clique), slice(-self.clique, None)):
            linked[crowd, crowd] = True
        np.fill_diagonal(linked, False)
        return linked
