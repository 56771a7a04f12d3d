"""Distress: agents whose time is up tell each other whom they wait for.

The neighbours of a stuck agent get stuck in turn, so a single wait says little; all of them
together name the agent that did not answer. The communicator is handed in and serves nothing else.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

LISTEN = 1.0
"""Seconds in which the others' words are collected: their time is up almost at once."""
WORDS = 256
"""Bytes of one agent's words."""


def collect(comm: Any, mine: str) -> dict[int, str]:
    """Return what each agent in distress says by its rank, with ``mine`` for this one."""
    told = {comm.Get_rank(): mine}
    words = np.zeros(WORDS, np.uint8)
    data = mine.encode()[:WORDS]
    words[: len(data)] = np.frombuffer(data, np.uint8)
    silent = {rank for rank in range(comm.Get_size()) if rank not in told}
    sends = [comm.Isend(words, rank) for rank in silent]
    end = time.monotonic() + LISTEN
    while silent and time.monotonic() < end:
        os.sched_yield()
        for rank in [rank for rank in silent if comm.Iprobe(rank)]:
            heard = np.empty(WORDS, np.uint8)
            comm.Recv(heard, rank)
            told[rank] = heard.tobytes().rstrip(b"\0").decode(errors="replace")
            silent.remove(rank)
    for request in sends:
        request.Test()  # progress only: an agent that hangs never takes its copy
    return told


def tell(told: dict[int, str], size: int, timeout: float) -> str:
    """Return who waits for whom, in rank order, and who did not answer, as one line."""
    waits = "; ".join(told[rank] for rank in sorted(told))
    silent = " and ".join(f"agent {rank}" for rank in range(size) if rank not in told)
    rest = f"; {silent} did not answer at all" if silent else ""
    return f"nothing arrived for {timeout:g} s: {waits}{rest}"
