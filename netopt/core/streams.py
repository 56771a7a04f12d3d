"""The random 16-bit numbers of stochastic rounding in numpy: the executable specification.

A stream is named by a :class:`netopt.keys.Key`. Its root is the key's first four 32-bit words
k0..k3. ``philox`` and ``fast`` are two ways to go on from there; both can be read from any place
on, in any order, on any number of lanes. A coordinate rounds up if its place between two symbols,
in units of 2**-16, plus its number is at least 2**16: with probability exactly that place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netopt.keys import Key

Words = NDArray[np.uint32]
FAST_BLOCK = 4096
"""Coordinates that share a block key of the stream ``fast``."""
GROUP = 32
"""Coordinates that share 16 words of the stream ``fast``: first their low halves, then the high."""


def philox4x32(key: tuple[int, int], counters: Words) -> Words:
    """Return Philox4x32-10 of ``counters``, shape (n, 4) uint32, under ``key``; the same shape.

    Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC 2011.
    """
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    c0, c1, c2, c3 = counters.astype(np.uint64).T
    for _ in range(10):
        a, b = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (b >> half) ^ c1 ^ k0, b & low, (a >> half) ^ c3 ^ k1, a & low
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def random16(key: Key, stream: str, n: int) -> NDArray[np.uint16]:
    """Return the first ``n`` numbers of ``stream`` ('fast' or 'philox'), shape (n,) uint16.

    Raises ValueError for another stream.
    """
    if stream not in ("fast", "philox"):
        raise ValueError(f"stream must be 'fast' or 'philox', got {stream!r}")
    root = [int(word) for word in key.words(4)]
    return (_philox if stream == "philox" else _fast)(root, n)


def random16_into(key: Key, stream: str, out: Any, /) -> None:
    """Fill ``out``, a buffer of bytes, with native 16-bit numbers, as the extension does."""
    view = np.frombuffer(out, np.uint16)
    view[:] = random16(key, stream, len(view))


def _philox(root: list[int], n: int) -> NDArray[np.uint16]:
    """Block i, eight numbers, is Philox4x32-10 of (i, k2, k3) under (k0, k1), low halves first."""
    blocks = np.arange((n + 7) // 8, dtype=np.uint64)
    counters = np.empty((len(blocks), 4), np.uint32)
    counters[:, 0], counters[:, 1] = blocks & np.uint64(0xFFFFFFFF), blocks >> np.uint64(32)
    counters[:, 2:] = root[2:]
    words = philox4x32((root[0], root[1]), counters)
    return np.ascontiguousarray(words, "<u4").view("<u2").reshape(-1)[:n].astype(np.uint16)


def _fast(root: list[int], n: int) -> NDArray[np.uint16]:
    """Word t of a block hashes t (b | 1) + a, and b once more; (a, b) is the block's own Philox."""
    whole = -(-n // GROUP) * GROUP
    found = np.empty(whole, np.uint16)
    for start in range(0, whole, FAST_BLOCK):
        place = np.array([[start // FAST_BLOCK, 0x80000000, *root[2:]]], np.uint32)
        a, b = philox4x32((root[0], root[1]), place)[0, :2]
        count = min(FAST_BLOCK, whole - start)
        counter = np.arange(count // 2, dtype=np.uint32) * (b | np.uint32(1)) + a
        words = _mixed(counter, b).reshape(-1, GROUP // 2)
        halves = [words & np.uint32(0xFFFF), words >> np.uint32(16)]
        found[start : start + count] = np.concatenate(halves, axis=1).reshape(-1)
    return found[:n]


def _mixed(x: Words, b: Any) -> Words:
    """A finaliser of two multiplications; all arithmetic modulo 2**32."""
    x = x ^ x >> np.uint32(16)
    x = x * np.uint32(0x7FEB352D) ^ b
    x = x ^ x >> np.uint32(15)
    x = x * np.uint32(0x846CA68B)
    return np.asarray(x ^ x >> np.uint32(16))
