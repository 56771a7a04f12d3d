"""A ring knows its two neighbours: the sparsest graph in which all agents are alike."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from netopt.mixing import Mixing
from netopt.registry import build
from netopt.topologies import Adjacency, Generator, Size
from netopt.topologies._graph import circle


class Ring(Generator):
    """Agents in a circle, each linked to the next; one way only if ``directed``."""

    id: ClassVar[str] = "ring"

    size: Size = 8
    directed: Annotated[bool, msgspec.Meta(description="send to the next agent only")] = False

    def default_weights(self) -> Mixing:
        """Return Metropolis, or uniform weights if directed: doubly stochastic either way."""
        return build(Mixing, "uniform" if self.directed else "metropolis")

    def adjacency(self) -> Adjacency:
        """Return A, shape (size, size) bool."""
        return circle(self.size, self.directed)
