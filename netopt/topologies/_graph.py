"""Shared pieces of the generators: pairs of agents to adjacency matrices, products of graphs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netopt.mixing import Adjacency

Indices = npt.NDArray[np.int64]


def link(size: int, sources: Indices, targets: Indices, directed: bool = False) -> Adjacency:
    """Return A, shape (size, size) bool, with an edge for each pair, and never one to oneself.

    Both directions are linked unless ``directed``.
    """
    heard = np.zeros((size, size), dtype=bool)
    heard[targets, sources] = True
    np.fill_diagonal(heard, False)
    return heard if directed else heard | heard.T


def line(size: int) -> Adjacency:
    """Return the path 0 - 1 - ... - size-1."""
    agents = np.arange(size - 1)
    return link(size, agents, agents + 1)


def circle(size: int, directed: bool = False) -> Adjacency:
    """Return the ring 0 -> 1 -> ... -> size-1 -> 0, both ways unless ``directed``."""
    agents = np.arange(size)
    return link(size, agents, (agents + 1) % size, directed)


def product(rows: Adjacency, columns: Adjacency) -> Adjacency:
    """Return the Cartesian product: agent r C + c moves in one of the two graphs at a time."""
    stay_row, stay_column = np.eye(len(rows), dtype=bool), np.eye(len(columns), dtype=bool)
    return np.kron(rows, stay_column) | np.kron(stay_row, columns)
