"""The random numbers of stochastic rounding once more, one word at a time in Python integers.

Written from the definition alone, for the streams of the core to be compared with; and a stream
that is known to be bad, for the statistical tests to be tested with.
"""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netopt.keys import Key

MASK = 0xFFFFFFFF


def philox4x32(key: Sequence[int], counter: Sequence[int]) -> list[int]:
    """Return the four words of Philox4x32-10 (Salmon et al., SC 2011)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        left, right = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [right >> 32 ^ c[1] ^ k[0], right & MASK, left >> 32 ^ c[3] ^ k[1], left & MASK]
        k = [k[0] + 0x9E3779B9 & MASK, k[1] + 0xBB67AE85 & MASK]
    return c


def mixed(t: int, a: int, b: int) -> int:
    """Return word ``t`` of a block of the stream ``fast`` whose key is (a, b)."""
    x = t * (b | 1) + a & MASK
    x ^= x >> 16
    x = x * 0x7FEB352D & MASK
    x ^= b
    x ^= x >> 15
    x = x * 0x846CA68B & MASK
    return x ^ x >> 16


def _philox(root: Sequence[int]) -> Iterator[int]:
    for i in count():
        for word in philox4x32(root[:2], (i & MASK, i >> 32, root[2], root[3])):
            yield word & 0xFFFF
            yield word >> 16


def _fast(root: Sequence[int]) -> Iterator[int]:
    for block in count():
        a, b, _, _ = philox4x32(root[:2], (block, 0x80000000, root[2], root[3]))
        for first in range(0, 2048, 16):
            words = [mixed(t, a, b) for t in range(first, first + 16)]
            yield from (word & 0xFFFF for word in words)
            yield from (word >> 16 for word in words)


def random16(key: Key, stream: str, n: int) -> np.ndarray:
    """Return the first ``n`` numbers of a stream, shape (n,) uint16."""
    root = [int(word) for word in key.words(4)]
    numbers = {"philox": _philox, "fast": _fast}[stream](root)
    return np.fromiter(islice(numbers, n), np.uint16, n)


def bad_rows(keys: np.ndarray, step: int) -> np.ndarray:
    """Return 32 numbers for each key, shape (len(keys), 32), of a hash with the raw key as its a.

    Consecutive keys then share their words at neighbouring places if ``step`` is 1.
    """
    x = keys.astype(np.uint32)[:, None] + np.arange(16, dtype=np.uint32) * np.uint32(step)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return np.concatenate([x & np.uint32(0xFFFF), x >> np.uint32(16)], axis=1).astype(np.uint16)
