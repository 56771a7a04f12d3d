"""An Erdos-Renyi graph knows one probability: each pair is linked by its own coin."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from netopt.topologies import Adjacency, Size
from netopt.topologies._random import RandomGraph


class ErdosRenyi(RandomGraph):
    """G(n, p): each pair linked with probability ``p``, redrawn until connected.

    A large graph is mostly connected from p = ln(size) / size on.
    """

    id: ClassVar[str] = "erdos-renyi"
    reference: ClassVar[str] = "Gilbert, Random graphs, Ann. Math. Statist. 1959"
    cure: ClassVar[str] = "raise 'p', best above ln(size) / size"

    size: Size = 8
    p: Annotated[float, msgspec.Meta(ge=0, le=1, description="probability of an edge")] = 0.5

    def draw(self, rng: np.random.Generator) -> Adjacency:
        """Return one A, shape (size, size) bool, connected or not, drawn from ``rng``."""
        above = np.triu(rng.random((self.size, self.size)) < self.p, k=1)
        linked: Adjacency = above | above.T
        return linked
