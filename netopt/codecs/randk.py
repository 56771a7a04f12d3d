"""Random-k: coordinates that both ends draw, so that nobody has to say which they are."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from netopt.codecs import Bytes, Segment, Vector, _indices
from netopt.codecs._indices import Indices
from netopt.codecs._sparse import Count, Dtype, Fraction, Sparse, check_end, share
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.keys import BROADCAST, Key, Purpose


class RandK(Sparse):
    """Random-k: k coordinates drawn evenly without replacement, scaled by n / k; no index is sent.

    Both ends draw them from the frame's key. Unscaled it is a contraction and biased. A tenth of
    the coordinates is the usual choice. The receiver scales, so the wire holds the coordinates.
    ``indices: common`` draws them once a round for all senders and receivers: C is then linear over
    the agents (Avdiukhin and Yaroslavtsev 2021), and what they send adds up on k coordinates. As
    the errors of two senders are then no longer independent, averaging does not reduce them: a
    theory with omega / n, such as DCGD's and DIANA's, does not hold for it.
    """

    id = "randk"
    reference = "Stich, Cordonnier and Jaggi, Sparsified SGD with memory, NeurIPS 2018, def. 2.2"
    k: Count = None
    fraction: Fraction = 0.1
    unbiased: Annotated[  # type: ignore[misc]  # here it is the user's choice
        bool, Meta(description="whether the receiver scales by n / k")
    ] = True
    indices: Annotated[
        Literal["shared", "common", "sent"],
        Meta(description="drawn by both ends, by all alike, or sent too, to show what that costs"),
    ] = "shared"
    dtype: Dtype = "float32"

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return the run of k numbers; an index set of varying length may follow."""
        return (Segment("x", share(self.k, self.fraction, n), self.width(), self.dtype),)

    def nbits(self, n: int) -> int | None:
        """Return the bits of k numbers, or None if the indices are sent."""
        return super().nbits(n) if self.indices != "sent" else None

    def max_nbits(self, n: int) -> int:
        """Return the bits of k numbers and, if it is sent, of the longest index set."""
        numbers = share(self.k, self.fraction, n) * self.width()
        return numbers + (_indices.most_bits(n) if self.indices == "sent" else 0)

    def omega(self, n: int) -> float | None:
        """Return n / k - 1; None if the values are not scaled."""
        return n / share(self.k, self.fraction, n) - 1 if self.unbiased else None

    def cal_l(self, diagonal: Vector, top: float) -> float | None:
        """Return omega min(top, max_j L_jj n / (n - 1)), a bound that is derived here.

        The errors of two coordinates have covariance -omega / (n - 1), so the expectation is
        x' M x with M = omega (n Diag(L) - L) / (n - 1), and L is positive semidefinite. M is also
        L times, entry by entry, a positive semidefinite matrix whose diagonal is omega.
        """
        n = len(diagonal)
        omega = self.omega(n)
        if omega is None:
            return None
        return omega * min(top, float(diagonal.max()) * n / max(n - 1, 1))

    def contraction(self, n: int) -> float | None:
        """Return k / n if the values are not scaled, else as for every unbiased codec."""
        return super().contraction(n) if self.unbiased else share(self.k, self.fraction, n) / n

    def linear(self) -> bool:
        """Return whether the coordinates are common to all agents."""
        return self.indices == "common"

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write k coordinates; RangeError if x is not finite or one of them does not fit."""
        self.check(x)
        chosen = self._drawn(key, len(x), share(self.k, self.fraction, len(x)))
        values = x[chosen]
        bits = self.put_values(values, out)
        if not math.isfinite(packing.norm(values, "linf") * self._scale(len(x))):
            raise RangeError(
                f"randk: a coordinate of size {packing.norm(values, 'linf'):g} overflows when it "
                f"is scaled by n / k = {self._scale(len(x)):g}; use a smaller step size"
            )
        if self.indices == "sent":
            bits += _indices.put(chosen, len(x), out, bits // 8)
        return bits

    def read(self, payload: Bytes, n: int, key: Key) -> tuple[Indices, Vector]:
        """Return places and values, scaled; FrameError for a payload that is never sent."""
        k = share(self.k, self.fraction, n)
        if self.indices == "sent":
            chosen, values, bits = self.get_pair(payload, n, k)
        else:
            chosen = self._drawn(key, n, k)
            values, bits = self.get_values(payload, k), k * self.width()
        check_end(payload, bits)
        if not math.isfinite(packing.norm(values, "linf") * self._scale(n)):
            raise FrameError("a value overflows when it is scaled")
        values *= self._scale(n)
        return chosen, values

    def _drawn(self, key: Key, n: int, k: int) -> Indices:
        if self.indices == "common":  # only the round is left
            sender = BROADCAST ^ key.sender & 0xFFFF_0000  # the upper half is a tensor's number
            key = key._replace(exchange=0, sender=sender, receiver=BROADCAST, part=0)
        return drawn(key, n, k)

    def _scale(self, n: int) -> float:
        return n / max(1, share(self.k, self.fraction, n)) if self.unbiased else 1.0


def drawn(key: Key, n: int, k: int) -> Indices:
    """Return k of the indices below n, sorted, every set as likely: from the key's INDICES stream.

    They are the first k different numbers of a sequence that is uniform on 0..n-1, or all but the
    first n - k where those are fewer.
    """
    few = min(k, n - k)
    mask = np.zeros(n, bool)
    if few:
        mask[_different(key._replace(purpose=Purpose.INDICES), n, few)] = True
    return np.flatnonzero(mask if few == k else ~mask)


def _different(key: Key, n: int, k: int) -> Indices:
    """Return the first k different numbers of the sequence, k <= n / 2."""
    place, count = np.empty(n, np.intp), k + k // 2 + 16
    while True:
        numbers = _uniform(key.words(count), n)
        order = np.arange(len(numbers))
        place[numbers[::-1]] = order[::-1]  # of equal numbers, the first is written last
        found = numbers[place[numbers] == order]
        if len(found) >= k:
            return np.asarray(found[:k])
        count *= 2


def _uniform(words: NDArray[np.uint32], n: int) -> Indices:
    """Return words times n / 2^32, less those words that would favour some numbers.

    Lemire, *Fast random integer generation in an interval*, ACM TOMACS 29(1), 2019, algorithm 5.
    """
    product = words.astype(np.uint64) * np.uint64(n)
    low = product & np.uint64(0xFFFFFFFF)
    kept = low >= np.uint64(2**32 % n)
    return np.asarray((product[kept] >> np.uint64(32)).astype(np.intp))
