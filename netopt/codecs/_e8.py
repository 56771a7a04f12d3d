"""The lattice E8: its basis, and the nearest of its points to many vectors at once.

E8 is the integer vectors with an even sum, and the same shifted by (1/2, ..., 1/2). Packing radius
1/sqrt(2), covering radius 1. Source: Conway and Sloane, Sphere Packings, Lattices and Groups,
chapters 4.8 and 20.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DIMENSION = 8
UNIT = 2.0**24
"""Vectors are first rounded to multiples of 1 / UNIT. Squared distances are then exact, so the
nearest point is the same on every machine, whatever the order in which a sum is taken."""
SHIFTS = np.array([[[0.0]], [[0.5]]])


def basis() -> Floats:
    """Return a basis, one vector a row, shape (8, 8), exact in float64; its determinant is 1."""
    rows = np.eye(DIMENSION) - np.eye(DIMENSION, k=-1)
    rows[0, 0] = 2.0
    rows[7] = 0.5
    return rows


def nearest(y: Floats) -> Floats:
    """Return the point of E8 nearest to each row of y, shape (m, 8), |y_ij| < 2^28.

    Of points that are equally near, always the same.
    """
    shifted = np.rint(y * UNIT)
    shifted = shifted / UNIT - SHIFTS
    points = np.rint(shifted)
    off = shifted - points
    _make_even(points, off)
    np.subtract(shifted, points, out=off)
    np.multiply(off, off, out=off)
    distance = off.sum(axis=2)
    points[1] += 0.5
    found: Floats = np.where((distance[0] <= distance[1])[:, None], points[0], points[1])
    return found


def _make_even(points: Floats, off: Floats) -> None:
    """Move a coordinate of each point with an odd sum to the other side of ``off``: the coordinate
    where that costs least. The last axis is the point.
    """
    total = points.sum(axis=-1).reshape(-1)
    odd = np.flatnonzero(total - 2 * np.floor(0.5 * total))
    rows = off.reshape(-1, DIMENSION)[odd]
    places = odd * DIMENSION + np.abs(rows).argmax(axis=1)
    points.reshape(-1)[places] += np.copysign(1.0, off.reshape(-1)[places])
