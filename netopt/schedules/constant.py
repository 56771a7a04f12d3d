"""The schedule that does not change."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from netopt.schedules import Rates, Schedule


class Constant(Schedule):
    """Constant rates; the default eps = 1 makes a QGD step a plain DGD step.

    alpha = 0.1 is safe for problems of smoothness up to 10; see ``Problem.smoothness``.
    """

    id = "constant"
    eps: Annotated[float, Meta(gt=0, le=1, description="eps, mixing rate")] = 1.0
    alpha: Annotated[float, Meta(ge=0, description="alpha, step size")] = 0.1

    def rates(self, k: int) -> Rates:
        """Return the same pair for every k."""
        return Rates(self.eps, self.alpha)
