"""Where a codec's line crosses that of plain numbers: seconds of a message over the link's rate.

A message takes own + bits / rate seconds, own being what both ends compute. Two such lines cross
once at most, where rate = (bits saved) / (seconds more).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles
from typing import NamedTuple


class Parts(NamedTuple):
    """What a message takes on any link: seconds at both ends, and the frame's bits."""

    encode: float
    decode: float
    bits: float

    @property
    def own(self) -> float:
        """Return the seconds that have nothing to do with the link."""
        return self.encode + self.decode

    def seconds(self, rate: float) -> float:
        """Return the seconds of a message over a link of ``rate`` bit/s."""
        return self.own + self.bits / rate


class Verdict(NamedTuple):
    """On which links a codec pays: 'below' or 'above' ``rate`` (bit/s), 'always' or 'never'.

    Below infinity is always, below 0 never.
    """

    pays: str
    rate: float | None = None


def verdict(saved: float, slower: float) -> Verdict:
    """Return on which links a codec pays that saves bits and is ``slower`` by so many seconds.

    Both may be negative: a codec that needs more bits and less time pays on quick links.

    >>> verdict(1e6, 1e-3)
    Verdict(pays='below', rate=1000000000.0)
    """
    if saved > 0:
        return Verdict("below", saved / slower) if slower > 0 else Verdict("always")
    if slower >= 0:
        return Verdict("never")
    return Verdict("above", saved / slower) if saved < 0 else Verdict("always")


def compared(codec: Parts, plain: Parts) -> Verdict:
    """Return on which links ``codec`` takes less time than ``plain``."""
    return verdict(plain.bits - codec.bits, codec.own - plain.own)


def spread(codec: Parts, plain: Parts, slower: Sequence[float]) -> tuple[Verdict, Verdict]:
    """Return the verdicts at the quartiles of what turns differ, that of the quickest first.

    They are put around the difference of ``codec`` and ``plain``, which are medians themselves.
    """
    many = slower if len(slower) > 1 else [*slower, *slower]
    low, middle, high = quantiles(many, n=4, method="inclusive")
    saved, mean = plain.bits - codec.bits, codec.own - plain.own
    return verdict(saved, mean + low - middle), verdict(saved, mean + high - middle)
