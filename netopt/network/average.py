"""What the root looks at: the network mean and how far the agents are from it, piece by piece.

The N estimates never lie in one place: they come in pieces of some coordinates, and each is used up
before the next. Both drivers take their pieces here, so that both get the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from netopt.algorithms import Swapping
from netopt.core.packing import norm

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
PIECE = 2**16
"""Coordinates that the root takes in at a time: half a megabyte of each agent."""


class Mean:
    """The network mean ``x``, shape (d,), of N agents, and how far they are ``apart`` from it.

    ``x`` is written to ``room``, shape (d,) float64. ``rows`` is where a piece's estimates go.
    """

    def __init__(self, agents: int, room: Vector) -> None:
        self.x = room
        self._agents = agents
        self._rows = np.empty(agents * min(PIECE, len(room)))
        self._squares = [0.0] * agents

    def rows(self, piece: slice) -> Matrix:
        """Return room for the agents' coordinates in ``piece``, shape (N, size of the piece)."""
        size = piece.stop - piece.start
        return self._rows[: self._agents * size].reshape(self._agents, size)

    def take(self, piece: slice, rows: Matrix) -> None:
        """Take in a piece, its rows in rank order; ``rows`` holds the deviations afterwards."""
        here = np.add.reduce(rows, axis=0, out=self.x[piece])
        here /= self._agents
        rows -= here
        for i in range(self._agents):
            self._squares[i] += norm(rows[i], "l2") ** 2

    @property
    def apart(self) -> float:
        """Return the consensus error sqrt(mean_i ||x_i - mean||^2) of the pieces so far."""
        return math.sqrt(sum(self._squares) / self._agents)


def pieces(d: int) -> Iterator[slice]:
    """Yield the pieces of d coordinates, in order."""
    for start in range(0, d, PIECE):
        yield slice(start, min(start + PIECE, d))


def room(state: object, d: int) -> Vector:
    """Return a vector to write the mean to, shape (d,): an agent's spare one, if it has one."""
    return state.spare if isinstance(state, Swapping) else np.empty(d)
