"""Ranks: what all of them do together before a run has agents, and when it fails."""

from __future__ import annotations

import time

import numpy as np

from netopt.mpi import MPI

NAP = 0.0001
"""Seconds between two looks at whether the others have started: short, for several may follow."""


HOST_BYTES = 64
"""As long as a host's name can be on Linux."""


def copies(count: int) -> list[MPI.Comm]:
    """Return communicators of all ranks, made together: one by one, 8 ranks take twice as long."""
    made = [MPI.COMM_WORLD.Idup() for _ in range(count)]
    for _, request in made:
        nap_until(request)
    return [comm for comm, _ in made]


def world() -> tuple[int, int]:
    """Return this rank and the number of ranks."""
    return MPI.COMM_WORLD.Get_rank(), MPI.COMM_WORLD.Get_size()


def tell(data: bytes) -> bytes:
    """Return the root's bytes on every rank; their number travels first."""
    size = np.array([len(data)], dtype=np.int64)
    nap_until(MPI.COMM_WORLD.Ibcast(size))
    content = np.frombuffer(data, np.uint8) if world()[0] == 0 else np.empty(size[0], np.uint8)
    nap_until(MPI.COMM_WORLD.Ibcast(content))
    return content.tobytes()


def agree_on_failure(code: int) -> list[int]:
    """Return every rank's exit code, so that a mistake that all see is told by one of them."""
    codes = np.zeros(MPI.COMM_WORLD.Get_size(), dtype=np.int64)
    nap_until(MPI.COMM_WORLD.Iallgather(np.array([code], dtype=np.int64), codes))
    return [int(c) for c in codes]


def hosts(name: str) -> dict[str, list[int]]:
    """Return at the root the ranks of each host by its name, of which each rank tells its own."""
    mine = np.zeros(HOST_BYTES, np.uint8)
    said = name.encode()[:HOST_BYTES]
    mine[: len(said)] = np.frombuffer(said, np.uint8)
    rows = np.empty((MPI.COMM_WORLD.Get_size(), HOST_BYTES), np.uint8)
    nap_until(MPI.COMM_WORLD.Igather(mine, rows))
    found: dict[str, list[int]] = {}
    for rank, row in enumerate(rows if world()[0] == 0 else ()):
        found.setdefault(row.tobytes().rstrip(b"\0").decode(errors="replace"), []).append(rank)
    return found


def nap_until(request: MPI.Request) -> None:
    """Return when a request is done; until then the cores are for the ranks that start slowly."""
    while not request.Test():
        time.sleep(NAP)


def abort(code: int) -> None:
    """End all ranks at once with this exit code."""
    MPI.COMM_WORLD.Abort(code)


def library() -> str:
    """Return the first line of the MPI library's own description."""
    return MPI.Get_library_version().strip().split("\n")[0].strip("\x00 ")
