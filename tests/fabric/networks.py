"""Small topologies with links, for the tests of the kernel fabric."""

from __future__ import annotations

from typing import Any

from netopt import topologies
from netopt.topologies import Topology

ETHERNET = {"mtu": 1500, "overhead": 52, "framing": 38}


def ring(size: int = 4, **link: Any) -> Topology:
    """Return a ring whose edges have a link."""
    return topologies.load({"id": "ring", "size": size, "link": {**ETHERNET, **link}}, "$")


def cycle(size: int = 3, **more: Any) -> Topology:
    """Return a directed cycle 0 -> 1 -> ... -> 0."""
    edges = [[i, (i + 1) % size] for i in range(size)]
    spec = {"id": "edges", "size": size, "edges": edges, "directed": True, **more}
    return topologies.load(spec, "$")
