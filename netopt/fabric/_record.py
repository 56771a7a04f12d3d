"""The record of a run is fabric.json in its directory: what the kernel counted, and where.

The file is one mapping::

    format: 1
    name: netopt-1                  of the fabric
    notes: [...]                    what the kernel did not do of what the links say
    edges: a list, by source and target, of
      source, target                ranks
      carries                       messages; or acknowledgements: no edge of the topology, but
                                    what TCP answers to the edge in the other direction
      namespace, interface          where it is sent
      peer_namespace, peer_interface    where it arrives
      rate                          bit/s, null: not shaped
      burst                         bytes that may leave at once, null: not shaped
      mtu                           bytes of a packet without its Ethernet header
      latency                       seconds that the kernel adds; 0: none
      before, after                 counters when the ranks had not started and when they had ended:
        tx_packets, tx_bytes        counted where it is sent
        rx_packets, rx_bytes        counted where it arrives
        drops                       packets thrown away
    stubs: a list, by agent, of
      agent, namespace, interface, before, after    all that does not go to a neighbour

Bytes are those of whole Ethernet frames: 14 bytes before each IP packet. Offloads are switched off,
so a packet that is counted is one that a network would carry. ``read`` gives the file as objects.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from netopt.errors import ConfigError
from netopt.fabric._counters import Count, Counters
from netopt.fabric._plan import STUB, End, Plan, interface

FILE = "fabric.json"


class Edge(msgspec.Struct, frozen=True):
    """One direction of a cable; the module says what each field is."""

    source: int
    target: int
    carries: str
    namespace: str
    interface: str
    peer_namespace: str
    peer_interface: str
    rate: float | None
    burst: int | None
    mtu: int
    latency: float
    before: Count
    after: Count

    @property
    def counted(self) -> Count:
        """What the run sent."""
        return self.after - self.before


class Stub(msgspec.Struct, frozen=True):
    """An agent's way to all but its neighbours."""

    agent: int
    namespace: str
    interface: str
    before: Count
    after: Count

    @property
    def counted(self) -> Count:
        """What the run sent."""
        return self.after - self.before


class Record(msgspec.Struct, frozen=True):
    """A run's fabric.json."""

    format: int
    name: str
    notes: list[str]
    edges: list[Edge]
    stubs: list[Stub]


def record(plan: Plan, latency: bool, before: Counters, after: Counters) -> Record:
    """Return what a run's counters say; ``latency`` is whether the kernel delays packets."""
    edges = [
        _edge(plan, end, cable.mtu, latency, before, after)
        for cable in plan.cables
        for end in cable.ends
    ]
    stubs = [
        Stub(agent, namespace, STUB, before.stubs[agent], after.stubs[agent])
        for agent, namespace in enumerate(plan.agents)
    ]
    edges.sort(key=lambda edge: (edge.source, edge.target))
    return Record(1, plan.name, list(plan.notes), edges, stubs)


def _edge(plan: Plan, end: End, mtu: int, latency: bool, before: Counters, after: Counters) -> Edge:
    way = (end.agent, end.peer)
    return Edge(
        *way,
        "messages" if end.edge else "acknowledgements",
        plan.agents[end.agent],
        end.interface,
        plan.agents[end.peer],
        interface(end.agent),
        end.shape.rate if end.shape else None,
        end.shape.burst if end.shape else None,
        mtu,
        end.latency if latency else 0.0,
        before.directions[way],
        after.directions[way],
    )


def encode(written: Record) -> str:
    """Return the text of fabric.json."""
    return msgspec.json.format(msgspec.json.encode(written), indent=2).decode() + "\n"


def read(directory: Path) -> Record:
    """Return a run's fabric.json; ConfigError if the run had no fabric or the file is damaged."""
    file = directory / FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Record)
    except FileNotFoundError:
        raise ConfigError(
            f"'{directory}' has no {FILE}; 'netopt run FILE --fabric' makes a run that has"
        ) from None
    except (msgspec.MsgspecError, OSError) as error:
        raise ConfigError(f"'{file}' cannot be read: {error}") from None
