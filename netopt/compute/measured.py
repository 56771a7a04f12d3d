"""Measured compute: the processor time that an agent really took, however busy the cores are."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from netopt.compute import Compute, Meter, Thinker


class Measured(Compute):
    """CPU time of the agent's thread, so that agents that share a core do not slow each other.

    It has what the agent computes: gradients, encoding, decoding, and not what it takes to look
    whether a frame has left. It differs from run to run.
    """

    id = "measured"
    modelled: ClassVar[bool] = False

    def meter(self, agent: Thinker, problem: Any) -> Meter:
        """Return a stop watch of processor time."""
        return _Watch(self.factor(agent.rank))


class _Watch(Meter):
    def __init__(self, factor: float) -> None:
        self._factor, self._since = factor, 0.0

    def begin(self) -> None:
        self._since = time.thread_time()

    def skip(self, seconds: float) -> None:
        self._since += seconds

    def end(self) -> float:
        return (time.thread_time() - self._since) * self._factor
