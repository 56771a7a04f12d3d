"""Control traffic: what the instrument itself sends, counted apart from the algorithm's messages.

The communicator is handed in, and so is the polled wait: a rank that never arrives is named.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
T = TypeVar("T")


class Control:
    """Collectives to the root (rank 0) and back, on a communicator of their own.

    ``bytes`` counts the payload of what this rank has sent.
    """

    def __init__(
        self, comm: Any, wait: Callable[[Any, str], None], endless: Callable[[Any], None]
    ) -> None:
        self._comm, self._wait, self._endless = comm, wait, endless
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.root = self.rank == 0
        self.bytes = 0

    def barrier(self) -> None:
        """Return when every rank is here."""
        self._wait(self._comm.Ibarrier(), "the end of the round")

    def gather(self, mine: Array, what: str, rows: Array | None = None) -> Array | None:
        """Return the ranks' equally long arrays as rows at the root, else None.

        The root may say where the ``rows`` go.
        """
        if self.root and rows is None:
            rows = np.empty((self.size, *mine.shape), mine.dtype)
        self._wait(self._comm.Igather(mine, rows), what)
        self._count(mine)
        return rows

    def sum(self, mine: Array, what: str) -> Array:
        """Return the sum over ranks at the root, zeros elsewhere; of integers only."""
        total = np.zeros_like(mine)
        self._wait(self._comm.Ireduce(mine, total if self.root else None), what)
        self._count(mine)
        return total

    def largest(self, mine: float, what: str) -> float:
        """Return the ranks' largest number at the root, this rank's elsewhere."""
        rows = self.gather(np.array([mine]), what)
        return mine if rows is None else float(rows.max())

    def broadcast(self, value: int) -> int:
        """Return the root's value on every rank, however long the root thinks about it.

        Meanwhile it looks at the whole problem, which may take longer than an exchange may; if it
        fails, it ends the other ranks.
        """
        word = np.array([value], dtype=np.int64)
        self._endless(self._comm.Ibcast(word))
        self._count(word)
        return int(word[0])

    def collect(self, mine: list[T], kind: Any, what: str) -> list[T]:
        """Return the ranks' lists, one after the other, at the root, else nothing.

        Lengths travel first, then msgpack bytes; ``kind`` is the element type.
        """
        data = np.frombuffer(msgspec.msgpack.encode(mine), np.uint8)
        sizes = self.gather(np.array([len(data)], dtype=np.int64), what)
        if sizes is None:
            self._wait(self._comm.Isend(data, 0), what)
            self._count(data)
            return []
        found = list(mine)
        for source in range(1, self.size):
            got = np.empty(int(sizes[source, 0]), np.uint8)
            self._wait(self._comm.Irecv(got, source), what)
            found += msgspec.msgpack.decode(got.tobytes(), type=list[kind])
        return found

    def _count(self, sent: Array) -> None:
        self.bytes += 0 if self.root else sent.nbytes
