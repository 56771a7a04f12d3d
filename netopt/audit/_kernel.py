"""The kernel's side of an audit: what it counted on each edge's interface, explained byte by byte.

A packet of the fabric has 14 bytes of Ethernet, 20 of IP and 32 of TCP with its timestamps. Within
packets travel the ledger's bytes, netopt's control traffic as far as it takes this edge, and what
the MPI library's transport adds to each message. Acknowledgements are packets like others.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from netopt.audit._ledger import Entry, books
from netopt.audit._witness import NOTHING, Count, Edge, Traffic, Transport

PACKET = 14 + 20 + 32
"""Bytes of the headers of a packet: Ethernet, IPv4, TCP with timestamps."""
TOLERANCE = 0.01
"""The share of the kernel's bytes that may stay unexplained."""
GREETING = 256
"""Bytes that may stay unexplained however few there are: connections are made and closed."""


class Packets(NamedTuple):
    """What the kernel says of one direction: its interface's counters, and bytes TCP resent."""

    counted: Count
    again: int


class Account(NamedTuple):
    """What the kernel counted in one direction, and what explains it, in bytes.

    ``control`` is netopt's own traffic, ``transport`` what the MPI library's transport adds,
    ``again`` what TCP sent once more, and ``framing`` the packets' headers.
    """

    packets: int
    bytes: int
    ledger: int
    control: int
    transport: int
    again: int
    framing: int

    @property
    def explained(self) -> int:
        """Return the sum of what is explained."""
        return self.ledger + self.control + self.transport + self.again + self.framing

    @property
    def off(self) -> int:
        """Return the bytes that nothing explains; negative if they are missing."""
        return self.bytes - self.explained

    @property
    def holds(self) -> bool:
        """Return whether few enough bytes stay unexplained."""
        return abs(self.off) <= max(TOLERANCE * self.bytes, GREETING)


def prepare() -> None:
    """Give all packets of a namespace the same header: no selective acknowledgements in it."""
    Path("/proc/sys/net/ipv4/tcp_sack").write_text("0", "ascii")


def account(
    edge: Edge, seen: Packets, entry: Entry, heard: Traffic, transport: Transport
) -> Account:
    """Return the account of a direction."""
    collective = heard.collective.get(edge, NOTHING)
    units = heard.messages.get(edge, NOTHING).units + collective.units
    back = (edge[1], edge[0])
    added = transport.header * units + transport.more * heard.large.get(edge, 0)
    added += transport.answer * heard.large.get(back, 0)
    control = collective.bytes + books(edge).bytes
    framing = PACKET * seen.counted.units
    return Account(*seen.counted, entry.bytes, control, added, seen.again, framing)
