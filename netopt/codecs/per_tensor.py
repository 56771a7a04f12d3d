"""A codec for each tensor of a network: every layer has its own norm, as in QGD's experiments."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from msgspec import field

from netopt.codecs import Bytes, Codec, Segment, Vector, nbytes
from netopt.codecs._dither import bound
from netopt.codecs.switching import Switching
from netopt.errors import ConfigError, FrameError
from netopt.keys import Key

MOST = 2**15
"""Tensors that keys can tell apart."""


class Plan(NamedTuple):
    """Where each tensor's coordinates lie, and its ``keys``; ``lengths`` is their table's format.

    ``table`` are the bytes of that table, none if the payloads' lengths are known.
    """

    spans: tuple[slice, ...]
    sizes: tuple[int, ...]
    lengths: struct.Struct
    table: int


class PerTensor(Codec):
    """Per tensor: each tensor of x is coded for itself by ``codec``, one after the other.

    With switching each has a float32 norm, as QGD codes a network; codecs that keep a share of the
    coordinates keep it of every tensor. A payload starts at a byte, so up to 7 zero bits follow
    each tensor but the last; they are sent, and counted. If the lengths of ``codec``'s payloads
    depend on the data, a uint32 for each tensor but the last comes first, its length in bytes.

    The problem says what the tensors are (the parameters of a network); other problems have one,
    and then the bits are those of ``codec``. Tensor t rounds by the frame's stream with t in the
    upper half of the sender, whose ranks have 16 bits: no two tensors share a random number. The
    codecs that a method tunes to a worker's smoothness stay as they are before.
    """

    id = "per-tensor"
    reference = "Bo and Wang, PNAS 121(17), 2024: one norm for each tensor of a network"
    codec: Codec = field(default_factory=Switching)

    def __post_init__(self) -> None:
        """Refuse a codec that is itself per tensor."""
        if isinstance(self.codec, PerTensor):
            raise ValueError("'codec' is per-tensor itself; name the one that codes a tensor")

    @property
    def unbiased(self) -> bool:  # type: ignore[override]  # here it is the inner codec's
        """Return whether ``codec`` is unbiased."""
        return self.codec.unbiased

    def shaped(self, sizes: tuple[int, ...]) -> PerTensor:
        """Return the codec for tensors of these sizes; ConfigError above 32768 of them."""
        if len(sizes) > MOST:
            raise ConfigError(f"{self.id}: at most {MOST} tensors, got {len(sizes)}")
        return bound(self, sizes=tuple(size for size in sizes if size))

    def nbits(self, n: int) -> int | None:
        """Return the bits of all tensors, or None if those of one depend on the data."""
        plan = self._plan(n)
        return None if self._varies(plan) else self._total(plan, self.codec.max_nbits)

    def max_nbits(self, n: int) -> int:
        """Return the bits of the largest payloads of all tensors, with the table of lengths."""
        return self._total(self._plan(n), self.codec.max_nbits)

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return each tensor's fields and what fills its last byte, or the table of lengths."""
        plan = self._plan(n)
        if len(plan.sizes) == 1:
            return self.codec.layout(n)
        if plan.table:
            return (Segment("length", len(plan.sizes) - 1, 32, "symbol"),)
        found: list[Segment] = []
        for t, size in enumerate(plan.sizes):
            found += [s._replace(name=f"{s.name} {t}") for s in self.codec.layout(size)]
            pad = -self.codec.max_nbits(size) % 8
            if pad and t < len(plan.sizes) - 1:
                found.append(Segment(f"fill {t}", 1, pad, "symbol"))
        return tuple(found)

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write the tensors' payloads; RangeError if one cannot be represented."""
        plan = self._plan(len(x))
        at, bits, ends = plan.table, 0, []
        for t, span in enumerate(plan.spans):
            bits = self.codec.encode_into(x[span], stream(key, t), out[at:])
            at += nbytes(bits)
            ends.append(nbytes(bits))
        if plan.table:
            plan.lengths.pack_into(out.data, 0, *ends[:-1])
        return 8 * (at - nbytes(bits)) + bits

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read the tensors; FrameError for a payload that is never sent."""
        for part, t, span in self._pieces(payload, len(out)):
            self.codec.decode_into(part, stream(key, t), out[span])

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Add ``weight`` times each tensor where it belongs; errors as ``decode_into``."""
        for part, t, span in self._pieces(payload, len(out)):
            self.codec.accumulate(part, stream(key, t), weight, out[span], first)

    def omega(self, n: int) -> float | None:
        """Return the largest omega of a tensor."""
        found = [self.codec.omega(size) for size in self._plan(n).sizes]
        return None if None in found else max(value for value in found if value is not None)

    def cal_l(self, diagonal: Vector, top: float) -> float | None:
        """Return the largest calL of a tensor: their errors are independent and of mean 0."""
        spans = self._plan(len(diagonal)).spans
        found = [self.codec.cal_l(diagonal[span], top) for span in spans]
        return None if None in found else max(value for value in found if value is not None)

    def contraction(self, n: int) -> float | None:
        """Return the smallest contraction of a tensor."""
        found = [self.codec.contraction(size) for size in self._plan(n).sizes]
        return None if None in found else min(value for value in found if value is not None)

    def covering(self, n: int) -> float | None:
        """Return that of ``codec`` for one tensor, and None for more."""
        return self.codec.covering(n) if len(self._plan(n).sizes) == 1 else None

    def linear(self) -> bool:
        """Return whether ``codec`` is linear."""
        return self.codec.linear()

    # ---- details ----

    def _plan(self, n: int) -> Plan:
        """Return where the tensors of n coordinates lie; ConfigError unless they add up to n."""
        plan: Plan | None = self.__dict__.get("_kept_plan")
        if plan is None or plan.spans[-1].stop != n:
            sizes: tuple[int, ...] = self.__dict__.get("_bound_sizes", (n,))
            if sum(sizes) != n:
                raise ConfigError(f"{self.id}: the tensors have {sum(sizes)} coordinates, got {n}")
            ends = [sum(sizes[: t + 1]) for t in range(len(sizes))]
            spans = tuple(map(slice, [0, *ends[:-1]], ends))
            varies = len(sizes) > 1 and any(self.codec.nbits(size) is None for size in sizes)
            lengths = struct.Struct(f"<{len(sizes) - 1}I")
            plan = Plan(spans, sizes, lengths, lengths.size if varies else 0)
            self.__dict__["_kept_plan"] = plan
        return plan

    def _varies(self, plan: Plan) -> bool:
        return bool(plan.table) or self.codec.nbits(plan.sizes[0]) is None

    def _total(self, plan: Plan, bits: Callable[[int], int]) -> int:
        *before, last = map(bits, plan.sizes)
        return 8 * (plan.table + sum(map(nbytes, before))) + last

    def _pieces(self, payload: Bytes, n: int) -> list[tuple[Bytes, int, slice]]:
        """Return each tensor's payload, number and coordinates; FrameError if it is too short."""
        plan = self._plan(n)
        if plan.table > len(payload):
            raise FrameError(f"{self.id}: {len(payload)} bytes have no table of {plan.table}")
        if plan.table:
            ends = [*plan.lengths.unpack_from(payload.data)]
        else:
            ends = [nbytes(self.codec.max_nbits(size)) for size in plan.sizes[:-1]]
        at, found = plan.table, []
        for t, span in enumerate(plan.spans):
            end = at + ends[t] if t < len(ends) else len(payload)
            bits = self.codec.nbits(plan.sizes[t]) if plan.table else None
            if end > len(payload) or (bits is not None and end - at != nbytes(bits)):
                raise FrameError(f"{self.id}: the payload of tensor {t} has another length")
            found.append((payload[at:end], t, span))
            at = end
        return found


def stream(key: Key, tensor: int) -> Key:
    """Return the key of a tensor's stream: tensor 0 has the frame's own."""
    return key._replace(sender=key.sender ^ tensor << 16) if tensor else key
