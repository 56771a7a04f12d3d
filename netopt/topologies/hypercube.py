"""A hypercube knows an agent's number in binary: neighbours differ in one bit."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from netopt.topologies import Adjacency, Generator
from netopt.topologies._graph import link


class Hypercube(Generator):
    """2^dimension agents, each linked to the ``dimension`` agents one bit away."""

    id: ClassVar[str] = "hypercube"

    dimension: Annotated[int, msgspec.Meta(ge=0, le=12, description="log2 of the agents")] = 3

    def adjacency(self) -> Adjacency:
        """Return A, shape (2^dimension, 2^dimension) bool."""
        agents = np.arange(1 << self.dimension)[:, np.newaxis]
        return link(len(agents), agents, agents ^ (1 << np.arange(self.dimension)))
