"""Buffers as the numpy side of the core takes them: checked as the extension checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from netopt.core.reference import Memory

Floats = NDArray[Any]


def view_of(buffer: Any, name: str) -> memoryview:
    """Return a C-contiguous view; TypeError for what is no buffer, ValueError for strides."""
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"{name} must be a buffer, got {type(buffer).__name__}") from None
    if not view.c_contiguous:
        raise ValueError(f"{name} must be C-contiguous")
    return view


def floats(buffer: Memory, name: str) -> Floats:
    """Return a vector of native float32 or float64, shape (n,); TypeError for another kind."""
    view = view_of(buffer, name)
    array = np.asarray(view).reshape(-1)
    if array.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"{name} must hold native float32 or float64, got format '{view.format}'")
    return array


def octets(buffer: Memory, name: str) -> NDArray[np.uint8]:
    """Return a buffer of bytes, shape (n,) uint8; TypeError for wider items."""
    view = view_of(buffer, name)
    if view.itemsize != 1:
        raise TypeError(f"{name} must hold bytes, got items of {view.itemsize} bytes")
    return np.asarray(view).reshape(-1).view(np.uint8)


def check_room(
    packed: NDArray[np.uint8], name: str, need: int, vector: Floats, other: str, writable: Floats
) -> None:
    """Raise ValueError for a side that is read-only, too small, or shares memory."""
    if not writable.flags.writeable:
        raise ValueError("out must be writable, got a read-only buffer")
    if len(packed) < need:
        raise ValueError(f"{name} needs {need} bytes, got {len(packed)}")
    if np.may_share_memory(packed[:need], vector):
        first, second = (other, name) if name == "out" else (name, other)
        raise ValueError(f"{first} and {second} must not overlap in memory")
