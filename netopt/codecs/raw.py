"""Raw floating point: the baseline that every compressed method is measured against."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Vector
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

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write x rounded to the wire format; RangeError if a coordinate overflows it."""
        wire = WIRE[self.dtype]
        view = out[: len(x) * wire.itemsize].view(wire)
        with np.errstate(over="ignore"):
            view[:] = x
        if not np.isfinite(view).all():
            worst = float(np.max(np.abs(x)))
            raise RangeError(
                f"raw {self.dtype}: a coordinate of size {worst:g} does not fit (the largest is "
                f"{np.finfo(wire).max:g}); use a wider dtype or a smaller step size"
            )
        return 8 * int(view.nbytes)

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read the numbers back; FrameError if one is not finite, since none is ever sent."""
        view = payload[: len(out) * WIRE[self.dtype].itemsize].view(WIRE[self.dtype])
        if not np.isfinite(view).all():
            raise FrameError(f"raw {self.dtype}: the payload holds NaN or infinity")
        out[:] = view
