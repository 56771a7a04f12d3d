"""Compute by operations: a gradient takes as long as its floating-point operations."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from netopt.compute import Compute, Meter, Thinker


class Flops(Compute):
    """Operations of each gradient, as the problem counts them, divided by ``rate``.

    Encoding, decoding and sums are left out.
    """

    id = "flops"
    rate: Annotated[float, Meta(gt=0, description="floating-point operations a second")] = 1e9

    def meter(self, agent: Thinker, problem: Any) -> Meter:
        """Return a meter that counts the agent's gradients."""
        operations = 0.0 if agent.shard is None else float(problem.flops(agent.shard))
        return _Counter(agent, operations / self.rate * self.factor(agent.rank))


class _Counter(Meter):
    def __init__(self, agent: Thinker, seconds: float) -> None:
        self._agent, self._seconds, self._seen = agent, seconds, agent.gradients

    def begin(self) -> None:
        """Look at how many gradients the agent has taken so far."""
        self._seen = self._agent.gradients

    def end(self) -> float:
        return (self._agent.gradients - self._seen) * self._seconds
