"""Compute models know how long an agent thinks between two exchanges, for the virtual clock.

A model makes a meter for every agent. One model a file; a slow agent is one with a factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Protocol

from msgspec import Meta

from netopt.errors import ConfigError
from netopt.registry import Component

Factors = Annotated[
    dict[int, float] | list[float] | float,
    Meta(description="times slower: a number for all, a list, or a mapping from agents to numbers"),
]


class Thinker(Protocol):
    """What a meter sees of an agent."""

    rank: int
    round: int
    shard: int | None
    gradients: int


class Meter:
    """Measures or models one agent's compute time, in seconds: give ``end``."""

    def begin(self) -> None:
        """Say that the agent begins to compute."""

    def skip(self, seconds: float) -> None:
        """Say that so much of its processor's time was a wait; modelled time has none in it."""

    def end(self) -> float:
        """Return the seconds that it has computed since ``begin``."""
        raise TypeError(f"{type(self).__name__} does not say how long an agent has computed")


class Compute(Component, kw_only=True):
    """Base of every model: give ``meter``. ``modelled`` says whether time is the same in every run.

    ``slowdown`` multiplies an agent's time: 10 makes a straggler of it.
    """

    kind: ClassVar[str] = "compute"
    package: ClassVar[str] = "netopt.compute"
    modelled: ClassVar[bool] = True
    slowdown: Factors = 1.0

    def meter(self, agent: Thinker, problem: Any) -> Meter:
        """Return the meter of one agent."""
        raise TypeError(f"the compute model {self.id} does not define a meter")

    def factor(self, rank: int) -> float:
        """Return by how much an agent is slower."""
        if isinstance(self.slowdown, Mapping):
            return float(self.slowdown.get(rank, 1.0))
        return float(self.slowdown[rank] if isinstance(self.slowdown, list) else self.slowdown)

    def check(self, agents: int, path: str = "$.network.compute") -> None:
        """Raise ConfigError unless every factor is one of an agent's, finite and not negative."""
        slow = self.slowdown
        place = f"{path}.slowdown"
        if isinstance(slow, list) and len(slow) != agents:
            raise ConfigError(f"{len(slow)} factors for {agents} agents; give one for each", place)
        for name in slow if isinstance(slow, Mapping) else ():
            if not 0 <= name < agents:
                raise ConfigError(f"expected an agent, 0 to {agents - 1}, got {name!r}", place)
        for rank in range(agents):
            if not 0 <= self.factor(rank) < math.inf:
                raise ConfigError(
                    f"agent {rank} cannot be {self.factor(rank):g} times slower; 1 is as fast as "
                    "the others, 10 is a straggler",
                    place,
                )
