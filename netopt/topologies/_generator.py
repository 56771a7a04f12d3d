"""A generator knows how to draw one kind of graph and how to have its edges weighed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np

from netopt.errors import ConfigError
from netopt.mixing import Adjacency, Matrix, Mixing, checked
from netopt.registry import Component, build
from netopt.topologies._cables import Edge, lay, said
from netopt.topologies._topology import Topology, unreachable

# Above some thousand agents the dense W would fill the memory before any message is sent.
Size = Annotated[int, msgspec.Meta(ge=1, le=4096, description="number of agents")]


_CABLES = ("link", "links", "uplink", "downlink")


class Generator(Component, kw_only=True):
    """Base of every graph: give ``adjacency`` in a new file, and ``load`` finds it by its id.

    ``weights`` is the rule that makes the mixing matrix; None takes ``default_weights``.
    """

    kind: ClassVar[str] = "topology"
    package: ClassVar[str] = "netopt.topologies"

    weights: Annotated[
        Mixing | None, msgspec.Meta(description="mixing rule; null takes the graph's own default")
    ] = None

    link: Annotated[
        Any, msgspec.Meta(description="every edge's link: a preset such as lan, or its options")
    ] = None
    links: Annotated[
        dict[str, Any] | None, msgspec.Meta(description="links of some edges, by 0-1 or 0->1")
    ] = None
    uplink: Annotated[
        Any, msgspec.Meta(description="rate that all frames a node sends share; or by node")
    ] = None
    downlink: Annotated[
        Any, msgspec.Meta(description="rate that all frames a node gets share; or by node")
    ] = None

    def __post_init__(self) -> None:
        if self.weights is None:
            self.weights = self.default_weights()

    def default_weights(self) -> Mixing | None:
        """Return the rule for a user who names none: Metropolis, for undirected graphs."""
        return build(Mixing, "metropolis")

    def adjacency(self) -> Adjacency:
        """Return A, shape (N, N) bool, with A[i, j] true if agent j sends to agent i.

        Raises ConfigError if the options describe no graph.
        """
        raise ConfigError(f"the topology {type(self).__name__} does not define an adjacency")

    def delays(self) -> Mapping[Edge, float]:
        """Return the latency (s) of directed edges that have one by nature, such as a distance."""
        return {}

    def mixing(self, adjacency: Adjacency) -> Matrix:
        """Return W, shape (N, N) float64; ConfigError if the rule does not fit ``adjacency``."""
        if self.weights is None:
            raise ConfigError(f"{self.id} has no weights of its own; name a rule", "$.weights")
        try:
            return checked(self.weights.matrix(adjacency), adjacency)
        except ConfigError as error:
            raise error.under("$.weights") from None

    def build_topology(self, name: str = "") -> Topology:
        """Return the graph with its weights, called ``name`` or else after id and size.

        Raises ConfigError if the weights do not fit the graph, or if an agent cannot reach another.
        """
        adjacency = self.adjacency()
        weights = self.mixing(adjacency)
        _check_connected(weights != 0)  # an edge of weight 0 carries nothing
        edges = tuple((source, target) for target, source in np.argwhere(adjacency).tolist())
        shared = (self.uplink, self.downlink)
        cables = lay(edges, len(weights), self.link, self.links or {}, shared, self.delays())
        name = name or f"{self.id}-{len(weights)}"
        return Topology(name, weights, edges, said(self.config()), *cables)

    def config(self) -> dict[str, Any]:
        """Return the mapping that builds this generator again; of links only what was given."""
        plain = super().config()
        return {k: v for k, v in plain.items() if v is not None or k not in _CABLES}


def _check_connected(adjacency: Adjacency) -> None:
    pair = unreachable(adjacency)
    if pair is not None:
        raise ConfigError(
            f"the graph is not connected: no path leads from agent {pair[0]} to agent {pair[1]}; "
            "add edges until every agent reaches every other",
            "$",
        )
