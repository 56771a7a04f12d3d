"""Norms and extremes whose last bit does not depend on the machine: the executable specification.

A sum of floating-point numbers depends on its order, and BLAS chooses the order by processor. The
order here is fixed: 16 lanes, lane k taking coordinates k, k + 16, ..., then a tree over the lanes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LANES = 16
KINDS = ("l1", "l2", "linf")


def norm(x: npt.NDArray[Any], kind: str) -> float:
    """Return the l1, l2 or linf norm of ``x``, shape (n,) float32 or float64, in float64.

    NaN if a coordinate is; inf if a coordinate is, or a square overflows. Raises ValueError for
    another ``kind``.
    """
    if kind not in KINDS:
        raise ValueError(f"norm must be one of the core's words, got {kind!r}")
    with np.errstate(over="ignore", invalid="ignore"):
        if kind == "linf":
            return float(np.max(np.abs(x), initial=0.0))
        wide = np.asarray(x, dtype=np.float64)
        return _sum(np.abs(wide)) if kind == "l1" else float(np.sqrt(_sum(np.square(wide))))


def l2(x: npt.NDArray[np.float64]) -> float:
    """Return the Euclidean norm of ``x``, shape (n,) float64; inf if a square overflows."""
    return norm(x, "l2")


def extremes(x: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the least and the largest coordinate of ``x``, shape (n,), n > 0; NaN if one is.

    A zero among them is a positive one.
    """
    return float(x.min()) + 0.0, float(x.max()) + 0.0


def _sum(terms: npt.NDArray[np.float64]) -> float:
    whole = len(terms) - len(terms) % LANES
    lanes = np.zeros(LANES)
    if whole:
        np.add.reduce(terms[:whole].reshape(-1, LANES), axis=0, out=lanes)
    lanes[: len(terms) - whole] += terms[whole:]
    width = LANES
    while width > 1:
        width //= 2
        lanes[:width] += lanes[width : 2 * width]
    return float(lanes[0])
