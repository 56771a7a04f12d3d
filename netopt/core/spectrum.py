"""A spectrum whose bits do not depend on the processor."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import numpy.typing as npt


def logarithmic(kappa: float, count: int) -> npt.NDArray[np.float64]:
    """Return ``count`` numbers from 1 to ``kappa``, equally spaced on a logarithmic scale.

    Shape (count,), float64; a single number is 1. numpy's power has other last bits on other
    processors, so the ratio is taken in decimal arithmetic and then only multiplied.
    """
    if count < 2:
        return np.ones(count)
    with localcontext() as context:
        context.prec = 40
        ratio = float(Decimal(kappa) ** (1 / Decimal(count - 1)))
    values = np.full(count, ratio)
    values[0] = 1.0
    np.cumprod(values, out=values)
    values[-1] = kappa
    return values
