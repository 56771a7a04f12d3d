"""Raw floating point: the baseline that every compressed method is measured against."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Vector
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import Key

WIRE: dict[str, np.dtype[Any]] = {
    "float64": np.dtype("<f8"),
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
}


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

    def omega(self, n: int) -> float | None:
        """Return 0 for float64, 2^-48 for float32, and None for float16.

        float32 rounds to nearest, off by up to 2^-24 of a coordinate that is at least 1e-38: it is
        unbiased only up to that. Half precision has no bound below 6e-5.
        """
        return {"float64": 0.0, "float32": 2.0**-48}.get(self.dtype)

    def linear(self) -> bool:
        """Return whether the numbers are float64 or float32."""
        return self.dtype != "float16"

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write x rounded to the wire format; RangeError if a coordinate overflows it."""
        wire = WIRE[self.dtype]
        try:
            if wire.itemsize == 2:
                return 8 * _put_half(x, out)
            return 8 * packing.raw_put(x, 8 * wire.itemsize, out)
        except ValueError:
            worst = packing.norm(x, "linf")
            raise RangeError(
                f"raw {self.dtype}: a coordinate of size {worst:g} does not fit (the largest is "
                f"{np.finfo(wire).max:g}); use a wider dtype or a smaller step size"
            ) from None

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read the numbers back; FrameError if one is not finite, since none is ever sent."""
        self.accumulate(payload, key, 1.0, out, True)

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Add ``weight`` times the numbers to ``out``; errors as ``decode_into``."""
        size = WIRE[self.dtype].itemsize
        if size == 2:  # the core knows no halves: widened, they are float32
            payload = payload[: 2 * len(out)].view("<f2").astype("<f4").view(np.uint8)
            size = 4
        try:
            packing.raw_add(payload, 8 * size, out, weight, not first)
        except ValueError:
            raise FrameError(f"raw {self.dtype}: the payload holds NaN or infinity") from None


def _put_half(x: Vector, out: Bytes) -> int:
    """Write x in half precision; return the bytes. ValueError if a coordinate overflows it."""
    with np.errstate(over="ignore"):
        numbers = np.asarray(x, dtype="<f2")
    if not np.isfinite(numbers).all():
        raise ValueError("a coordinate does not fit the wire")
    out[: numbers.nbytes] = numbers.view(np.uint8)
    return numbers.nbytes
