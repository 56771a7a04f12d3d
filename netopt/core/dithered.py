"""Norm, dithering and Elias triples of a vector in one object: the specification of _dithered.c.

A payload is the norm, rounded up to a normal float32, and the triples of :mod:`netopt.core.codes`
for the levels of :mod:`netopt.core.steps`.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from netopt.core import codes, norms, steps
from netopt.keys import Key

NORMS = ("l1", "l2", "linf")
STREAMS = ("nearest", "fast", "philox")
TINY = 2.0**-126
"""The least scale: the smallest normal float32."""
LARGEST = float(np.finfo(np.float32).max)
_FLOAT = struct.Struct("<f")

Doubles = npt.NDArray[np.float64]


class Dither:
    """Dithering of vectors of ``n`` coordinates with 1 or n steps.

    ``inverse`` and ``steps`` are 1 / h and h, float64; ``norm`` and ``stream`` are places in
    ``NORMS`` and ``STREAMS``, ``code`` is 0 (omega) or 1 (gamma), ``largest`` the largest level
    that a payload may have. Raises ValueError for numbers of steps that do not fit.
    """

    def __init__(
        self,
        n: int,
        inverse: Doubles,
        steps: Doubles,
        norm: int,
        stream: int,
        code: int,
        largest: int,
        /,
    ) -> None:
        if len(inverse) not in (1, n) or len(steps) != len(inverse):
            raise ValueError(f"1 or {n} steps and as many inverses are needed")
        self._inverse, self._steps = inverse.copy(), steps.copy()
        self._norm, self._stream, self._code = NORMS[norm], STREAMS[stream], code
        self._largest = largest
        self._levels = np.zeros(n, np.int32)

    def encode(self, x: Doubles, out: Any, key: Key | None, /) -> int:
        """Write the payload of x, shape (n,); return its bits, or -1 if x cannot be sent."""
        norm = norms.norm(x, self._norm)
        if not norm <= LARGEST:
            return -1
        scale = scale_of(norm)
        try:
            steps.dither(x, self._inverse, inverse_of(scale), key, self._stream, self._levels)
            bits = codes.levels_put(self._levels, self._code, out, _FLOAT.size)
        except ValueError:
            return -1
        _FLOAT.pack_into(out, 0, scale)
        return 8 * _FLOAT.size + bits

    def decode(self, payload: Any, out: Doubles, weight: float, add: bool, /) -> bool:
        """Write or add ``weight`` times the values; return whether the payload is one."""
        if len(payload) < _FLOAT.size:
            return False
        (scale,) = _FLOAT.unpack_from(payload, 0)
        if not TINY <= scale <= LARGEST:
            return False
        try:
            codes.levels_get(payload, _FLOAT.size, self._code, self._largest, self._levels)
        except ValueError:
            return False
        steps.undither(self._levels, self._steps, scale, weight, out, add)
        return True


def scale_of(norm: float) -> float:
    """Return the least normal float32 that is not below a norm of at most the largest float32."""
    if norm <= TINY:
        return TINY
    fraction, power = math.frexp(norm)
    return math.ldexp(math.ceil(math.ldexp(fraction, 24)), power - 24)


def inverse_of(scale: float) -> float:
    """Return the largest number that does not multiply ``scale`` to more than 1."""
    found = 1.0 / scale
    return math.nextafter(found, 0.0) if scale * found > 1.0 else found
