"""What witnesses say: counts per directed edge, or why one of them cannot testify."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Edge = tuple[int, int]


class Count(NamedTuple):
    """How many ``units`` (frames, messages or packets) crossed an edge, and how many bytes."""

    units: int
    bytes: int

    def plus(self, other: Count) -> Count:
        """Return both together."""
        return Count(self.units + other.units, self.bytes + other.bytes)


NOTHING = Count(0, 0)
Counts = Mapping[Edge, Count]


class Traffic(NamedTuple):
    """What the MPI library saw of what ranks sent to each other.

    ``messages`` are those between two ranks, ``collective`` those within collectives; ``large`` is
    how many of both were larger than the library's transport sends without being answered.
    """

    messages: dict[Edge, Count]
    collective: dict[Edge, Count]
    large: dict[Edge, int]


class Transport(NamedTuple):
    """Bytes that the library's transport adds to messages on a network.

    Each message gets ``header`` bytes; one of more than ``limit`` bytes gets ``more`` of them, and
    its receiver answers with ``answer`` bytes.
    """

    header: int
    limit: int
    more: int
    answer: int


class Absence(Exception):
    """Raised by a witness that cannot testify; the message is the reason."""


def add(counts: dict[Edge, Count], edge: Edge, count: Count) -> None:
    """Add ``count`` to what is known of ``edge``."""
    counts[edge] = counts.get(edge, NOTHING).plus(count)


def need_all(found: Iterable[int], size: int, what: str) -> None:
    """Raise Absence unless each of ``size`` ranks has left its file."""
    missing = sorted(set(range(size)) - set(found))
    if missing:
        ranks = ", ".join(map(str, missing))
        raise Absence(f"{what} left no file of rank{'s' if len(missing) > 1 else ''} {ranks}")
