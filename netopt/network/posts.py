"""Posts: where frames leave and arrive on one rank, and how a rank waits for them.

Sends are started from buffers that are handed out again only when they have left; receives are
persistent and always posted ahead, two per neighbour, so one frame can be read while the next
arrives. Communicators and requests are handed in: only ``mpi`` imports the library.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

import numpy as np

from netopt.agent import Message
from netopt.codecs import Bytes
from netopt.errors import StuckError

Requests = list[Any]
POLLS_PER_LOOK = 256
"""Polls between two looks at the clock: a look costs as much as a poll."""

NAP = 0.0005
"""Seconds of sleep between two polls for a rank that is busy with something long."""


class Deadline:
    """Polls until requests are done; after ``timeout`` seconds the ``blame`` becomes an error.

    ``meanwhile`` is done between polls, in which others may have the processor.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.meanwhile: Callable[[], object] | None = None

    def wait(
        self, requests: Requests, blame: Callable[[], str], statuses: Iterable[Any] = repeat(None)
    ) -> None:
        """Return when all requests are done; StuckError(blame()) when the time is up.

        Yields the processor between polls: with more ranks than cores, the awaited rank needs it.
        """
        polls, end = 0, 0.0
        for request, status in zip(requests, statuses):  # noqa: B905  # None for all, if not given
            while not request.Test(status):
                if self.meanwhile is not None:
                    self.meanwhile()
                os.sched_yield()
                polls += 1
                if polls % POLLS_PER_LOOK == 0:
                    now = time.monotonic()
                    end = end or now + self._timeout
                    if now > end:
                        raise StuckError(blame())

    def endless(self, request: Any) -> None:
        """Return when a request is done, however long that takes.

        It may be a second or more: soon the cores are left to the rank that is awaited, which
        ranks that only yield would take most of, when there are more of them than cores.
        """
        polls = 0
        while not request.Test():
            if self.meanwhile is not None:
                self.meanwhile()
            polls += 1
            if polls < POLLS_PER_LOOK:
                os.sched_yield()
            else:
                time.sleep(NAP)


def _nothing(*_: object) -> None:
    """Do nothing."""


class Slot:
    """A send buffer, the sends that read it, and the exchange for which it was last handed out.

    ``standing`` are the persistent sends of the whole buffer, by target.
    """

    __slots__ = ("buffer", "exchange", "requests", "standing")

    def __init__(self, size: int) -> None:
        self.buffer = np.zeros(size, np.uint8)
        self.requests: Requests = []
        self.standing: dict[int, Any] = {}
        self.exchange = 0


class Sender:
    """Send buffers for each channel and receiver: two, or as many as one exchange asks for.

    A buffer is free when it was handed out for an earlier exchange and its sends are done. The
    processor's seconds that go by until then are told to ``idle``: agents encode while their clock
    works, and a neighbour that is slow to take a frame is no computation.
    """

    def __init__(self, comm: Any, deadline: Deadline, rank: int) -> None:
        self._comm, self._deadline, self._rank = comm, deadline, rank
        self._slots: dict[tuple[int, int], deque[Slot]] = {}
        self._slot_of: dict[int, Slot] = {}
        self._exchange = 1
        self.idle: Callable[[float], object] = _nothing

    def buffer(self, channel: int, receiver: int, size: int) -> Bytes:
        """Return the buffer that was used the longest ago, once its frames have left."""
        slots = self._slots.get((channel, receiver))
        if slots is None:
            slots = self._slots[channel, receiver] = deque()
        if len(slots) < 2 or slots[0].exchange == self._exchange:
            slots.appendleft(Slot(size))
            self._slot_of[id(slots[0].buffer)] = slots[0]
        slot = slots[0]
        slots.rotate(-1)
        if slot.requests:
            self._finish(slot)
        slot.exchange = self._exchange
        return slot.buffer

    def send(self, message: Message, target: int, again: bool = False) -> None:
        """Start sending a message; its buffer is not handed out again before it has left.

        ``again`` says that the same message is sent to this target once more.
        """
        frame = message.frame
        slot = self._slot_of[id(frame.base)]
        if again or len(frame) < len(slot.buffer):
            request = self._comm.Isend(frame, target)
        else:  # always, if the codec's frames have one size
            request = slot.standing.get(target)
            if request is None:
                request = slot.standing[target] = self._comm.Send_init(slot.buffer, target)
            request.Start()
        if not request.Test():  # a small frame has left already
            slot.requests.append(request)

    def turn(self) -> None:
        """Begin the next exchange."""
        self._exchange += 1

    def drain(self) -> None:
        """Return when all frames have left."""
        for slot in self._slot_of.values():
            self._finish(slot)

    def close(self) -> None:
        """Free the persistent requests, after ``drain``; needed before MPI is finalized."""
        for slot in self._slot_of.values():
            for request in slot.standing.values():
                request.Free()

    def _finish(self, slot: Slot) -> None:
        if slot.requests:
            began = time.thread_time()
            self._deadline.wait(slot.requests, self._blame)
            slot.requests.clear()
            self.idle(time.thread_time() - began)

    def _blame(self) -> str:
        return f"agent {self._rank} waits for a neighbour to take a frame: it does not listen"


class Inlet:
    """The two posted receives of one neighbour; ``status`` is that of the last frame."""

    def __init__(self, comm: Any, source: int, size: int, status: Any) -> None:
        self.source, self.status = source, status
        self._buffers = (np.zeros(size, np.uint8), np.zeros(size, np.uint8))
        self.requests = [comm.Recv_init(buffer, source) for buffer in self._buffers]
        for request in self.requests:
            request.Start()
        self._turn = 0
        self._taken: Any = None

    @property
    def request(self) -> Any:
        """Return the request that the next frame completes."""
        return self.requests[self._turn]

    def take(self, size: int) -> Bytes:
        """Return the frame of ``size`` bytes that has arrived; it stays valid until ``repost``."""
        frame = self._buffers[self._turn][:size]
        self._taken = self.request
        self._turn = 1 - self._turn
        return frame

    def repost(self) -> None:
        """Post the receive of a frame that has been read again."""
        if self._taken is not None:
            self._taken.Start()
            self._taken = None

    def close(self) -> None:
        """Cancel and free both requests; needed before MPI is finalized."""
        for request in self.requests:
            request.Cancel()
            request.Wait()
            request.Free()
