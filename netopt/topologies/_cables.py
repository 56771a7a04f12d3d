"""Cables: which link each directed edge has, and what a node's edges share, as a file says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from netopt import quantities
from netopt.errors import ConfigError
from netopt.links import IDEAL, Link, mapping
from netopt.registry import fill

Edge = tuple[int, int]


class Cables(NamedTuple):
    """The links that are not ideal by directed edge, and shared rates by node, in bit/s."""

    links: Mapping[Edge, Link] = {}
    uplinks: Mapping[int, float] = {}
    downlinks: Mapping[int, float] = {}


def lay(
    edges: Sequence[Edge],
    size: int,
    link: object,
    links: Mapping[Any, object],
    shared: tuple[object, object],
    delays: Mapping[Edge, float],
) -> Cables:
    """Return what the options describe for these directed edges of ``size`` agents.

    ``link`` is for all edges and ``links`` for some, by ``i->j`` or, both ways, ``i-j``; what they
    do not say comes from ``link``. ``shared`` are the options uplink and downlink. ``delays`` are
    an edge's latency (s) if nobody gives another. Raises ConfigError that names the place.
    """
    common = {} if link is None else mapping(link, "$.link")
    fill(Link, common, "$.link", "a link")  # its mistakes belong there, and not to an edge
    options: dict[Edge, tuple[dict[str, Any], str]] = {
        edge: ({"latency": delays[edge], **common} if edge in delays else common, "$.link")
        for edge in edges
    }
    for name, spec in links.items():
        path = f"$.links.{name}"
        own = mapping(spec, path)
        for edge in _named(str(name), set(edges), path):
            options[edge] = ({**options[edge][0], **own}, path)
    laid = {edge: fill(Link, *given, "a link") for edge, given in options.items()}
    _check_half_duplex(laid)
    up, down = (
        _rates(s, size, f"$.{n}") for s, n in zip(shared, ("uplink", "downlink"), strict=True)
    )
    return Cables({e: k for e, k in laid.items() if k != IDEAL}, up, down)


def _named(name: str, edges: set[Edge], path: str) -> Iterator[Edge]:
    """Yield the directed edges that a key names; ConfigError if it names none."""
    arrow = "->" if "->" in name else "-"
    ends = name.split(arrow)
    if len(ends) != 2 or not all(end.strip().isdecimal() for end in ends):
        raise ConfigError(
            f"an edge is written '0-1', or '0->1' for one direction, got {name!r}", path
        )
    source, target = (int(end) for end in ends)
    wanted = {(source, target)} | ({(target, source)} if arrow == "-" else set())
    if not wanted & edges:
        raise ConfigError(
            f"the graph has no edge {source} {arrow} {target}{_near(source, edges)}", path
        )
    yield from sorted(wanted & edges)


def _near(source: int, edges: set[Edge]) -> str:
    """Return which edges there are instead, of ``source`` if it is an agent at all."""
    near = sorted(target for agent, target in edges if agent == source)
    if not near:
        last = max(map(max, edges), default=0)
        return f"; agents are 0 to {last}"
    more = ", ..." if len(near) > 8 else ""
    return f"; agent {source} sends to {', '.join(map(str, near[:8]))}{more}"


def _check_half_duplex(links: Mapping[Edge, Link]) -> None:
    """Raise ConfigError unless both directions of a shared channel say the same of it."""
    for (source, target), link in links.items():
        other = links.get((target, source), link)
        shared = (link.rate, link.duplex) == (other.rate, other.duplex)
        if "half" in (link.duplex, other.duplex) and not shared:
            low, high = sorted((source, target))
            raise ConfigError(
                f"a half-duplex edge is one channel, but {low} -> {high} and {high} -> {low} "
                f"differ in rate or duplex; give them as '{low}-{high}'",
                "$.links",
            )


def _rates(spec: object, size: int, path: str) -> dict[int, float]:
    """Return the shared rates by node, of one rate for all or a mapping from nodes to rates."""
    if spec is None:
        return {}
    given = spec if isinstance(spec, Mapping) else dict.fromkeys(range(size), spec)
    found = {}
    for node, value in given.items():
        place = f"{path}.{node}" if isinstance(spec, Mapping) else path
        if not str(node).isdecimal() or int(node) >= size:
            raise ConfigError(f"expected an agent, 0 to {size - 1}, got {node!r}", place)
        try:
            found[int(node)] = quantities.rate(value)  # type: ignore[arg-type]
        except ValueError as error:
            raise ConfigError(str(error), place) from None
        if found[int(node)] <= 0:
            raise ConfigError(f"expected more than 0 bit/s, got {value!r}", place)
    return found


def said(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a generator's mapping in which a preset's options stand in place of its name."""
    told = dict(plain)
    if "link" in plain:
        # Only what was given: a latency of 0 s would replace the one that follows from a distance.
        told["link"] = mapping(plain["link"], "$.link")
    if "links" in plain:
        told["links"] = {k: mapping(v, f"$.links.{k}") for k, v in plain["links"].items()}
    return told
