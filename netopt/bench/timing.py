"""Times rivals in turn, again and again, on one core, and reports medians.

Ratios of medians taken in one run stand even on a busy machine. Seconds are the thread's own, so
that other processes' turns do not count.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from statistics import median
from time import thread_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

Seconds = Callable[[int], float]
"""Runs a call so many times and returns the seconds of one."""

LINE = 64
"""Bytes of a cache line; arrays begin on one, as netopt's own buffers do."""


def python(call: Callable[[], object]) -> Seconds:
    """Return a timer of a Python call."""

    def timer(calls: int) -> float:
        began = thread_time()
        for _ in range(calls):
            call()
        return (thread_time() - began) / calls

    return timer


def medians(rivals: Mapping[str, Seconds], calls: int, repeats: int) -> dict[str, float]:
    """Return each rival's median seconds a call over ``repeats`` turns of ``calls`` calls.

    An untimed call comes first in each turn, so that nobody pays for what the one before left in
    the caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, timer in rivals.items():
            timer(1)
            seconds[name].append(timer(calls))
    return {name: median(times) for name, times in seconds.items()}


def aligned(n: int, dtype: Any = np.uint8) -> NDArray[Any]:
    """Return n zeros, shape (n,), that begin on a cache line."""
    size = np.dtype(dtype).itemsize * n
    memory = np.empty(size + LINE, np.uint8)
    memory.fill(0)  # memory that was never written is one page of zeros, read from the cache
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype)


def pin() -> str:
    """Keep this process on one core where the system can; return a sentence that says so."""
    try:
        core = max(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {core})
    except (AttributeError, OSError):
        return "not pinned to a core"
    return f"pinned to core {core}"
