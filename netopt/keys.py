"""Keys name random streams; nothing in netopt stores or shares a generator.

A stream is a function of (seed, purpose, round, exchange, sender, receiver), so that a receiver can
rebuild what its sender drew and a run repeats to the last bit on any driver. The generator is
numpy's Philox 4x64-10 (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*, SC 2011): the
seed and the purpose are its key, the place in the run is its counter, so two keys never
share a block by construction.
"""

from __future__ import annotations

import threading
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

BROADCAST = 0xFFFF_FFFF
"""The receiver of a frame that is the same for every neighbour."""


class _Engine(threading.local):
    """A Philox for each thread that ``words`` sets anew at every call: making one takes 20 us."""

    def __init__(self) -> None:
        self.philox = np.random.Philox(0)
        self.state: Any = self.philox.state


_engine = _Engine()


class Purpose(IntEnum):
    """What a stream is for; two purposes never share a random bit."""

    DATA = 0
    BATCH = 1
    ROUNDING = 2
    INDICES = 3
    DITHER = 4
    NOISE = 5
    LINK = 6
    START = 7
    GRAPH = 8


class Key(NamedTuple):
    """The name of one random stream.

    ``seed`` is below 2**64, ``round``, ``sender`` and ``receiver`` are below 2**32, ``exchange``
    and ``part`` below 2**16; ``part`` tells apart what is drawn at the same place: the vectors of a
    frame, the channels, the batches.
    """

    seed: int
    purpose: Purpose
    round: int = 0
    exchange: int = 0
    sender: int = 0
    receiver: int = BROADCAST
    part: int = 0

    def words(self, count: int) -> npt.NDArray[np.uint32]:
        """Return the first ``count`` 32-bit words of this stream, shape (count,) uint32.

        Each 64-bit output of Philox gives two words, the low half first. Only the raw output is
        used: unlike a distribution's code, it is the same in every version of numpy.
        """
        key, counter = self._place()
        state = _engine.state
        state["state"]["key"][:] = key
        state["state"]["counter"][:] = counter
        _engine.philox.state = state
        raw = np.asarray(_engine.philox.random_raw((count + 1) // 2), dtype="<u8")
        return raw.view("<u4")[:count]

    def generator(self) -> np.random.Generator:
        """Return a fresh ``numpy.random.Generator`` at the start of this stream."""
        key, counter = self._place()
        philox = np.random.Philox(
            key=np.array(key, dtype=np.uint64), counter=np.array(counter, dtype=np.uint64)
        )
        return np.random.Generator(philox)

    def _place(self) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
        """Return Philox's key and counter at the start of this stream."""
        place = (self.round << 32) | (self.part << 16) | self.exchange
        ends = (self.sender << 32) | self.receiver
        return (self.seed, int(self.purpose)), (0, 0, place, ends)
