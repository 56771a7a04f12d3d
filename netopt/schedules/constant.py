"""The schedule that does not change."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from netopt.schedules import Rates, Schedule


class Constant(Schedule):
    """Constant rates; eps = 1 makes a QGD step a plain DGD step.

    A step is stable for alpha L < 2 - eps (1 - lambda_min(W)), so alpha = 0.03 is safe for
    smoothness L up to 10 on every graph. Rounding adds noise of eps sqrt(d) / (2 l) times ||x|| a
    round, which must stay below what the gradient takes away: eps = 0.02 does on all problems here.
    """

    id = "constant"
    eps: Annotated[float, Meta(gt=0, le=1, description="eps, mixing rate")] = 0.02
    alpha: Annotated[float, Meta(ge=0, description="alpha, step size")] = 0.03

    def rates(self, k: int) -> Rates:
        """Return the same pair for every k."""
        return Rates(self.eps, self.alpha)
