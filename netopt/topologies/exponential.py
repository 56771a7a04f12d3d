"""An exponential graph knows powers of two: few edges, and yet everyone is a few hops away."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from netopt.mixing import Mixing
from netopt.registry import build
from netopt.topologies import Adjacency, Generator, Size
from netopt.topologies._graph import link


class Exponential(Generator):
    """Agent i sends to agents i + 1, i + 2, i + 4, ... modulo ``size``; directed.

    All agents send and hear equally often, so uniform weights, the default, are doubly stochastic.
    """

    id: ClassVar[str] = "exponential"
    reference: ClassVar[str] = (
        "Ying, Yuan, Chen, Hu, Pan and Yin, Exponential graph is provably efficient for "
        "decentralized deep training, NeurIPS 2021"
    )

    size: Size = 8

    def default_weights(self) -> Mixing:
        """Return uniform weights, since most edges have no reverse."""
        return build(Mixing, "uniform")

    def adjacency(self) -> Adjacency:
        """Return A, shape (size, size) bool."""
        agents = np.arange(self.size)[:, np.newaxis]
        hops = 1 << np.arange((self.size - 1).bit_length())
        return link(self.size, agents, (agents + hops) % self.size, directed=True)
