"""Fixed-width quantizers in numpy: the executable specification of the C core's ``Grid``.

A payload is the side information of all blocks (little-endian float32) and then the symbols of all
coordinates as one bit stream. Each operation is rounded by itself, in the arithmetic of the
coordinates: float32 if they are float32 and a symbol has at most 8 bits, else float64. So every
instruction set, and numpy, gives the same bits.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netopt.core import norms, streams
from netopt.core.buffers import Floats, check_room, floats, octets
from netopt.core.reference import pack_into, unpack_into
from netopt.keys import Key

if TYPE_CHECKING:
    from netopt.core.reference import Memory

LARGEST = float(np.finfo(np.float32).max)
LEAST_WIDTH = 2.0**-100
"""A range below this is taken for a point: its inverse would leave float32."""
KINDS, STREAMS = ("scaled", "range", "sign", "fixed"), ("nearest", "fast", "philox")


class Grid:
    """A fixed-width quantizer with its packer; bound once, then called with vectors.

    ``kind``: 'scaled', a scale a block, max(norm, floor) rounded up to float32, and the spacing
    scale / levels around zero; 'range', the least and the largest coordinate a block, rounded
    outwards to float32, and the spacing (high - low) / levels; 'sign', the mean size of a
    coordinate and one bit each; 'fixed', as scaled with the scale ``floor`` that both ends know and
    no side information. ``norm`` is 'l1', 'l2' or 'linf'. ``block`` is a multiple of 64
    coordinates, or 0 for the whole vector. ``stream`` is 'nearest', or the stream of random numbers
    by which coordinates between two symbols are rounded.

    Raises ValueError for numbers out of range.
    """

    def __init__(
        self,
        kind: str,
        bits: int,
        levels: float,
        norm: str,
        floor: float,
        block: int,
        stream: str,
        /,
    ) -> None:
        for name, word, known in (
            ("kind", kind, KINDS), ("norm", norm, norms.KINDS), ("stream", stream, STREAMS),
        ):  # fmt: skip
            if word not in known:
                raise ValueError(f"{name} must be one of the core's words, got {word!r}")
        least = {"fixed": 1e-290, "scaled": 1e-30}.get(kind, 0.0)
        if not 1 <= bits <= 32 or (kind == "sign" and bits != 1):
            raise ValueError("bits must be 1..32, and 1 for signs")
        if not 0.0 < levels <= 2.0**32:
            raise ValueError("levels must be above 0 and at most 2**32")
        if not least <= floor <= 1e300:
            raise ValueError(
                "floor must be a number from 1e-30 (scaled) or 1e-290 (fixed) to 1e300"
            )
        if block < 0 or block % 64:
            raise ValueError("block must be 0 or a multiple of 64")
        self._kind, self._bits, self._levels, self._norm = kind, bits, float(levels), norm
        self._floor, self._block, self._stream = float(floor), block, stream
        self._side = {"fixed": 0, "range": 2}.get(kind, 1)

    def nbytes(self, n: int, /) -> int:
        """Return the bytes of the payload of ``n`` coordinates."""
        if n < 0:
            raise ValueError(f"n must not be negative, got {n}")
        return 4 * self._side * len(self._blocks(n)) + (n * self._bits + 7) // 8

    def encode(self, x: Memory, out: Memory, origin: float, top: int, key: Key | None, /) -> int:
        """Write the payload of x, shape (n,) float32 or float64, to ``out``; return its bytes.

        Symbol ``origin`` (maybe a half integer) means zero, ``top`` is the largest symbol; ``key``
        names the random stream, None for 'nearest'.

        Raises TypeError for buffers of another kind; ValueError for an ``out`` that is too small,
        read-only or overlaps x, and for a vector that the grid cannot hold: NaN, infinity, a norm
        beyond float32, a coordinate outside a fixed range. ``out`` is then unspecified.
        """
        vector, packed = floats(x, "x"), octets(out, "out")
        top = self._top(top)
        need = self.nbytes(len(vector))
        check_room(packed, "out", need, vector, "x", writable=packed)
        random = self._random(key, len(vector))
        blocks = self._blocks(len(vector))
        side = np.zeros((len(blocks), self._side), "<f4")
        symbols = np.zeros(len(vector), np.uint8 if self._bits <= 8 else np.uint32)
        for b, part in enumerate(blocks):
            symbols[part] = self._quantize(vector[part], random, part, side[b], origin, top, b)
        packed[: side.nbytes] = side.reshape(-1).view(np.uint8)
        pack_into(symbols, self._bits, packed, side.nbytes)
        return need

    def decode(
        self,
        payload: Memory,
        out: Memory,
        origin: float,
        top: int,
        weight: float = 1.0,
        add: bool = False,
        /,
    ) -> int:
        """Write ``weight`` times the decoded vector to ``out``, or add it; return the bytes read.

        ``out`` has shape (n,), float32 or float64. Raises TypeError for buffers of another kind;
        ValueError for a ``payload`` that is too short, or one that ``encode`` never writes (a scale
        that is none, a symbol above ``top``, pad bits that are not zero); ``out`` is then
        unspecified.
        """
        stream, vector = octets(payload, "payload"), floats(out, "out")
        top = self._top(top)
        need = self.nbytes(len(vector))
        check_room(stream, "payload", need, vector, "out", writable=vector)
        blocks = self._blocks(len(vector))
        head = 4 * self._side * len(blocks)
        symbols = np.zeros(len(vector), np.uint8 if self._bits <= 8 else np.uint32)
        pads = -len(vector) * self._bits % 8
        if pads and (got := stream[need - 1] >> (8 - pads)):
            raise ValueError(f"{self._place(0)}the pad bits must be zero, got {got}")
        unpack_into(stream, self._bits, symbols, head)
        side = stream[:head].view("<f4").reshape(len(blocks), self._side)
        for b, part in enumerate(blocks):
            self._dequantize(symbols[part], vector[part], side[b], origin, top, weight, add, b)
        return need

    # ---- one block ----

    def _quantize(
        self,
        x: Floats,
        random: NDArray[np.uint16],
        part: slice,
        side: Floats,
        origin: float,
        top: int,
        b: int,
    ) -> NDArray[Any]:
        lo, width, limit = self._measure(x, side, b)
        if self._kind == "sign":
            return ~np.signbit(x)
        kind = self._arithmetic(x.dtype)
        unit = 1.0 if self._stream == "nearest" else 65536.0
        mult = self._factor(width, unit * self._levels, kind)
        zero = 0.0 if self._kind == "range" else origin
        with np.errstate(all="ignore"):
            place = (x.astype(kind) - kind(lo)) * kind(mult)
            if self._stream == "nearest":
                cell = np.floor(place + kind(zero + 0.5))
                inside = (np.abs(x) <= limit) & (cell >= 0)
                cell = np.minimum(cell, kind(top))
            else:
                fixed = np.rint(place + kind(unit * zero))
                inside = (fixed >= -65536.0) & (fixed < 2.0**50)
                cell = np.where(inside, fixed, 0).astype(np.int64) + random[part] >> 16
                inside &= (cell >= 0) & (cell <= top)
        if not inside.all():
            outside = "a coordinate is outside the grid"
            changed = "the vector changed while it was encoded"
            raise ValueError(self._place(b) + (outside if self._kind == "fixed" else changed))
        return np.asarray(cell)

    def _measure(self, x: Floats, side: Floats, b: int) -> tuple[float, float, float]:
        """Write a block's side information; return its grid's low end, width and limit."""
        if self._kind == "range":
            return self._measure_range(x, side, b)
        if self._kind == "fixed":
            whole = self._arithmetic(x.dtype) is np.float64
            limit = self._floor if whole else -float(_rounded_up(-self._floor))
            return 0.0, limit, limit
        value = norms.norm(x, "l1" if self._kind == "sign" else self._norm)
        if self._kind == "sign":
            with np.errstate(over="ignore"):
                scale = np.float32(value / len(x) if len(x) else 0.0)
        else:
            scale = _rounded_up(value if value > self._floor else self._floor)
        if value != value or not scale <= LARGEST:
            raise ValueError(
                f"{self._place(b)}a vector of norm {value:g} has no float32 scale "
                "(the largest is 3.40282e+38)"
            )
        side[0] = scale
        return 0.0, float(scale), float("inf")

    def _measure_range(self, x: Floats, side: Floats, b: int) -> tuple[float, float, float]:
        least, largest = norms.extremes(x) if len(x) else (0.0, 0.0)
        low, high = -_rounded_up(-least), _rounded_up(largest)
        with np.errstate(all="ignore"):
            fits = high - low <= LARGEST
        if not fits:
            reach = least if least == least and -least > largest else largest
            raise ValueError(
                f"{self._place(b)}a vector that reaches {reach:g} has no float32 range "
                "(the largest is 3.40282e+38)"
            )
        side[:] = low, high
        return float(low), float(high) - float(low), float("inf")

    def _dequantize(
        self,
        symbols: NDArray[Any],
        y: Floats,
        side: Floats,
        origin: float,
        top: int,
        weight: float,
        add: bool,
        b: int,
    ) -> None:
        lo, zero, delta = self._receive(side, origin, b)
        kind = self._arithmetic(y.dtype)
        with np.errstate(all="ignore"):
            value = (symbols.astype(kind) - kind(zero)) * kind(delta) + kind(lo)
            value *= kind(weight)
            y[...] = y.astype(kind) + value if add else value
        largest = int(symbols.max(initial=0))
        if largest > top:
            raise ValueError(f"{self._place(b)}symbol {largest} where {top} is the largest")

    def _receive(self, side: Floats, origin: float, b: int) -> tuple[float, float, float]:
        """Return a block's low end, the symbol that means it, and the spacing."""
        if self._kind == "range":
            low, high = side
            with np.errstate(all="ignore"):
                good = low >= -LARGEST and low <= high and high - low <= LARGEST
            if not good:
                raise ValueError(
                    f"{self._place(b)}a range that ends at {high:g} is never sent "
                    "(finite, and not empty)"
                )
            return float(low), 0.0, (float(high) - float(low)) / self._levels
        scale = self._floor if self._kind == "fixed" else float(side[0])
        if self._kind != "fixed" and not self._floor <= scale <= LARGEST:
            raise ValueError(
                f"{self._place(b)}{scale:.9g} is not a scale (finite, at least {self._floor:g})"
            )
        return 0.0, origin, 2.0 * scale if self._kind == "sign" else scale / self._levels

    # ---- details ----

    def _arithmetic(self, dtype: Any) -> Any:
        return np.float32 if dtype == np.float32 and self._bits <= 8 else np.float64

    def _factor(self, width: float, steps: float, kind: Any) -> float:
        """The largest factor by which ``width`` does not exceed ``steps`` after rounding.

        Then no coordinate within the width leaves the grid by a rounding error.
        """
        if self._kind == "range" and width < LEAST_WIDTH:
            return 0.0
        with np.errstate(over="ignore"):
            found = kind(steps / width)
            while kind(width) * found > kind(steps):
                found = np.nextafter(found, kind(0))
        return float(found)

    def _random(self, key: Key | None, n: int) -> NDArray[np.uint16]:
        if self._stream == "nearest":
            return np.zeros(0, np.uint16)
        if not isinstance(key, Key):
            raise TypeError(f"key must be a netopt.keys.Key, got {type(key).__name__}")
        return streams.random16(key, self._stream, n)

    def _blocks(self, n: int) -> list[slice]:
        each = self._block or max(n, 1)
        return [slice(start, min(start + each, n)) for start in range(0, max(n, 1), each)]

    def _place(self, b: int) -> str:
        return f"block {b}: " if self._block else ""

    def _top(self, top: int) -> int:
        top, most = operator.index(top), (1 << self._bits) - 1
        if not 0 <= top <= most:
            raise ValueError(f"top must be 0..{most} for {self._bits} bits, got {top}")
        return top


def _rounded_up(value: float) -> np.float32:
    """Return the least float32 that is not below ``value``; inf if there is none."""
    with np.errstate(over="ignore"):
        near: np.float32 = np.float32(value)
    return np.nextafter(near, np.float32(np.inf)) if float(near) < value else near
