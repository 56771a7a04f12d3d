"""Stamps: what time it was for the sender of a frame, as a message of its own beside it.

They belong to the instrument, so the frames stay as they are and the ledger counts what it always
does; stamps are counted as control traffic. Communicator and wait are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from netopt.links.queue import Stamp

Wait = Callable[[list[Any]], None]


class Stamps:
    """Sends and receives the stamps of one rank; ``bytes`` counts those sent."""

    def __init__(self, comm: Any, sources: Sequence[int], wait: Wait) -> None:
        self._comm, self._wait = comm, wait
        self._words = {source: np.zeros(2) for source in sources}
        self._due = {i: comm.Recv_init(words, i) for i, words in self._words.items()}
        for request in self._due.values():
            request.Start()
        self._leaving: list[tuple[Any, Any]] = []
        self.bytes = 0

    def send(self, target: int, stamp: Stamp) -> None:
        """Start sending a stamp; its buffer is kept until it has left."""
        words = np.array(stamp)
        self._leaving = [pair for pair in self._leaving if not pair[0].Test()]
        self._leaving.append((self._comm.Isend(words, target), words))
        self.bytes += words.nbytes

    def receive(self, sources: Sequence[int]) -> list[Stamp]:
        """Return the next stamp of each source."""
        self._wait([self._due[source] for source in sources])
        stamps = [Stamp(*self._words[source].tolist()) for source in sources]
        for source in sources:
            self._due[source].Start()
        return stamps

    def poll(self, source: int) -> Stamp | None:
        """Return the next stamp of a source if it has come."""
        if not self._due[source].Test():
            return None
        stamp = Stamp(*self._words[source].tolist())
        self._due[source].Start()
        return stamp

    def drain(self) -> None:
        """Return when all stamps have left."""
        self._wait([request for request, _ in self._leaving])
        self._leaving.clear()

    def close(self) -> None:
        """Cancel and free the receives; needed before MPI is finalized."""
        for request in self._due.values():
            request.Cancel()
            request.Wait()
            request.Free()
