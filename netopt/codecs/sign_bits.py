"""Signs and nothing else: one bit a coordinate, for votes."""

from __future__ import annotations

import numpy as np

from netopt.codecs import Bytes, Segment, Vector
from netopt.codecs._grid import GridCodec
from netopt.core import packing
from netopt.errors import FrameError
from netopt.keys import Key

_SCALE = np.frombuffer(np.array(1, "<f4").tobytes(), np.uint8)
"""The scale that the core's grid has in front of the signs: always 1, and so not sent."""


class SignBits(GridCodec):
    """Signs: 1 or -1 a coordinate, one bit and no scale; zero has the sign that its sign bit says.

    What signSGD sends and its majority vote answers. It says nothing of sizes, so it is neither
    unbiased nor a contraction; ``sign`` sends the mean size, too. A coordinate above 3.4e38 is
    refused, as by the codecs that send float32.
    """

    id = "sign-bits"
    reference = (
        "Bernstein, Wang, Azizzadenesheli and Anandkumar, signSGD: compressed optimisation for "
        "non-convex problems, ICML 2018"
    )

    def side(self, n: int) -> tuple[Segment, ...]:
        """Return nothing: there is no scale."""
        return ()

    def width(self) -> int:
        """Return 1."""
        return 1

    def origin(self, key: Key) -> float:
        """Return 1/2: zero lies half-way between the symbols."""
        return 0.5

    def grid(self) -> packing.Grid:
        """Return the grid of two points, -scale and scale."""
        return packing.Grid("sign", 1, 1.0, "linf", 0.0, 0, "nearest")

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write the signs; RangeError if x is not finite."""
        whole = self._whole(len(x))
        super().encode_into(x, key, whole)
        size = len(whole) - len(_SCALE)
        out[:size] = whole[len(_SCALE) :]
        return len(x)

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Add ``weight`` times the signs; errors as ``decode_into``."""
        whole = self._whole(len(out))
        if len(payload) != len(whole) - len(_SCALE):
            raise FrameError(
                f"sign-bits: {len(out)} signs take {len(whole) - len(_SCALE)} bytes, "
                f"got {len(payload)}"
            )
        whole[: len(_SCALE)] = _SCALE
        whole[len(_SCALE) :] = payload
        super().accumulate(whole, key, weight, out, first)

    def _whole(self, n: int) -> Bytes:
        """Return the array for scale and signs of n coordinates, kept from call to call."""
        size = len(_SCALE) + (n + 7) // 8
        kept: Bytes | None = self.__dict__.get("_kept")
        if kept is None or len(kept) != size:
            kept = self.__dict__["_kept"] = np.zeros(size, np.uint8)
        return kept
