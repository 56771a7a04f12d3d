"""The ledger's side of an audit: what netopt itself says crossed each edge, and what it adds to it.

Beside frames, a run under audit sends one message of its own between two ranks: when the books are
closed, each agent tells agent 0 the frames that it captured. None are, and that takes a byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from netopt.audit._witness import Count, Edge

BOOKS = Count(1, 1)
"""What each agent tells agent 0 of the frames that it captured: an empty list in msgpack."""


class Entry(NamedTuple):
    """``frames`` and ``bytes`` on one edge: payload, headers, resent and set-up bytes.

    ``more`` are those of the bytes that belong to frames which the ledger does not number: resent
    ones and those of the set-up.
    """

    frames: int
    bytes: int
    more: int


NOTHING = Entry(0, 0, 0)


def entries(rows: Sequence[Mapping[str, int]]) -> dict[Edge, Entry]:
    """Return the entry of each directed edge from the rows of edges.csv."""
    return {(row["src"], row["dst"]): _entry(row) for row in rows}


def _entry(row: Mapping[str, int]) -> Entry:
    more = row["resent_bytes"] + row["setup_bytes"]
    return Entry(row["frames"], row["payload_bytes"] + row["header_bytes"] + more, more)


def books(edge: Edge) -> Count:
    """Return what netopt itself sends on an edge beside frames, as a message between two ranks."""
    source, target = edge
    return BOOKS if target == 0 and source != 0 else Count(0, 0)
