"""Shared by the random graphs: draw from a key's stream, and again until all are connected."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.mixing import Adjacency
from netopt.topologies._generator import Generator
from netopt.topologies._topology import unreachable

TRIES = 1000

Seed = Annotated[
    int, msgspec.Meta(ge=0, le=2**63 - 1, description="seed of the graph, apart from the run's")
]


class RandomGraph(Generator, kw_only=True):
    """Base of the random graphs: give ``draw``, and in ``cure`` what makes connection likelier.

    The graph has a seed of its own, so that runs with different seeds can share one graph.
    """

    cure: ClassVar[str] = ""

    seed: Seed = 0

    def draw(self, rng: np.random.Generator) -> Adjacency:
        """Return one symmetric A, shape (N, N) bool, connected or not, drawn from ``rng``."""
        raise ConfigError(f"the topology {type(self).__name__} does not say how to draw a graph")

    def adjacency(self) -> Adjacency:
        """Return the first connected draw, shape (N, N) bool; ConfigError after ``TRIES`` draws."""
        for attempt in range(TRIES):
            drawn = self.draw(Key(self.seed, Purpose.GRAPH, round=attempt).generator())
            if unreachable(drawn) is None:
                return drawn
        raise ConfigError(f"no {self.id} graph was connected in {TRIES} draws; {self.cure}", "$")
