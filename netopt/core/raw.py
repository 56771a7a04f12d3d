"""Floating-point vectors on the wire in numpy: the executable specification of the C core's raw.c.

The wire is little-endian. Numbers that are not finite are found in the same pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netopt.core.buffers import check_room, floats, octets

if TYPE_CHECKING:
    from netopt.core.reference import Memory


def raw_put(x: Memory, bits: int, out: Memory, /) -> int:
    """Write x, shape (n,) float32 or float64, as numbers of ``bits`` bits; return their bytes.

    Numbers are rounded to nearest. Raises TypeError for buffers of another kind; ValueError for
    ``bits`` other than 32 and 64, an ``out`` that is too small, read-only or overlaps x, and if
    what was written is not finite; ``out`` is then unspecified.
    """
    wire = _wire(bits)
    vector, packed = floats(x, "x"), octets(out, "out")
    need = wire.itemsize * len(vector)
    check_room(packed, "out", need, vector, "x", writable=packed)
    with np.errstate(over="ignore"):
        numbers = vector.astype(wire)
    packed[:need] = numbers.view(np.uint8)
    if not np.isfinite(numbers).all():
        raise ValueError("a coordinate does not fit the wire")
    return need


def raw_add(payload: Memory, bits: int, out: Memory, weight: float, add: bool, /) -> int:
    """Write ``weight`` times the numbers of a payload to ``out``, or add them; return their bytes.

    ``out`` has shape (n,), float32 or float64; arithmetic is in float64 if either side is, else in
    float32. Raises as ``raw_put``, and ValueError if a number is not finite; ``out`` is then
    unspecified.
    """
    wire = _wire(bits)
    vector, stream = floats(out, "out"), octets(payload, "payload")
    need = wire.itemsize * len(vector)
    check_room(stream, "payload", need, vector, "out", writable=vector)
    kind = np.promote_types(wire.newbyteorder("="), vector.dtype)
    with np.errstate(invalid="ignore"):  # a signalling NaN of a hostile sender
        numbers = stream[:need].view(wire).astype(kind)
    if not np.isfinite(numbers).all():
        raise ValueError("the payload holds NaN or infinity")
    with np.errstate(over="ignore", invalid="ignore"):
        value = kind.type(weight) * numbers
        vector[...] = vector.astype(kind) + value if add else value
    return need


def _wire(bits: int) -> np.dtype[Any]:
    if bits not in (32, 64):
        raise ValueError(f"bits must be 32 or 64, got {bits}")
    return np.dtype("<f4" if bits == 32 else "<f8")
