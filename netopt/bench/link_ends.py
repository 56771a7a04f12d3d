"""One end of an edge in ``bench link``: windows of messages, as MPI or as a link delivers them.

``Held`` keeps what MPI has delivered until netopt's link would have, as a run with ``clock: real``
does with its frames.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from netopt.bench.link_cases import Pair
from netopt.links.queue import Fate, Flight, Stamp
from netopt.mpi import MPI
from netopt.network.travel import Travel


class Plain:
    """Windows of ``count`` messages of ``size`` bytes to and from ``peer``.

    As in the OSU micro-benchmarks all messages of a window have one buffer, and several go by
    non-blocking calls, a single one by a blocking call.
    """

    def __init__(self, comm: Any, peer: int, size: int, count: int) -> None:
        self._comm, self._peer = comm, peer
        self._out, self._into = np.ones(size, np.uint8), np.ones(size, np.uint8)
        self._single = count == 1
        self._sends = [comm.Send_init(self._out, peer) for _ in range(count)]
        self._receives = [comm.Recv_init(self._into, peer) for _ in range(count)]

    def send(self) -> None:
        """Send a window; return when its buffer is free."""
        if self._single:
            self._comm.Send(self._out, self._peer)
            return
        MPI.Prequest.Startall(self._sends)
        MPI.Request.Waitall(self._sends)

    def receive(self) -> None:
        """Return when a window has arrived."""
        if self._single:
            self._comm.Recv(self._into, self._peer)
            return
        MPI.Prequest.Startall(self._receives)
        MPI.Request.Waitall(self._receives)

    def swap(self) -> None:
        """Send a window while one arrives."""
        MPI.Prequest.Startall(self._receives)
        MPI.Prequest.Startall(self._sends)
        MPI.Request.Waitall(self._sends)
        MPI.Request.Waitall(self._receives)

    def close(self) -> None:
        """Free the requests."""
        for request in (*self._sends, *self._receives):
            request.Free()


class Edge:
    """What all windows of a pair share at one end: how their messages travel, as a run's frames do.

    A run's ``Travel`` asks for an agent and an experiment; here both are a pair of neighbours.
    """

    def __init__(self, pair: Pair, rank: int) -> None:
        self.rank, self.peer = rank, pair.first + pair.second - rank
        links, ends = pair.links(), (pair.first, pair.second)
        uplinks, downlinks = (
            {end: rate for end, rate in zip(ends, rates, strict=True) if rate is not None}
            for rates in (pair.uplinks, pair.downlinks)
        )
        graph = SimpleNamespace(link=lambda i, j: links[i, j], uplinks=uplinks, downlinks=downlinks)
        options = SimpleNamespace(network=SimpleNamespace(clock="real"))
        neighbours = {"successors": (self.peer,), "predecessors": (self.peer,)}
        agent: Any = SimpleNamespace(rank=rank, seed=0, round=0, exchange=0, **neighbours)
        experiment: Any = SimpleNamespace(topology=graph, options=options)
        self._travel = Travel(agent, experiment)
        self._travel.begin()
        self._numbers = dict.fromkeys(links, 0)

    def leave(self, size: int) -> Stamp:
        """Return the stamp of the next message from here, which is ready now."""
        return self._travel.leave(self.peer, size, self._fate(self.rank, self.peer))

    def come(self, stamps: Any, size: int) -> None:
        """Return when messages with these stamps would all have arrived."""
        rank, peer = self.rank, self.peer
        self._travel.arrive(
            Flight(peer, rank, size, Stamp(*words), self._fate(peer, rank))
            for words in stamps.tolist()
        )

    def _fate(self, source: int, target: int) -> Fate:
        """Return the fate of the next message of a direction; a lost one comes all the same."""
        number = self._numbers[source, target]
        self._numbers[source, target] = number + 1
        return self._travel.fate(source, target, (number & 0xFFFF_FFFF, number >> 32))


class Held:
    """Windows as in ``Plain``, on an edge whose link holds them; stamps travel beside them."""

    def __init__(self, plain: Plain, edge: Edge, comm: Any, size: int, count: int) -> None:
        self._plain, self._edge, self._comm, self._size = plain, edge, comm, size
        self._mine, self._theirs = np.zeros((count, 2)), np.zeros((count, 2))

    def _leave(self) -> Any:
        for words in self._mine:
            words[:] = self._edge.leave(self._size)
        return self._comm.Isend(self._mine, self._edge.peer)

    def _come(self) -> None:
        self._comm.Recv(self._theirs, self._edge.peer)
        self._edge.come(self._theirs, self._size)

    def send(self) -> None:
        """Send a window; return when its buffer is free."""
        told = self._leave()
        self._plain.send()
        told.Wait()

    def receive(self) -> None:
        """Return when the link would have delivered a window."""
        self._plain.receive()
        self._come()

    def swap(self) -> None:
        """Send a window while one arrives."""
        told = self._leave()
        self._plain.swap()
        told.Wait()
        self._come()

    def close(self) -> None:
        """Free the requests."""
        self._plain.close()
