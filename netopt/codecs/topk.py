"""Top-k: the largest coordinates and where they are."""

from __future__ import annotations

import numpy as np

from netopt.codecs import Bytes, Vector, _indices
from netopt.codecs._indices import Indices
from netopt.codecs._sparse import Count, Dtype, Fraction, Sparse, check_end, share
from netopt.keys import Key


class TopK(Sparse):
    """Top-k: the k coordinates of the largest size, of equal ones the first; biased, a contraction.

    A tenth of the coordinates is the usual choice in the literature on error feedback. The payload
    is k numbers and the index set in its shortest coding.
    """

    id = "topk"
    reference = "Stich, Cordonnier and Jaggi, Sparsified SGD with memory, NeurIPS 2018, def. 2.2"
    k: Count = None
    fraction: Fraction = 0.1
    dtype: Dtype = "float32"

    def nbits(self, n: int) -> None:
        """Return None: the bits of the index set depend on the data."""
        return None

    def max_nbits(self, n: int) -> int:
        """Return k numbers, a byte and n bits: the index set may always be a bitmap."""
        return share(self.k, self.fraction, n) * self.width() + _indices.most_bits(n)

    def contraction(self, n: int) -> float:
        """Return k / n: what is not sent is at most the mean share, as it is the smallest."""
        return share(self.k, self.fraction, n) / n

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write the k largest; RangeError if x is not finite or one of them does not fit."""
        self.check(x)
        chosen = largest(x, share(self.k, self.fraction, len(x)))
        return self.put_pair(x[chosen], chosen, len(x), out)

    def read(self, payload: Bytes, n: int, key: Key) -> tuple[Indices, Vector]:
        """Return places and values; FrameError for a payload that is never sent."""
        indices, values, bits = self.get_pair(payload, n, share(self.k, self.fraction, n))
        check_end(payload, bits)
        return indices, values


def largest(x: Vector, k: int) -> Indices:
    """Return the sorted indices of the k largest sizes, of equal ones the lowest; 0 <= k <= n.

    A partition gives the k-th largest size, which has one value however ties are broken.
    """
    if k in (0, len(x)):
        return np.arange(k)
    size = np.abs(x)
    least = np.partition(size, len(x) - k)[len(x) - k]
    chosen = size > least
    ties = np.flatnonzero(size == least)
    chosen[ties[: k - int(np.count_nonzero(chosen))]] = True
    return np.flatnonzero(chosen)
