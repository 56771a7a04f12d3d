"""Norms and extremes whose last bit does not depend on the machine: the executable specification.

A sum of floating-point numbers depends on its order, and BLAS chooses the order by processor. The
order here is fixed: 16 lanes, lane k taking coordinates k, k + 16, ..., then a tree over the lanes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

LANES = 16
BLOCK = 2**15
"""Coordinates that are looked at together: a multiple of the lanes."""
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
            largest = [np.max(np.abs(block)) for block in _blocks(x)]
            return float(np.max(largest, initial=0.0))
        return _sum(x, np.abs) if kind == "l1" else float(np.sqrt(_sum(x, np.square)))


def l2(x: npt.NDArray[np.float64]) -> float:
    """Return the Euclidean norm of ``x``, shape (n,) float64; inf if a square overflows."""
    return norm(x, "l2")


def extremes(x: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the least and the largest coordinate of ``x``, shape (n,), n > 0; NaN if one is.

    A zero among them is a positive one.
    """
    return float(x.min()) + 0.0, float(x.max()) + 0.0


def _blocks(x: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Yield x in blocks, so that what is computed of one needs little memory."""
    for start in range(0, len(x), BLOCK):
        yield x[start : start + BLOCK]


def _sum(x: npt.NDArray[Any], term: Any) -> float:
    """Return the sum of ``term`` of x, in float64."""
    lanes = np.zeros(LANES)
    for block in _blocks(x):
        terms = term(np.asarray(block, dtype=np.float64))
        whole = len(terms) - len(terms) % LANES
        if whole:
            rows = terms[:whole].reshape(-1, LANES)
            rows[0] += lanes  # the rows before are added first
            np.add.reduce(rows, axis=0, out=lanes)
        lanes[: len(terms) - whole] += terms[whole:]
    width = LANES
    while width > 1:
        width //= 2
        lanes[:width] += lanes[width : 2 * width]
    return float(lanes[0])
