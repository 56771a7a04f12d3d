"""A topology knows the edges and weights of one finished graph, and what can be said about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from netopt.errors import ConfigError
from netopt.links import IDEAL, Link
from netopt.mixing import Adjacency, Matrix

TOLERANCE = 1e-12
"""How far a row or column may sum from 1: an error e moves the agents' mean by e in every round."""


@dataclass(frozen=True, eq=False, repr=False)
class Topology:
    """A graph of agents 0 .. N-1 with mixing weights; it cannot change.

    ``weights`` is W, shape (N, N) float64, read-only: W[i, j] is the weight that agent i gives to
    the value of agent j. ``edges`` holds directed pairs (source, destination), sorted; an
    undirected edge is there in both directions. ``spec`` is the mapping that loads it again, with
    every option said; empty for a graph that no generator made. ``links`` are those of directed
    edges that are not ideal; ``uplinks`` and ``downlinks`` are rates (bit/s) by node that all
    frames which it sends, or gets, share.
    """

    name: str
    weights: Matrix
    edges: tuple[tuple[int, int], ...]
    spec: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[tuple[int, int], Link] = field(default_factory=dict)
    uplinks: Mapping[int, float] = field(default_factory=dict)
    downlinks: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weights = np.array(self.weights, dtype=np.float64)
        weights.flags.writeable = False
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "edges", tuple(sorted(self.edges)))

    def __repr__(self) -> str:
        return f"Topology({self.name!r}, {self.size} agents, {len(self.edges)} directed edges)"

    @property
    def size(self) -> int:
        """The number of agents N."""
        return len(self.weights)

    def successors(self, agent: int) -> tuple[int, ...]:
        """Return the agents that ``agent`` sends to, sorted, without itself."""
        return self._successors[agent]

    def predecessors(self, agent: int) -> tuple[int, ...]:
        """Return the agents that ``agent`` listens to, sorted, without itself."""
        return self._predecessors[agent]

    def link(self, source: int, target: int) -> Link:
        """Return the link of a directed edge; an ideal one if nothing is said of it."""
        return self.links.get((source, target), IDEAL)

    @property
    def wired(self) -> bool:
        """Whether any edge or node has a link that is not ideal."""
        return bool(self.uplinks or self.downlinks) or any(
            not link.ideal for link in self.links.values()
        )

    @property
    def degrees(self) -> tuple[int, ...]:
        """The number of agents that each agent sends to; as many as it hears if undirected."""
        return tuple(map(len, self._successors))

    @cached_property
    def directed(self) -> bool:
        """Whether some edge lacks its reverse."""
        return not {(target, source) for source, target in self.edges} <= set(self.edges)

    @cached_property
    def strongly_connected(self) -> bool:
        """Whether every agent reaches every other along the edges."""
        return unreachable(self._heard) is None

    @property
    def row_stochastic(self) -> bool:
        """Whether no weight is negative and each row sums to 1 within ``TOLERANCE``."""
        return bool(np.all(self.weights >= 0)) and _sums_to_one(self.weights)

    @property
    def doubly_stochastic(self) -> bool:
        """Whether also each column sums to 1 within ``TOLERANCE``: mixing then keeps the mean."""
        return self.row_stochastic and _sums_to_one(self.weights.T)

    @cached_property
    def spectral_gap(self) -> float:
        """1 minus the second largest singular value of W, 1 for a single agent.

        If W is doubly stochastic, one mixing step shrinks the agents' distance from their mean by
        at least this fraction. If W is also symmetric this is 1 - |lambda_2|.
        """
        values = np.linalg.svd(self.weights, compute_uv=False)
        return 1.0 - float(values[1]) if self.size > 1 else 1.0

    @cached_property
    def diameter(self) -> int:
        """The most hops that a message needs from one agent to another; 0 for a single agent.

        Raises ConfigError if the graph is not strongly connected.
        """
        if not self.strongly_connected:
            raise ConfigError(f"'{self.name}' is not connected, so it has no diameter")
        return max(sum(1 for _ in waves(self._heard, agent)) - 1 for agent in range(self.size))

    @cached_property
    def _heard(self) -> Adjacency:
        heard = np.zeros(self.weights.shape, dtype=bool)
        for source, target in self.edges:
            heard[target, source] = True
        return heard

    @cached_property
    def _successors(self) -> tuple[tuple[int, ...], ...]:
        return _ones(self._heard.T)

    @cached_property
    def _predecessors(self) -> tuple[tuple[int, ...], ...]:
        return _ones(self._heard)


def waves(heard: Adjacency, start: int) -> Iterator[Adjacency]:
    """Yield, hop by hop, a mask (N,) bool of the agents that news from ``start`` newly reaches.

    ``heard`` is (N, N) bool, true at [i, j] if j -> i is an edge; the first mask is ``start``.
    """
    new = np.arange(len(heard)) == start
    seen = new.copy()
    while new.any():
        yield new
        new = heard[:, new].any(axis=1) & ~seen
        seen |= new


def unreachable(heard: Adjacency) -> tuple[int, int] | None:
    """Return two agents (source, target) without a path between them, None if there are none."""
    # All agents reach each other exactly if agent 0 reaches all and all reach agent 0.
    for target in np.flatnonzero(~np.logical_or.reduce(list(waves(heard, 0)))):
        return 0, int(target)
    for source in np.flatnonzero(~np.logical_or.reduce(list(waves(heard.T, 0)))):
        return int(source), 0
    return None


def _ones(matrix: Adjacency) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(np.flatnonzero(row).tolist()) for row in matrix)


def _sums_to_one(weights: Matrix) -> bool:
    return bool(np.all(np.abs(weights.sum(axis=1) - 1.0) <= TOLERANCE))
