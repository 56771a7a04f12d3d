"""Rates that decay at every iteration: the base of sample and hold, and its control experiment."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from netopt.schedules import Rates, Schedule


class Decaying(Schedule):
    """Decaying rates e(t) = c_e / (1 + r t^a) and g(t) = c_g / (1 + r t^b), new at every iteration.

    The defaults are those of QGD's toy experiment. 0.5 < a < b <= 1 lets the noise sum up finitely
    while the gradient steps do not.
    """

    id = "decaying"
    reference = "Bo and Wang, PNAS 121(17), 2024; Kar and Moura, 2009, for the two time scales"
    c_e: Annotated[float, Meta(ge=1e-9, le=1, description="c_e, mixing rate at t = 0")] = 1.0
    c_g: Annotated[float, Meta(ge=0, description="c_g, step size at t = 0")] = 1.0
    r: Annotated[float, Meta(ge=0, le=1e9, description="r, speed of the decay")] = 1.0
    a: Annotated[float, Meta(ge=0, le=10, description="a, exponent of the mixing rate")] = 0.62
    b: Annotated[float, Meta(ge=0, le=10, description="b, exponent of the step size")] = 0.94

    def rates(self, k: int) -> Rates:
        """Return e(k) and g(k)."""
        return Rates(self.c_e / (1 + self.r * k**self.a), self.c_g / (1 + self.r * k**self.b))
