"""What an algorithm sees: its agent, the messages it exchanges, and nothing of their bytes.

An agent knows its problem, its neighbours and its codecs. It turns vectors into frames and frames
into vectors; whoever drives it owns the buffers and carries the frames.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from netopt.codecs import Codec, nbytes
from netopt.codings import Codings
from netopt.core import packing
from netopt.core.packing import header_put
from netopt.errors import FrameError, NumericalError
from netopt.frame import HEADER_BYTES, Header, parts, quick
from netopt.keys import BROADCAST, Key, Purpose
from netopt.messages import TELLING, Channel, Exchange, Heard, Inbox, Message, Wire
from netopt.problems import Problem
from netopt.topologies import Topology

__all__ = ["TELLING", "Agent", "Channel", "Exchange", "Heard", "Inbox", "Message", "Vector", "Wire"]

Vector = npt.NDArray[np.float64]


class Agent(Codings):
    """One agent: rank, neighbours, weights, gradient, and encode and decode by channel.

    ``channels``, ``codecs`` and ``whole`` as in ``Codings``; ``workers`` are the ranks that have a
    share of the problem, all if not given.
    """

    def __init__(
        self,
        rank: int,
        topology: Topology,
        problem: Problem,
        channels: Sequence[Channel],
        codecs: Sequence[Codec],
        seed: int,
        wire: Wire,
        whole: bool = True,
        workers: Sequence[int] | None = None,
    ) -> None:
        super().__init__(rank, problem.d, seed, channels, codecs, whole)
        self.size = topology.size
        self.problem = problem
        self.successors = topology.successors(rank)
        self.predecessors = topology.predecessors(rank)
        self.weights = topology.weights[rank]
        self.workers = tuple(range(self.size) if workers is None else workers)
        self.shard = self.workers.index(rank) if rank in self.workers else None
        self._wire = wire
        members = sorted((*self.predecessors, rank))
        self._order = tuple((j, float(self.weights[j])) for j in members)
        self.gradients = 0

    def grad(self, x: Vector) -> Vector:
        """Return the gradient of this agent's f_i at x, shape (d,); NumericalError if not finite.

        Each call draws a batch of its own, if the problem has batches. Only workers have an f_i.
        """
        if self.shard is None:
            raise TypeError(f"agent {self.rank} has no f_i: it is not one of the workers")
        place = (self.round, self.exchange, self.rank, BROADCAST, self._draws)
        key = quick(Key, (self.seed, Purpose.BATCH, *place))
        self._draws += 1
        self.gradients += 1
        gradient = self.problem.grad(self.shard, x, key)
        if not _finite(gradient):
            raise NumericalError(
                f"agent {self.rank}, round {self.round}: the gradient is not finite (|x| reaches "
                f"{np.max(np.abs(x)):.3g}); the iterates diverge, try a smaller step size"
            )
        return gradient

    def key(self, purpose: Purpose) -> Key:
        """Return this agent's own stream for ``purpose`` at this place in the run."""
        return Key(self.seed, purpose, self.round, self.exchange, self.rank)

    def common_key(self, purpose: Purpose) -> Key:
        """Return the stream for ``purpose`` of this round that all agents have in common."""
        return Key(self.seed, purpose, self.round, 0, BROADCAST)

    def encode(self, channel: str, x: Vector, to: int | None = None) -> Message:
        """Return a message with x, shape (d,), or m vectors, shape (m, d), each with its own scale.

        m is what the channel declares. The message is for all successors, or only for agent ``to``.
        Raises RangeError if the channel's codec cannot represent x.
        """
        index = self._index[channel]
        receiver = BROADCAST if to is None else to
        codec, vectors, fingerprint, size, pad, _ = self._of(index, self.rank)
        buffer = self._wire.buffer(index, receiver, HEADER_BYTES + size)
        pieces = parts(self._place(), index, vectors, size, buffer, receiver)
        x = np.ascontiguousarray(x)  # a column of a matrix may come
        if vectors == 1:
            payload, key = pieces[0]
            bits = codec.encode_into(x, key, payload)
        else:
            rows = zip(self._rows(x, vectors), pieces, strict=True)
            bits = sum(codec.encode_into(row, key, payload) for row, (payload, key) in rows)
        if bits != 8 * size - pad:  # the data needs less than the largest frame
            size = nbytes(bits)
            pad = 8 * size - bits
            pieces = [(buffer[HEADER_BYTES : HEADER_BYTES + size], pieces[0][1])]
        place = (self.round, self.exchange, self.rank, self.d)
        fields = (vectors, fingerprint, *place, size, pad, index, int(to is None))
        frame = buffer[: HEADER_BYTES + size]
        header_put(frame, fields, self._whole)
        return quick(Message, (quick(Header, fields), frame, receiver, pieces))

    def tell(self, x: Vector, to: int | None = None) -> Message:
        """Return a message on the channel for set-up with x, shape (m,), m up to d, as float32.

        It is for all successors, or only for agent ``to``; RangeError if x does not fit float32.
        """
        index = self._index[TELLING.name]
        receiver = BROADCAST if to is None else to
        header = self._told(self._header(index, self.rank, int(to is None)), len(x))
        buffer = self._wire.buffer(index, receiver, HEADER_BYTES + self._codings[index].size)
        pieces = parts(self._place(), index, 1, header.payload_bytes, buffer, receiver)
        self._codings[index].codec.encode_into(np.ascontiguousarray(x), pieces[0][1], pieces[0][0])
        frame = buffer[: header.frame_bytes]
        header_put(frame, header, self._whole)
        return quick(Message, (header, frame, receiver, pieces))

    def decode(self, message: Message, out: Vector | None = None) -> Vector:
        """Return the vector (or m vectors) of a message; of one's own, what others decode."""
        header = message.header
        codec = self._of(header.channel, header.sender).codec
        if out is None:
            out = self._empty(header.vectors, header.count)
        if header.vectors == 1:
            payload, key = message.parts[0]
            codec.decode_into(payload, key, out)
            return out
        for row, (payload, key) in zip(self._rows(out, header.vectors), message.parts, strict=True):
            codec.decode_into(payload, key, row)
        return out

    def add(self, message: Message, weight: float, out: Vector, first: bool = False) -> None:
        """Add ``weight`` times a message's vector to ``out``, shape (d,); write it if ``first``."""
        codec = self._of(message.header.channel, message.header.sender).codec
        payload, key = message.parts[0]
        codec.accumulate(payload, key, weight, out, first)

    def mix(self, own: Message, inbox: Inbox, out: Vector | None = None) -> Vector:
        """Return sum_j w_ij decode(message_j) over this agent and its predecessors, in rank order.

        The weight of a predecessor whose frame was lost goes to this agent itself. Shape (d,), or
        (m, d) for messages of m vectors; written to ``out`` if given.
        """
        vectors, channel = own.header.vectors, own.header.channel
        if out is None:
            out = self._empty(vectors, self.d)
        rows, first = self._rows(out, vectors), True
        order = self._order if len(inbox) >= len(self._order) - 1 else self._without(inbox)
        for j, weight in order:
            message = own if j == self.rank else inbox[j]
            if message.header.channel != channel:
                raise FrameError(f"channel {channel} expected, got {message.header.channel}")
            codec = self._of(channel, j).codec
            for row, (payload, key) in zip(rows, message.parts, strict=True):
                codec.accumulate(payload, key, weight, row, first)
            first = False
        return out

    def _without(self, inbox: Inbox) -> list[tuple[int, float]]:
        """Return ranks and weights of those who are heard, and of this agent, in rank order."""
        lost = sum(weight for j, weight in self._order if j != self.rank and j not in inbox)
        own = [(j, w + lost if j == self.rank else w) for j, w in self._order]
        return [(j, w) for j, w in own if j == self.rank or j in inbox]

    def _empty(self, vectors: int, count: int) -> Vector:
        return np.empty((vectors, count) if vectors > 1 else count)

    def _rows(self, x: Vector, vectors: int) -> list[Vector]:
        """Return the vectors of a message as they lie in x; indexing is faster than iterating."""
        whole = x.reshape(vectors, -1)
        return [whole[i] for i in range(vectors)]

    def share(self, message: Message) -> Exchange:
        """Return the exchange that tells all successors and hears all predecessors."""
        return Exchange(dict.fromkeys(self.successors, message), self.predecessors)


def _finite(x: Vector) -> bool:
    """Return whether x has neither NaN nor infinity, without a temporary array where it can be."""
    try:
        return math.isfinite(packing.norm(x, "linf"))
    except (BufferError, TypeError, ValueError):  # a problem may return other types and strides
        return bool(np.isfinite(x).all())
