"""QGD's schedule: decaying rates that are sampled at growing intervals and held in between."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Annotated, Literal

from msgspec import Meta

from netopt.schedules import Rates
from netopt.schedules.decaying import Decaying


class SampleAndHold(Decaying):
    """Sample and hold: rates decay up to t0, then stay constant between boundaries t_m.

    t_0 = t0 and t_{m+1} = t_m + ceil(c_k / e(t_m)), so the noise of a held stage has time to carry
    the iterate off a saddle. With ``evaluate_at: stage`` the rates of stage m are e and g at
    t0 + m instead of at t_m, as in the paper's neural network experiment. The defaults are those of
    the toy experiment, whose boundaries are 10, 26, 52, 90, 142, 210, ...
    """

    id = "sample-and-hold"
    reference = "Bo and Wang, Quantization avoids saddle points, PNAS 121(17), 2024"
    t0: Annotated[int, Meta(ge=0, description="t0, first iteration that is held")] = 10
    c_k: Annotated[
        float, Meta(gt=0, le=1e9, description="c_k, length of a stage times its mixing rate")
    ] = 3.0
    evaluate_at: Annotated[
        Literal["iteration", "stage"], Meta(description="what the held rates are evaluated at")
    ] = "iteration"

    def rates(self, k: int) -> Rates:
        """Return the rates at k up to t0, later those of the last boundary at or before k."""
        if k <= self.t0:
            return super().rates(k)
        stage = bisect_right(self.boundaries(k), k) - 1
        return super().rates(self._place(stage))

    def boundaries(self, last: int) -> list[int]:
        """Return the boundaries t_0, t_1, ... up to the first one after iteration ``last``."""
        known: list[int] = self.__dict__.setdefault("_boundaries", [self.t0])
        while known[-1] <= last:
            eps = super().rates(self._place(len(known) - 1)).eps
            known.append(known[-1] + math.ceil(self.c_k / eps))
        return known

    def _place(self, stage: int) -> int:
        """Return the argument at which the rates of a stage are evaluated."""
        if self.evaluate_at == "stage":
            return self.t0 + stage
        return int(self.__dict__["_boundaries"][stage])
