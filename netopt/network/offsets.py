"""Offsets: how far a host's monotonic clock is from the root's, for the real clock across hosts.

By ping-pongs, as NTP does it: of many, the one with the shortest round trip counts. A clock is
asked once, before the run: two crystals drift apart by some 10 us a second, and after a minute
latencies between hosts are off by as much as 1 ms. Communicator, wait and clock are handed in.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROUNDS = 40
"""Ping-pongs of a host: on a busy machine few of them meet no other process."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
TIME = Path("/proc/self/ns/time")
Wait = Callable[[Any], None]
Clock = Callable[[], float]


class Offset(NamedTuple):
    """What to add to this rank's clock to have the root's, and the most that it may be wrong (s).

    The error is half of the round trip: it is that large if one way took no time at all.
    """

    seconds: float
    error: float


def host() -> bytes:
    """Return 16 bytes that say whose monotonic clock this is.

    That is one for each start of a kernel, whatever network namespaces call themselves, but another
    in a time namespace. Where nobody tells of either, a host is what it is called.
    """
    try:
        name = BOOT.read_text(encoding="ascii").strip()
    except OSError:
        name = platform.node()
    with suppress(OSError):  # a system without such namespaces
        name += os.readlink(TIME)
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def calibrate(
    comm: Any, wait: Wait, here: bytes | None = None, clock: Clock = time.monotonic
) -> Offset:
    """Return this rank's offset; all ranks call it together. Exactly 0 on the root's own host.

    ``wait`` polls until a request is done. The first rank of each other host is asked for all of
    them, one host after the other, so that the ranks of a host agree. ``here`` names the host (16
    bytes), by default as ``host`` does.
    """
    rank = comm.Get_rank()
    hosts = np.empty((comm.Get_size(), 16), np.uint8)
    mine = np.frombuffer(host() if here is None else here, np.uint8)
    wait(comm.Iallgather(mine, hosts))
    names = [row.tobytes() for row in hosts]
    firsts = sorted({names.index(name) for name in names} - {0})
    if not firsts:
        return Offset(0.0, 0.0)
    found = np.zeros(2)
    for first in firsts:
        if rank == 0:
            _answer(comm, wait, first, clock)
        elif rank == first:
            found[:] = _ask(comm, wait, clock)
    told = np.empty((comm.Get_size(), 2))
    wait(comm.Iallgather(found, told))
    return Offset(*told[names.index(names[rank])].tolist())


def _answer(comm: Any, wait: Wait, rank: int, clock: Clock) -> None:
    """Tell a rank the time, as often as it asks."""
    asked, now = np.empty(1), np.empty(1)
    for _ in range(ROUNDS):
        wait(comm.Irecv(asked, rank))
        now[0] = clock()
        wait(comm.Isend(now, rank))


def _ask(comm: Any, wait: Wait, clock: Clock) -> Offset:
    """Return how far the root is ahead, by the answer that came back the soonest."""
    asked, now = np.empty(1), np.empty(1)
    best = Offset(0.0, np.inf)
    for _ in range(ROUNDS):
        asked[0] = began = clock()
        sending = comm.Isend(asked, 0)
        wait(comm.Irecv(now, 0))
        ended = clock()
        wait(sending)
        half = (ended - began) / 2
        if half < best.error:
            best = Offset(float(now[0]) - (began + half), half)
    return best
