"""The verdict compares what the witnesses say of each direction between two agents.

The MPI library has to have seen the ledger's frames and bytes exactly, the kernel all that is
explained, within a hundredth. Between agents without an edge nothing but control traffic may go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from netopt.audit import _ledger
from netopt.audit._kernel import Account, Packets, account
from netopt.audit._ledger import Entry, books
from netopt.audit._witness import NOTHING, Count, Edge, Traffic, Transport
from netopt.frame import HEADER_BYTES


class Line(NamedTuple):
    """What is known of one direction; ``mpi`` are frames alone, None if the witness is absent.

    ``edge`` says whether the topology has it; ``problems`` are whole sentences.
    """

    way: Edge
    edge: bool
    ledger: Entry
    mpi: Count | None
    kernel: Account | None
    problems: tuple[str, ...]


def judge(
    ledger: Mapping[Edge, Entry],
    heard: Traffic | None,
    kernel: Mapping[Edge, Packets] | None,
    transport: Transport,
) -> list[Line]:
    """Return a line for each direction of which anybody knows anything, edges first.

    ``kernel`` needs the testimony of the MPI library, which alone knows the control traffic.
    """
    ways = set(heard.messages) if heard else set()
    ways |= set(kernel or ())
    others = sorted(ways - set(ledger))
    lines = []
    for way in [*sorted(ledger), *others]:
        entry = ledger.get(way, _ledger.NOTHING)
        mpi = None if heard is None else _frames(heard, way)
        known = None
        if heard is not None and kernel is not None and way in kernel:
            known = account(way, kernel[way], entry, heard, transport)
        problems = tuple(_problems(entry, mpi, known))
        lines.append(Line(way, way in ledger, entry, mpi, known, problems))
    return lines


def _frames(heard: Traffic, way: Edge) -> Count:
    """Return the messages between two ranks less netopt's own: what has to be the frames."""
    seen, own = heard.messages.get(way, NOTHING), books(way)
    return Count(seen.units - own.units, seen.bytes - own.bytes)


def _problems(entry: Entry, mpi: Count | None, known: Account | None) -> Iterator[str]:
    if mpi is not None and mpi.bytes != entry.bytes:
        yield f"the MPI library saw {mpi.bytes} bytes, the ledger has {entry.bytes}"
    if mpi is not None and not _numbered(entry, mpi.units):
        yield f"the MPI library saw {mpi.units} messages, the ledger has {entry.frames} frames"
    if known is not None and not known.holds:
        yield f"the kernel counted {known.bytes} bytes, of which {known.explained} are explained"


def _numbered(entry: Entry, messages: int) -> bool:
    """Return whether the number of messages is right.

    The ledger has the bytes of resent frames and of the set-up, but not their number.
    """
    extra = messages - entry.frames
    return bool(entry.more) == bool(extra) and 0 <= extra * HEADER_BYTES <= entry.more
