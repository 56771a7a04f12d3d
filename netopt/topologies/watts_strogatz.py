"""A Watts-Strogatz graph knows local order and a few shortcuts: a small world."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from netopt.errors import ConfigError
from netopt.topologies import Adjacency, Size
from netopt.topologies._random import RandomGraph


class WattsStrogatz(RandomGraph):
    """Agents in a circle, linked to the ``k`` nearest; each edge is rewired with probability ``p``.

    Redrawn until connected. Rewiring moves one end and keeps size * k / 2 edges.
    """

    id: ClassVar[str] = "watts-strogatz"
    reference: ClassVar[str] = (
        "Watts and Strogatz, Collective dynamics of 'small-world' networks, Nature 393, 1998"
    )
    cure: ClassVar[str] = "raise 'k', or lower 'p'"

    size: Size = 8
    k: Annotated[int, msgspec.Meta(ge=2, multiple_of=2, description="mean degree, even")] = 4
    p: Annotated[float, msgspec.Meta(ge=0, le=1, description="probability of rewiring")] = 0.2

    def adjacency(self) -> Adjacency:
        """Return the first connected draw, shape (size, size) bool; ConfigError if k >= size."""
        if self.k >= self.size:
            raise ConfigError(f"k is {self.k}, but must be below the size {self.size}", "$.k")
        return super().adjacency()

    def draw(self, rng: np.random.Generator) -> Adjacency:
        """Return one A, shape (size, size) bool, connected or not, drawn from ``rng``."""
        offset = np.abs(np.subtract.outer(np.arange(self.size), np.arange(self.size)))
        distance = np.minimum(offset, self.size - offset)
        linked: Adjacency = (distance > 0) & (distance <= self.k // 2)
        for step in range(1, self.k // 2 + 1):
            for agent in range(self.size):
                if rng.random() < self.p:
                    _rewire(linked, agent, (agent + step) % self.size, rng)
        return linked


def _rewire(linked: Adjacency, agent: int, old: int, rng: np.random.Generator) -> None:
    """Move the edge agent - old to a random agent that is not yet a neighbour, if there is one."""
    strangers = ~linked[agent]
    strangers[agent] = False
    free = np.flatnonzero(strangers)
    if len(free):
        # rng.choice would say the same, but its stream may differ between versions of numpy.
        new = free[int(rng.random() * len(free))]
        linked[agent, old] = linked[old, agent] = False
        linked[agent, new] = linked[new, agent] = True
