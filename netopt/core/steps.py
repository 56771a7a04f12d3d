"""Dithering with a step for each coordinate in numpy: the executable specification of steps.c.

A coordinate is measured in its own step, y_j = (|x_j| factor) inverse_j, and rounded to a whole
level: up with probability y_j - floor(y_j), to within 2**-32, so that decoding is unbiased. Every
operation is rounded by itself. (Varying steps: Wang, Safaryan and Richtárik, NeurIPS 2022.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netopt.core import streams
from netopt.core.buffers import view_of
from netopt.core.codes import HIGHEST, integers
from netopt.keys import Key

if TYPE_CHECKING:
    from netopt.core.reference import Memory

Doubles = NDArray[np.float64]


def dither(
    x: Memory, inverse: Memory, factor: float, key: Key | None, stream: str, out: Memory, /
) -> int:
    """Write the levels of x, shape (n,) float64, to ``out``, (n,) int32; return the non-zeros.

    ``inverse``, shape (n,) or (1,) float64, holds the steps' inverses. ``stream`` is 'fast' or
    'philox': coordinate j rounds up if floor(2**32 (y_j - floor(y_j))) + u_j >= 2**32, where u_j is
    the numbers 2 j (low half) and 2 j + 1 of ``streams.random16``; or 'nearest': floor(y_j + 0.5).
    Raises TypeError for buffers of another kind; ValueError if they do not fit or overlap, a
    coordinate is not finite, or a level would be above 2**30; ``out`` is then unspecified.
    """
    vector, steps = _doubles(x, "x"), _doubles(inverse, "inverse")
    levels = integers(out, "out")
    n = len(vector)
    if len(levels) != n:
        raise ValueError(f"out must hold {n} levels, got {len(levels)}")
    _check_steps(steps, "inverse", n)
    _check_out(levels, {"x": vector, "inverse": steps})
    if stream not in ("nearest", "fast", "philox"):
        raise ValueError(f"stream must be 'nearest', 'fast' or 'philox', got {stream!r}")
    with np.errstate(over="ignore", invalid="ignore"):
        place = (np.abs(vector) * factor) * steps
    if not ((place >= 0.0) & (place <= HIGHEST)).all():
        _refuse(vector, place, steps, factor)
    if stream == "nearest":
        found = np.floor(place + 0.5)
    else:
        if not isinstance(key, Key):
            raise TypeError(f"key must be a netopt.keys.Key, got {type(key).__name__}")
        halves = streams.random16(key, stream, 2 * n).astype(np.int64)
        base = np.floor(place)
        fraction = np.floor((place - base) * 2.0**32).astype(np.int64)
        found = base + (fraction + (halves[0::2] | halves[1::2] << 16) >= 1 << 32)
    levels[:] = np.where(vector < 0.0, -found, found)
    return int(np.count_nonzero(levels))


def undither(
    levels: Memory, steps: Memory, scale: float, weight: float, out: Memory, add: bool, /
) -> None:
    """Write weight ((scale steps_j) levels_j) to ``out``, shape (n,) float64, or add it.

    ``levels`` has shape (n,) int32, ``steps`` (n,) or (1,) float64. Raises TypeError for buffers of
    another kind, ValueError if they do not fit or overlap.
    """
    numbers = integers(levels, "levels")
    spacing, vector = _doubles(steps, "steps"), _doubles(out, "out")
    n = len(numbers)
    if len(vector) != n:
        raise ValueError(f"out must hold {n} numbers, got {len(vector)}")
    _check_steps(spacing, "steps", n)
    _check_out(vector, {"levels": numbers, "steps": spacing})
    with np.errstate(over="ignore", invalid="ignore"):
        value = weight * ((scale * spacing) * numbers)
        vector[:] = vector + value if add else value


def _refuse(vector: Doubles, place: Doubles, steps: Doubles, factor: float) -> None:
    """Raise the ValueError of the first coordinate that has no level."""
    j = int(np.argmin((place >= 0.0) & (place <= HIGHEST)))
    inverse = steps[j if len(steps) > 1 else 0]
    if not np.isfinite(vector[j]):
        raise ValueError(f"x must be finite, got {float(vector[j])} at index {j}")
    if not place[j] >= 0.0:
        raise ValueError(
            "factor and inverse must be finite and not negative, "
            f"got {float(factor)} and {float(inverse)} at index {j}"
        )
    raise ValueError(f"a level must be at most {HIGHEST}, got {float(place[j])} at index {j}")


def _doubles(buffer: Memory, name: str) -> Doubles:
    view = view_of(buffer, name)
    array = np.asarray(view).reshape(-1)
    if array.dtype != np.float64:
        raise TypeError(f"{name} must hold native float64, got format '{view.format}'")
    return array


def _check_steps(steps: Doubles, name: str, n: int) -> None:
    if len(steps) not in (1, n):
        raise ValueError(f"{name} must hold 1 or {n} numbers, got {len(steps)}")


def _check_out(out: NDArray[np.generic], others: dict[str, NDArray[np.generic]]) -> None:
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only buffer")
    for name, other in others.items():
        if np.may_share_memory(out, other):
            raise ValueError(f"{name} and out must not overlap in memory")
