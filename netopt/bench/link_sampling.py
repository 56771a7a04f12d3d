"""How often a point of ``bench link`` is measured: often where it is quick, within a time limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

SAMPLES, LEAST = 20, 3
"""Samples of a point, and those of one that has time for no more."""
WHILE = 5e-3
"""Seconds of the iterations of a sample, or more if a single one takes longer."""
COLD = 0.1
"""Seconds of a first iteration that does not last that long because it is the first."""
GROWTH = 4
"""Times by which iterations become more at once."""

Timer = Callable[[int], float]
"""Runs so many iterations and returns their seconds."""


class Sampled(NamedTuple):
    """Seconds of an iteration, one number a sample, each the mean of ``iterations``."""

    seconds: list[float]
    iterations: int


def window_of(wanted: int, expected: float, limit: float) -> int:
    """Return how many messages fit a window if ``wanted`` take ``expected`` seconds; 0: none."""
    most = limit / (LEAST + 1)
    return wanted if expected <= most else int(wanted * most / expected)


class Forecast:
    """How long the next size will take on a link of which only the sizes before are known."""

    def __init__(self) -> None:
        self._seen: list[tuple[int, float]] = []

    def see(self, size: int, seconds: float) -> None:
        """Take note of the seconds of an iteration."""
        self._seen = [*self._seen[-1:], (size, seconds)]

    def seconds(self, size: int) -> float:
        """Return the seconds of an iteration with a larger size; 0 if nothing is known."""
        if not self._seen:
            return 0.0
        last, seconds = self._seen[-1]
        before, less = self._seen[0] if len(self._seen) > 1 else (last - 1, seconds)
        return seconds + max(0.0, seconds - less) / (last - before) * (size - last)


def sample(timer: Timer, limit: float) -> Sampled:
    """Return a point's samples; what warms up is not among them.

    One iteration is always played, then more and more of them until they take a while, which warms
    up; ``LEAST`` samples of so many follow, and others while all take less than ``limit`` seconds.
    On a busy machine some take a hundred times longer than others, so none is foretold.
    """
    iterations = 1
    spent = taken = timer(1)
    if taken < COLD:
        spent += (taken := timer(1))
    while taken < WHILE:
        wanted = math.ceil(iterations * WHILE / max(taken, 1e-9))
        iterations = min(GROWTH * iterations, wanted)
        spent += (taken := timer(iterations))
    seconds: list[float] = []
    while len(seconds) < SAMPLES and (len(seconds) < LEAST or spent + taken <= limit):
        spent += (taken := timer(iterations))
        seconds.append(taken / iterations)
    return Sampled(seconds, iterations)
