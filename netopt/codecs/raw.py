"""Raw floating point: the baseline that every compressed method is measured against."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Vector
from netopt.core.packing import norm
from netopt.errors import FrameError, RangeError
from netopt.keys import Key

WIRE: dict[str, np.dtype[Any]] = {
    "float64": np.dtype("<f8"),
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
}
BLOCK = 32_768
"""Coordinates that pass through all steps while they are in the cache."""

_WHOLE = (slice(None),)


class Raw(Codec):
    """Raw IEEE 754 numbers: 64, 32 or 16 bits a coordinate, rounded to nearest.

    float64 is the default because it is the identity: an algorithm then runs as its paper has it.
    """

    id = "raw"
    reference = "IEEE 754-2019"
    dtype: Annotated[
        Literal["float64", "float32", "float16"], Meta(description="number format on the wire")
    ] = "float64"

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return one run of n numbers."""
        return (Segment("x", n, 8 * WIRE[self.dtype].itemsize, self.dtype),)

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write x rounded to the wire format; RangeError if a coordinate overflows it."""
        wire = WIRE[self.dtype]
        view = out[: len(x) * wire.itemsize].view(wire)
        if self.dtype == "float64":
            finite = _copy(x, view)
        else:
            with np.errstate(over="ignore"):
                finite = _copy(x, view)
        if not finite:
            worst = float(np.max(np.abs(x)))
            raise RangeError(
                f"raw {self.dtype}: a coordinate of size {worst:g} does not fit (the largest is "
                f"{np.finfo(wire).max:g}); use a wider dtype or a smaller step size"
            )
        return 8 * int(view.nbytes)

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read the numbers back; FrameError if one is not finite, since none is ever sent."""
        values = self._values(payload, len(out))
        for here in _blocks(len(out)):
            np.copyto(out[here], self._checked(values[here]))

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Add ``weight`` times the numbers to ``out``; errors as ``decode_into``."""
        values = self._values(payload, len(out))
        work = self._work(min(len(out), BLOCK))
        for here in _blocks(len(out)):
            self._add(values[here], weight, out[here], first, work)

    def _add(self, values: Any, weight: float, out: Vector, first: bool, work: Vector) -> None:
        terms = out if first else work[: len(out)]
        if self.dtype == "float64":
            np.multiply(self._checked(values), weight, terms)
        else:  # widened before it is multiplied
            np.copyto(terms, self._checked(values))
            np.multiply(terms, weight, terms)
        if not first:
            np.add(out, terms, out)

    def _values(self, payload: Bytes, n: int) -> Any:
        wire = WIRE[self.dtype]
        return payload[: n * wire.itemsize].view(wire)

    def _checked(self, values: Any) -> Any:
        """Return values from the wire if they are finite; FrameError otherwise."""
        if not all_finite(values):
            raise FrameError(f"raw {self.dtype}: the payload holds NaN or infinity")
        return values


def _blocks(n: int) -> Iterable[slice]:
    if n <= BLOCK:
        return _WHOLE
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


def _copy(x: Vector, view: Any) -> bool:
    """Round x to the wire; return whether all that was written is finite."""
    fine = True
    for here in _blocks(len(x)):
        part = view[here]
        np.copyto(part, x[here], casting="same_kind")
        fine = fine and all_finite(part)
    return fine


def all_finite(x: Any) -> bool:
    """Return whether x, shape (n,), has neither NaN nor infinity; float64 without a copy."""
    try:
        return math.isfinite(norm(x, "linf"))
    except (BufferError, TypeError, ValueError):  # of another type, or not contiguous
        return bool(np.isfinite(x).all())
