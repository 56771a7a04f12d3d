"""How often a point of ``bench link`` is measured: often where it is quick, within a time limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

SAMPLES, LEAST = 20, 3
"""Samples of a point, and those of one that has time for no more."""
BUDGET = 0.15
"""Seconds of all samples of a point whose iterations are quick."""
QUICK = 1e-3
"""Seconds of an iteration that is repeated before it is timed, so that all caches are warm."""
WARM = 20
"""Iterations that warm up, of those that are quick."""

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

    One iteration is always played, and ``LEAST`` samples after it; more of them, and several
    iterations in each, while that takes less than ``limit`` seconds.
    """
    estimate = timer(1)
    if estimate < QUICK * WARM:  # the first of all may be slow, and any may be held up
        estimate = min(timer(count) / count for count in (1, WARM, WARM))
    iterations = max(1, int(BUDGET / SAMPLES / max(estimate, 1e-9)))
    fit = int(limit / (iterations * max(estimate, 1e-9))) - 1
    count = min(SAMPLES, max(LEAST, fit))
    return Sampled([timer(iterations) / iterations for _ in range(count)], iterations)
