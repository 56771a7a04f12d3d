"""An algorithm whose sender is soon far ahead of its receiver; loaded with --load."""

from __future__ import annotations

import time
from typing import Any

from netopt.agent import Agent, Exchange
from netopt.algorithms import Algorithm, Round
from netopt.topologies import Topology


class OneWay(Algorithm):
    """Agent 1 sends in each round, and agent 0 thinks for 5 ms about what it got."""

    id = "one-way"
    doubly_stochastic = False

    def traffic(self, topology: Topology) -> list[tuple[int, int, int]]:
        """Return the one frame of a round."""
        return [(1, 0, 0)]

    def round(self, s: Any, me: Agent) -> Round:
        """Send, or get and think."""
        if me.rank == 1:
            yield Exchange({0: me.encode("mix", s.x, to=0)})
            return
        yield Exchange(sources=(1,))
        began = time.thread_time()
        while time.thread_time() - began < 5e-3:
            pass
