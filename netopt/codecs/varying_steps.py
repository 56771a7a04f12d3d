"""Dithering with a step for each coordinate, fitted to the smoothness of what is sent."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from netopt.codecs import Tuning, Vector
from netopt.codecs._dither import (
    Coding,
    DitherCodec,
    Norm,
    as_sent,
    bound,
    check_budget,
    check_workers,
    diagonal_of,
    received,
    strong,
)
from netopt.codecs._grid import Stream
from netopt.errors import ConfigError

Steps = Annotated[
    Literal["smooth", "uniform"],
    Meta(description="h fitted to the smoothness matrix, or one h for all coordinates"),
]


class VaryingSteps(DitherCodec):
    """Varying steps: unbiased rounding of |x_j| / ||x|| to multiples of h_j; h_j > 1 is allowed.

    A message has at most ||h^(-1)|| = d / n non-zeros on average (norm l2). With ``steps`` smooth a
    worker fits h to the diagonal l of its smoothness matrix and sends it once: for DCGD+
    h_j = (n / d) sqrt(sum l / l_j), for DIANA+ the same of sqrt(1 + (l / (n mu))^2) instead of l.
    With uniform both ends take h_j = n / sqrt(d). Before a method has tuned the codec,
    h_j = 1 / floor(sqrt(d)).
    """

    id = "varying-steps"
    reference = "Wang, Safaryan and Richtarik, NeurIPS 2022, quantization with varying steps"
    steps: Steps = "smooth"
    norm: Norm = "linf"
    coding: Coding = "omega"
    stream: Stream = "fast"

    def spacing(self, n: int) -> Vector:
        """Return h: as tuned, or 1 / floor(sqrt(d)) for all coordinates."""
        found: Vector | None = self.__dict__.get("_bound_steps")
        if found is None:
            return np.array([1 / max(1, math.isqrt(n))])
        if len(found) not in (1, n):
            raise ConfigError(f"{self.id}: tuned to {len(found)} coordinates, got {n}")
        return found

    def max_nbits(self, n: int) -> int:
        """Return the bits of the largest payload; before tuning, of any that tuning can lead to.

        A level is below t + 1 with t = 1 / h, and ||t|| <= d. A number m takes 1 + 2 log2 m bits
        at most in gamma and two more in omega, and the mean of log2(t + 1) is largest where all t
        are sqrt(d).
        """
        if "_bound_steps" in self.__dict__:
            return super().max_nbits(n)
        each = 3 + 2 * math.log2(math.sqrt(n) + 1.001) + (2 if self.coding == "omega" else 0)
        return 32 + math.ceil(n * each)

    def tune(self, tuning: Tuning) -> Vector | None:
        """Return h of a worker, shape (d,), or None if it is uniform.

        Smooth steps make calL = ||Diag(L_i) h|| (aim 'dcgd') or omega^2 + (calL / (n mu))^2 with
        omega = ||h|| (aim 'diana') as small as the budget ||h^(-1)|| = d / n allows. Raises
        ConfigError without a positive diagonal or mu, and if n > sqrt(d).
        """
        if self.steps == "uniform":
            return None
        smooth = diagonal_of(self, tuning)
        check_workers(self, tuning.workers, len(smooth))
        a = smooth
        if tuning.aim == "diana":
            a = np.hypot(1.0, smooth / (tuning.workers * strong(self, tuning)))
        return as_sent(self, tuning.workers / len(smooth) * np.sqrt(a.sum() / a))

    def tuned(self, tuning: Tuning, d: int, parameters: Vector | None = None) -> VaryingSteps:
        """Return the codec with a worker's h, or with h = n / sqrt(d).

        Raises ConfigError if n > sqrt(d), FrameError for parameters that are not d steps of
        the budget ||h^(-1)|| = d / n.
        """
        check_workers(self, tuning.workers, d)
        if self.steps == "uniform":
            return bound(self, steps=np.array([tuning.workers / math.sqrt(d)]))
        steps = received(self, parameters, d)
        check_budget(self, float(np.linalg.norm(1 / steps)), d / tuning.workers)
        return bound(self, steps=steps)
