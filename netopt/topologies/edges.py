"""An edge list knows exactly the pairs that somebody wrote down."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from netopt.errors import ConfigError
from netopt.mixing import Mixing
from netopt.registry import build
from netopt.topologies import Adjacency, Generator, Size
from netopt.topologies._graph import link


class Edges(Generator):
    """``size`` agents and a list of pairs; [0, 1] also links 1 to 0 unless ``directed``."""

    id: ClassVar[str] = "edges"

    size: Size
    edges: Annotated[list[tuple[int, int]], msgspec.Meta(description="pairs of agents, from 0")]
    directed: Annotated[bool, msgspec.Meta(description="[0, 1] means 0 -> 1 only")] = False

    def default_weights(self) -> Mixing:
        """Return Metropolis, or uniform weights, which are only row stochastic, if directed."""
        return build(Mixing, "uniform" if self.directed else "metropolis")

    def adjacency(self) -> Adjacency:
        """Return A, shape (size, size) bool; ConfigError names a pair that is no edge."""
        for number, pair in enumerate(self.edges):
            path = f"$.edges[{number}]"
            if not all(0 <= agent < self.size for agent in pair):
                raise ConfigError(f"{list(pair)} is no edge; agents are 0 to {self.size - 1}", path)
            if pair[0] == pair[1]:
                raise ConfigError(f"{list(pair)} is no edge; an agent keeps its own value", path)
        sources, targets = np.array(self.edges, dtype=np.int64).reshape(-1, 2).T
        return link(self.size, sources, targets, self.directed)
