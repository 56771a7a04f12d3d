"""A random geometric graph knows positions and a radio range."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from netopt.topologies import Adjacency, Size
from netopt.topologies._random import RandomGraph


class RandomGeometric(RandomGraph):
    """Agents at random in the unit square, linked up to distance ``radius``, until connected."""

    id: ClassVar[str] = "random-geometric"
    reference: ClassVar[str] = "Gilbert, Random plane networks, J. SIAM 1961"
    cure: ClassVar[str] = "raise 'radius'"

    size: Size = 8
    radius: Annotated[float, msgspec.Meta(gt=0, description="range, side of the square = 1")] = 0.5

    def draw(self, rng: np.random.Generator) -> Adjacency:
        """Return one A, shape (size, size) bool, connected or not, drawn from ``rng``."""
        x, y = rng.random((2, self.size))
        distance = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y))
        near: Adjacency = distance <= self.radius
        np.fill_diagonal(near, False)
        return near
