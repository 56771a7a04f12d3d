"""Codecs know how a vector becomes bits and back; they never see a frame, an edge or an agent.

A codec's payload is exactly the bits that its paper counts, zero-padded to a byte. Both ends hold
the same codec, and the key names the random stream that both can draw.
"""

from __future__ import annotations

import json
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from netopt.core import packing
from netopt.errors import FrameError
from netopt.keys import Key
from netopt.registry import Component

Vector = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]


class Segment(NamedTuple):
    """A run of equal fields in a payload: ``count`` values of ``bits`` bits, read as ``form``.

    ``form`` is 'float16', 'float32', 'float64' or 'symbol' (an unsigned integer).
    """

    name: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    bits: int
    form: str


class Tuning(NamedTuple):
    """What a codec that adapts to a problem is told about the vectors that one worker sends.

    ``workers`` is n, the number of workers; ``diagonal`` is that of the worker's smoothness matrix
    L_i, shape (d,) float64, or None for a method that does not precondition; ``mu`` is the strong
    convexity of F or None; ``aim`` is 'dcgd' (make calL small) or 'diana' (make omega^2 +
    (calL / (n mu))^2 small). Source: Wang, Safaryan and Richtarik, NeurIPS 2022.
    """

    workers: int
    diagonal: Vector | None = None
    mu: float | None = None
    aim: str = "diana"


class Codec(Component):
    """Base of every codec: give ``nbits``, ``encode_into``, ``decode_into`` and ``layout``.

    A codec whose quantizer depends on the problem also gives ``tune`` and ``tuned``; the theory of
    a method asks for ``omega``, ``cal_l``, ``contraction`` and ``covering``, where None means that
    there is no such constant.
    """

    kind: ClassVar[str] = "codec"
    package: ClassVar[str] = "netopt.codecs"
    unbiased: ClassVar[bool] = False
    """Whether the mean over keys of decode(encode(x)) is x for every x."""

    def nbits(self, n: int) -> int | None:
        """Return the exact payload bits of n coordinates, or None if they depend on the data."""
        return sum(part.count * part.bits for part in self.layout(n))

    def max_nbits(self, n: int) -> int:
        """Return the largest payload of n coordinates in bits; ``nbits`` where that is exact."""
        return self.nbits(n) or 0

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return the payload's fields in wire order for n coordinates."""
        raise TypeError(f"codec {self.id} does not describe its layout")

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write the payload of x, shape (n,) float64, to ``out`` (uint8); return its bits.

        ``out`` holds at least ``max_nbits(n)`` bits. Raises RangeError if x cannot be represented.
        """
        raise TypeError(f"codec {self.id} does not encode")

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Write the n = len(out) decoded coordinates to ``out``, float64.

        Raises FrameError if the payload is not one that ``encode_into`` can produce.
        """
        raise TypeError(f"codec {self.id} does not decode")

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Add ``weight`` times the decoded vector to ``out``, or write it there if it is ``first``.

        Errors as ``decode_into``; ``out`` is then unspecified.
        """
        if first:
            self.decode_into(payload, key, out)
            np.multiply(out, weight, out=out)
            return
        work = self._work(len(out))
        self.decode_into(payload, key, work)
        np.multiply(work, weight, out=work)
        np.add(out, work, out=out)

    def _work(self, n: int) -> Vector:
        """Return a work array for n coordinates, kept from call to call; never handed out."""
        kept: Vector | None = self.__dict__.get("_kept_work")
        if kept is None or len(kept) != n:
            kept = self.__dict__["_kept_work"] = np.empty(n)
        return kept

    def encode(self, x: Vector, key: Key) -> bytes:
        """Return the payload of x as bytes: ``encode_into`` for those who hold no buffer."""
        out = np.zeros(nbytes(self.max_nbits(len(x))), dtype=np.uint8)
        return out[: nbytes(self.encode_into(x, key, out))].tobytes()

    def decode(self, payload: bytes | Bytes, n: int, key: Key) -> Vector:
        """Return the n decoded coordinates of a payload; FrameError if its length is wrong."""
        data = np.frombuffer(payload, dtype=np.uint8)
        bits = self.nbits(n)
        if bits is not None and len(data) != nbytes(bits):
            raise FrameError(
                f"{self.id}: {n} coordinates need {nbytes(bits)} bytes, got {len(data)}"
            )
        out = np.empty(n)
        self.decode_into(data, key, out)
        return out

    def omega(self, n: int) -> float | None:
        """Return omega with E||Q(x) - x||^2 <= omega ||x||^2 for n coordinates, Q unbiased."""
        return None

    def cal_l(self, diagonal: Vector, top: float) -> float | None:
        """Return c with E||Q(x) - x||^2_L <= c ||x||^2, L of this ``diagonal`` and largest
        eigenvalue ``top``: Wang, Safaryan and Richtarik's calL(Q, L), or an upper bound of it.
        """
        omega = self.omega(len(diagonal))
        return None if omega is None else omega * top

    def contraction(self, n: int) -> float | None:
        """Return alpha in (0, 1] with E||C(x) - x||^2 <= (1 - alpha) ||x||^2 for n coordinates."""
        omega = self.omega(n)
        return None if omega is None or omega >= 1 else 1 - omega

    def linear(self) -> bool:
        """Return whether C(x) + C(y) = C(x + y) for all x and y of a round, whoever sends them.

        Up to what float32 rounds on the wire.
        """
        return False

    def covering(self, n: int) -> float | None:
        """Return the largest error ||Q(x) - x|| over the vectors with ||x|| <= 1 (Euclidean).

        For codecs with a range of their own, which both ends scale: Lin, Kostina and Hassibi's
        rho_n 2^(-R).
        """
        return None

    def tune(self, tuning: Tuning) -> Vector | None:
        """Return the parameters that fit a worker's vectors, float64 but exact in float32.

        They travel once, before the first round, as 32 bits each. None: there is nothing to send,
        and ``tuned`` needs only what both ends know. Raises ConfigError if it cannot be tuned.
        """
        return None

    def tuned(self, tuning: Tuning, d: int, parameters: Vector | None = None) -> Codec:
        """Return the codec for a worker's vectors of d coordinates; the same on both ends.

        ``parameters`` are those of ``tune``; ``tuning.diagonal`` is not looked at, since the
        receiver does not know it. Raises ConfigError if there is no such codec.
        """
        return self

    def shaped(self, sizes: tuple[int, ...]) -> Codec:
        """Return the codec for vectors made of tensors of these ``sizes``, which add up to d.

        Most codecs see one vector and return themselves. Raises ConfigError if they do not fit.
        """
        return self

    def fingerprint(self) -> int:
        """Return 16 bits that identify this codec and its options on the wire."""
        text = json.dumps(self.config(), sort_keys=True, separators=(",", ":"))
        return packing.crc32c(text.encode()) & 0xFFFF


def nbytes(bits: int) -> int:
    """Return the bytes that hold ``bits`` bits."""
    return (bits + 7) // 8
