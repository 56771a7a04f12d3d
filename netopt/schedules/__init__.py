"""Schedules know the two rates of a step: eps_k for mixing, alpha_k for the gradient."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from netopt.registry import Component


class Rates(NamedTuple):
    """The mixing rate eps and the step size alpha of one iteration (both dimensionless)."""

    eps: float
    alpha: float


class Schedule(Component):
    """Base of every schedule: a pure function of the iteration number."""

    kind: ClassVar[str] = "schedule"
    package: ClassVar[str] = "netopt.schedules"

    def rates(self, k: int) -> Rates:
        """Return eps_k and alpha_k of iteration k = 0, 1, 2, ..."""
        raise TypeError(f"schedule {self.id} does not define its rates")
