"""Fixed compute: every round takes a worker the same time."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from netopt import quantities
from netopt.compute import Compute, Meter, Thinker


class Fixed(Compute):
    """``seconds`` at the start of each round of an agent that has a share of the problem.

    A hub without a share takes no time.
    """

    id = "fixed"
    seconds: Annotated[float | int | str, Meta(description="seconds, or text such as 2 ms")] = (
        "1 ms"
    )

    def __post_init__(self) -> None:
        """Refuse text that is no time."""
        try:
            quantities.duration(self.seconds)
        except ValueError as error:
            raise ValueError(f"seconds: {error}") from None

    def meter(self, agent: Thinker, problem: Any) -> Meter:
        """Return a meter that charges each round once."""
        seconds = 0.0 if agent.shard is None else quantities.duration(self.seconds)
        return _PerRound(agent, seconds * self.factor(agent.rank))


class _PerRound(Meter):
    def __init__(self, agent: Thinker, seconds: float) -> None:
        self._agent, self._seconds, self._charged = agent, seconds, -1

    def end(self) -> float:
        """Charge a round where the agent first stops in it."""
        if self._charged == self._agent.round:
            return 0.0
        self._charged = self._agent.round
        return self._seconds
