"""The plan knows what a topology becomes in the kernel: names, addresses, queues; it touches none.

Everything lies in network namespaces of its own, one an agent and one hub for the control network,
so that nothing can collide with the machine's interfaces or with another fabric. In an agent's
namespace, ``stub`` holds its address and leads to the hub's bridge, and ``edgeJ`` is a cable to
agent J, over which a host route sends all that goes to J.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any, NamedTuple

from netopt.errors import ConfigError
from netopt.topologies import Topology

NETWORK = IPv4Network("10.200.0.0/16")
STUB = "stub"
BRIDGE = "control"
MTU = 1500
"""Bytes of a packet without its Ethernet header if the link does not say."""
MTUS = (128, 65535)
"""The least that leaves TCP some room beside its headers, and the most that a cable takes."""
ETHERNET = 14
"""Bytes of the header that the kernel counts with each packet."""
SLACK = 200e-6
"""Seconds by which the kernel's timers may be late without slowing a link down."""
LIMIT = 1 << 28
"""Bytes that may queue at a link: more than TCP ever has on the way, so that none is dropped."""
RATES = (1e3, 1e12)
"""bit/s for which a token bucket makes sense: slower, a packet would take minutes."""


class Shape(NamedTuple):
    """A token bucket: ``rate`` in bit/s, ``burst`` in bytes, ``overhead`` in bytes a packet."""

    rate: float
    burst: int
    overhead: int


class End(NamedTuple):
    """One end of a cable: what ``agent`` sends into it goes to ``peer``.

    ``edge`` says whether the topology has that direction; else it carries acknowledgements only.
    ``latency`` is in seconds.
    """

    agent: int
    peer: int
    edge: bool
    shape: Shape | None
    latency: float

    @property
    def interface(self) -> str:
        """The interface's name in the agent's namespace."""
        return interface(self.peer)

    @property
    def mac(self) -> str:
        """The interface's Ethernet address, a locally administered one."""
        parts = (self.agent >> 8, self.agent & 255, self.peer >> 8, self.peer & 255)
        return "02:00:" + ":".join(f"{part:02x}" for part in parts)


class Cable(NamedTuple):
    """A veth pair between two neighbours."""

    ends: tuple[End, End]
    mtu: int


class Plan(NamedTuple):
    """What is to be built under ``name``; ``notes`` tell what the kernel will not do."""

    name: str
    size: int
    cables: tuple[Cable, ...]
    notes: tuple[str, ...]

    @property
    def hub(self) -> str:
        """The control network's namespace."""
        return hub(self.name)

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents' namespaces, by rank; also their host names."""
        return tuple(namespace(self.name, agent) for agent in range(self.size))

    @property
    def ends(self) -> Iterator[End]:
        """All ends of all cables."""
        return (end for cable in self.cables for end in cable.ends)


def namespace(name: str, agent: int) -> str:
    """Return the name of an agent's namespace."""
    return f"{name}-{agent}"


def interface(peer: int) -> str:
    """Return the name that a cable to ``peer`` has at its own end."""
    return f"edge{peer}"


def hub(name: str) -> str:
    """Return the name of the control network's namespace."""
    return f"{name}-hub"


def address(agent: int) -> IPv4Address:
    """Return an agent's address."""
    return NETWORK[agent + 1]


HUB_ADDRESS = NETWORK[-2]


def plan(name: str, topology: Topology) -> Plan:
    """Return what a topology becomes; ConfigError for a link that no cable can be."""
    directed = set(topology.edges)
    pairs = sorted({(min(edge), max(edge)) for edge in directed})
    notes = [
        f"{which} that several edges share stay netopt's: each edge has a cable of its own"
        for which in ("uplinks", "downlinks")
        if getattr(topology, which)
    ]
    cables = tuple(
        _cable(topology, [edge for edge in ((i, j), (j, i)) if edge in directed], notes)
        for i, j in pairs
    )
    return Plan(name, topology.size, cables, tuple(dict.fromkeys(notes)))


def _cable(topology: Topology, edges: list[tuple[int, int]], notes: list[str]) -> Cable:
    i, j = sorted(edges[0])
    links = {edge: topology.link(*edge) for edge in edges}
    said = [link.mtu for link in links.values() if link.mtu is not None]
    mtu = min(max(min(said, default=MTU), MTUS[0]), MTUS[1])
    if said and set(said) != {mtu}:
        notes.append(f"edge {i}-{j}: both directions have packets of {mtu} bytes, not {said}")
    if any(link.duplex == "half" for link in links.values()):
        raise ConfigError(
            f"edge {i}-{j} is half duplex, and the kernel's cables have each direction to itself; "
            "say duplex: full, or network: {clock: virtual} without a fabric"
        )
    return Cable((_end(links, i, j, mtu), _end(links, j, i, mtu)), mtu)


def _end(links: dict[tuple[int, int], Any], i: int, j: int, mtu: int) -> End:
    link = links.get((i, j))
    if link is None:
        return End(i, j, False, None, 0.0)
    shape = None if link.rate is None else shaped(link.rate, mtu, link.framing, (i, j))
    return End(i, j, True, shape, link.latency)


def shaped(rate: float, mtu: int, framing: int, edge: tuple[int, int]) -> Shape:
    """Return the bucket for a rate in bit/s; ConfigError if the kernel cannot hold it.

    A burst leaves at once, which no real link does, so it is the least that works: one packet, and
    what a late timer would otherwise lose.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise ConfigError(
            f"edge {edge[0]}->{edge[1]}: the kernel shapes {RATES[0]:g} to {RATES[1]:g} bit/s, not "
            f"{rate:g}; network: {{clock: virtual}} emulates any rate"
        )
    overhead = max(framing - ETHERNET, 0)
    burst = mtu + ETHERNET + round(rate / 8 * SLACK)
    return Shape(rate, burst, overhead)
