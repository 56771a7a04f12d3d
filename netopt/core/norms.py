"""Norms whose last bit does not depend on the machine.

A sum of floating-point numbers depends on its order, and BLAS chooses the order by processor. The
order here is fixed: 16 lanes, lane k taking coordinates k, k + 16, ..., then a tree over the lanes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LANES = 16


def l2(x: npt.NDArray[np.float64]) -> float:
    """Return the Euclidean norm of ``x``, shape (n,) float64; inf if a square overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.square(x)
        whole = len(x) - len(x) % LANES
        lanes = np.zeros(LANES)
        if whole:
            np.add.reduce(squares[:whole].reshape(-1, LANES), axis=0, out=lanes)
        lanes[: len(x) - whole] += squares[whole:]
        width = LANES
        while width > 1:
            width //= 2
            lanes[:width] += lanes[width : 2 * width]
        return float(np.sqrt(lanes[0]))
