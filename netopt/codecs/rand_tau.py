"""Rand-tau: each coordinate by a chance of its own, which may follow the problem's smoothness."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from netopt.codecs import Bytes, Tuning, Vector, _indices, nbytes
from netopt.codecs._indices import Indices
from netopt.codecs._sparse import Dtype, Sparse, check_end
from netopt.errors import ConfigError, FrameError
from netopt.keys import Key

UNIT = 2.0**-32
"""A probability is a multiple of this, so that a 32-bit word draws it exactly."""


class RandTau(Sparse):
    """Rand-tau: coordinate j is sent with probability p_j as x_j / p_j; tau are expected.

    Untuned, p = tau / d, with a quarter of the coordinates for tau unless it is given. Tuned, tau
    is floor(d / n) for n workers, and smooth probabilities are a_j / (a_j + rho) with a_j = L_jj /
    (n mu) + 1 for DIANA+ (which makes omega + calL / (n mu) small) and a_j = L_jj for DCGD+ (calL;
    derived here). The payload is how many are sent, x_j / p_j of each, and the index set in its
    shortest coding. The authors' code leaves out the 1 / p_j and counts no indices.
    """

    id = "rand-tau"
    reference = "Wang, Safaryan and Richtarik, NeurIPS 2022, rand-tau+ of their experiments"
    tau: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="coordinates sent in the mean, at most d; null: floor(d / n)"),
    ] = None
    probabilities: Annotated[
        Literal["smooth", "uniform"],
        Meta(description="by the smoothness matrix, once tuned to it, or all alike"),
    ] = "smooth"
    unbiased: Annotated[  # type: ignore[misc]  # here it is the user's choice
        bool, Meta(description="whether x_j / p_j is sent, or x_j as in the authors' code")
    ] = True
    dtype: Dtype = "float32"

    def nbits(self, n: int) -> None:
        """Return None: how many coordinates are sent is random."""
        return None

    def max_nbits(self, n: int) -> int:
        """Return the bits of a count, of n numbers and of the longest index set."""
        return n.bit_length() + n * self.width() + _indices.most_bits(n)

    def omega(self, n: int) -> float | None:
        """Return max_j 1 / p_j - 1; None if the values are not scaled."""
        return float((1 / self.chances(n) - 1).max()) if self.unbiased else None

    def cal_l(self, diagonal: Vector, top: float) -> float | None:
        """Return max_j (1 / p_j - 1) L_jj, which is exact; None if the values are not scaled."""
        if not self.unbiased:
            return None
        return float(((1 / self.chances(len(diagonal)) - 1) * diagonal).max())

    def contraction(self, n: int) -> float | None:
        """Return min_j p_j if the values are not scaled, else as for every unbiased codec."""
        return super().contraction(n) if self.unbiased else float(self.chances(n).min())

    def tune(self, tuning: Tuning) -> Vector | None:
        """Return the probabilities p, shape (d,), or None if they are uniform."""
        if self.probabilities == "uniform":
            return None
        a = _weights(tuning)
        p = smooth(a, self._expected(tuning.workers, len(a)))
        # A float32 between 2^-32 and 1 of a multiple of 2^-32 is again one.
        return _on_grid(p).astype(np.float32).astype(np.float64)

    def tuned(self, tuning: Tuning, d: int, parameters: Vector | None = None) -> RandTau:
        """Return the codec with these probabilities; FrameError for some that are never sent."""
        tau = self._expected(tuning.workers, d)
        if self.probabilities == "uniform":
            p = _on_grid(np.full(d, tau / d))
        elif parameters is None:
            raise ConfigError("rand-tau: smooth probabilities must be given, as tune finds them")
        else:
            p = _checked(np.asarray(parameters, np.float64), d)
        made = msgspec.structs.replace(self)
        made.__dict__["_bound"] = p
        return made

    def chances(self, n: int) -> Vector:
        """Return p for n coordinates, shape (n,), multiples of 2^-32."""
        bound: Vector | None = self.__dict__.get("_bound")
        if bound is not None and len(bound) != n:
            raise ConfigError(f"rand-tau is tuned to {len(bound)} coordinates, got {n}")
        if bound is not None:
            return bound
        even: Vector | None = self.__dict__.get("_even")
        if even is None or len(even) != n:
            tau = max(1, n // 4) if self.tau is None else min(self.tau, n)
            even = self.__dict__["_even"] = _on_grid(np.full(n, tau / max(n, 1)))
        return even

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write count, values and places; RangeError if x is not finite or a value does not fit."""
        self.check(x)
        p, n = self.chances(len(x)), len(x)
        chosen = np.flatnonzero(key.words(n) * UNIT < p)
        values = x[chosen]
        if self.unbiased:
            with np.errstate(over="ignore"):  # infinity is then refused as what does not fit
                values /= p[chosen]
        body = np.empty(nbytes(len(chosen) * self.width() + _indices.most_bits(n)), np.uint8)
        bits = self.put_pair(values, chosen, n, body)
        return joined(len(chosen), n.bit_length(), body, bits, out)

    def read(self, payload: Bytes, n: int, key: Key) -> tuple[Indices, Vector]:
        """Return places and values; FrameError for a payload that is never sent."""
        count, body = parted(payload, n.bit_length())
        if count > n:
            raise FrameError(f"{count} values of {n} coordinates")
        indices, values, bits = self.get_pair(body, n, count)
        check_end(payload, n.bit_length() + bits)
        return indices, values

    def _expected(self, workers: int, d: int) -> int:
        """Return tau, 1..d, for d coordinates of one of n workers."""
        tau = d // workers if self.tau is None else min(self.tau, d)
        if tau < 1:
            raise ConfigError(
                f"rand-tau: tau = floor(d / n) is 0 for d = {d} coordinates and n = {workers} "
                f"workers; give tau, or use at most {d} workers"
            )
        return tau


def smooth(a: Vector, tau: int) -> Vector:
    """Return p_j = a_j / (a_j + rho), a > 0, with the rho that makes their sum tau, 1 <= tau <= d.

    Were all a_j alike, rho would be a (d / tau - 1): it lies between those of the least and of the
    largest. Halved until no double lies in between.
    """
    odds = len(a) / tau - 1
    low, high = float(a.min()) * odds, float(a.max()) * odds
    while low < (middle := low + (high - low) / 2) < high:
        if (a / (a + middle)).sum() > tau:
            low = middle
        else:
            high = middle
    return np.asarray(a / (a + high))


def joined(count: int, width: int, body: Bytes, bits: int, out: Bytes) -> int:
    """Write ``count`` in ``width`` bits, then the first ``bits`` bits of ``body``; return both."""
    whole, shift = divmod(width, 8)
    body = body[: nbytes(bits)]
    stream = np.zeros(whole + len(body) + 1, np.uint8)
    stream[whole:-1] = body << np.uint8(shift)
    stream[whole + 1 :] |= (body.astype(np.uint16) >> (8 - shift)).astype(np.uint8)
    stream[: whole + 1] |= np.frombuffer(count.to_bytes(whole + 1, "little"), np.uint8)
    total = width + bits
    out[: nbytes(total)] = stream[: nbytes(total)]
    return total


def parted(payload: Bytes, width: int) -> tuple[int, Bytes]:
    """Return the count and the body, from its own first byte on, of what ``joined`` wrote."""
    whole, shift = divmod(width, 8)
    head = int.from_bytes(payload[: whole + 1].tobytes(), "little")
    body = payload[whole:] >> np.uint8(shift)
    body[:-1] |= (payload[whole + 1 :].astype(np.uint16) << (8 - shift)).astype(np.uint8)
    return head & ((1 << width) - 1), body


def _weights(tuning: Tuning) -> Vector:
    """Return a, shape (d,), all positive; ConfigError if the problem does not give it."""
    if tuning.diagonal is None:
        raise ConfigError(
            "rand-tau: smooth probabilities need the diagonal of a smoothness matrix, which only "
            "methods that precondition have; use probabilities: uniform"
        )
    dcgd = tuning.aim == "dcgd"
    least = np.finfo(np.float64).tiny if dcgd else 0.0
    wrong = ~(np.isfinite(tuning.diagonal) & (tuning.diagonal >= least))
    if wrong.any():
        j = int(np.argmax(wrong))
        raise ConfigError(
            f"rand-tau: the smoothness matrix has {tuning.diagonal[j]:g} on its diagonal at "
            f"coordinate {j}, which must be {'positive' if dcgd else 'at least 0'}; use "
            "probabilities: uniform"
        )
    if dcgd:
        return tuning.diagonal
    if tuning.mu is None or not tuning.mu > 0:
        raise ConfigError(
            f"rand-tau: smooth probabilities for DIANA+ need mu > 0, got {tuning.mu}; "
            "use probabilities: uniform"
        )
    return np.asarray(tuning.diagonal / (tuning.workers * tuning.mu) + 1)


def _on_grid(p: Vector) -> Vector:
    return np.maximum(np.rint(p / UNIT), 1) * UNIT


def _checked(p: NDArray[np.float64], d: int) -> Vector:
    if len(p) != d:
        raise FrameError(f"rand-tau: {d} probabilities expected, got {len(p)}")
    wrong = ~((p >= UNIT) & (p <= 1))
    if wrong.any():
        j = int(np.argmax(wrong))
        raise FrameError(f"rand-tau: {p[j]:g} is no probability that is sent (coordinate {j})")
    return _on_grid(p)
