"""What an algorithm sees: its agent, the messages it exchanges, and nothing of their bytes.

An agent knows its problem, its neighbours and its codecs. It turns vectors into frames and frames
into vectors; whoever drives it owns the buffers and carries the frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from netopt.codecs import Bytes, Codec, nbytes
from netopt.core import packing
from netopt.errors import FrameError, NumericalError
from netopt.frame import Header, expect, parse, parts, quick, seal
from netopt.keys import BROADCAST, Key, Purpose
from netopt.problems import Problem
from netopt.topologies import Topology

Vector = npt.NDArray[np.float64]


class Channel(NamedTuple):
    """A named stream of an algorithm's messages: ``vectors`` vectors of d coordinates a frame.

    ``default`` is the codec that is used when the run file names none.
    """

    name: str
    default: str = "raw"
    vectors: int = 1


class Message(NamedTuple):
    """A sealed frame, sent or received; its bytes are valid until the agent's next yield.

    ``receiver`` is BROADCAST or the one agent it is for: the random stream depends on it. ``parts``
    are payload and key of each vector.
    """

    header: Header
    frame: Bytes
    receiver: int
    parts: Sequence[tuple[Bytes, Key]]


Inbox = Mapping[int, Message]


class Exchange(NamedTuple):
    """One yield of a round: messages by receiver, and whom to hear from before going on."""

    out: Mapping[int, Message] = {}
    sources: Sequence[int] = ()


class Wire(Protocol):
    """Where an agent writes its frames."""

    def buffer(self, channel: int, receiver: int, size: int) -> Bytes:
        """Return a free send buffer of at least ``size`` bytes; no frame in flight lies in it."""


class Agent:
    """One agent: rank, neighbours, weights, gradient, and encode and decode by channel.

    ``codecs`` are those of the algorithm's ``channels``, in the same order. ``round`` and
    ``exchange`` say where in the run the agent is; the driver advances them. ``whole`` says whether
    a frame's checksum covers its payload.
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
    ) -> None:
        self.rank = rank
        self.size = topology.size
        self.problem = problem
        self.d = problem.d
        self.successors = topology.successors(rank)
        self.predecessors = topology.predecessors(rank)
        self.weights = topology.weights[rank]
        self.seed = seed
        self.round = 0
        self.exchange = 0
        self._wire, self._whole = wire, whole
        self._index = {channel.name: i for i, channel in enumerate(channels)}
        self._codecs = tuple(codecs)
        self._sizes = tuple(map(self._size, channels, codecs))
        self._fixed = tuple(codec.nbits(self.d) is not None for codec in codecs)
        members = sorted((*self.predecessors, rank))
        self._order = tuple((j, float(self.weights[j])) for j in members)
        self._draws = 0

    def _size(self, channel: Channel, codec: Codec) -> tuple[int, int, int, int]:
        """Return vectors, codec, payload bytes and pad bits of a channel's (largest) frame."""
        bits = codec.max_nbits(self.d)
        size = channel.vectors * nbytes(bits)
        return channel.vectors, codec.fingerprint(), size, 8 * size - channel.vectors * bits

    def _header(self, index: int, sender: int, broadcast: int) -> Header:
        """Return the header that a frame of a channel has here and now (the largest)."""
        vectors, codec, size, pad = self._sizes[index]
        place = (self.round, self.exchange, sender, self.d)
        return quick(Header, (vectors, codec, *place, size, pad, index, broadcast))

    def begin(self, k: int) -> None:
        """Stand at the first exchange of round k."""
        self.round, self.exchange, self._draws = k, 0, 0

    def advance(self) -> None:
        """Stand at the next exchange of the round."""
        self.exchange, self._draws = self.exchange + 1, 0

    def grad(self, x: Vector) -> Vector:
        """Return the gradient of this agent's f_i at x, shape (d,); NumericalError if not finite.

        Each call draws a batch of its own, if the problem has batches.
        """
        place = (self.round, self.exchange, self.rank, BROADCAST, self._draws)
        key = quick(Key, (self.seed, Purpose.BATCH, *place))
        self._draws += 1
        gradient = self.problem.grad(self.rank, x, key)
        if not _finite(gradient):
            raise NumericalError(
                f"agent {self.rank}, round {self.round}: the gradient is not finite (|x| reaches "
                f"{np.max(np.abs(x)):.3g}); the iterates diverge, try a smaller step size"
            )
        return gradient

    def key(self, purpose: Purpose) -> Key:
        """Return this agent's own stream for ``purpose`` at this place in the run."""
        return Key(self.seed, purpose, self.round, self.exchange, self.rank)

    def encode(self, channel: str, x: Vector, to: int | None = None) -> Message:
        """Return a message with x, shape (d,), or m vectors, shape (m, d), each with its own scale.

        m is what the channel declares. The message is for all successors, or only for agent ``to``.
        Raises RangeError if the channel's codec cannot represent x.
        """
        index = self._index[channel]
        receiver = BROADCAST if to is None else to
        header = self._header(index, self.rank, int(to is None))
        buffer = self._wire.buffer(index, receiver, header.frame_bytes)
        pieces = parts(header, buffer, self.seed, receiver)
        codec, bits = self._codecs[index], 0
        rows = self._rows(np.ascontiguousarray(x), header.vectors)  # a column of a matrix may come
        for row, (payload, key) in zip(rows, pieces, strict=True):
            bits += codec.encode_into(row, key, payload)
        if bits != header.payload_bits:  # the data needs less than the largest frame
            size = nbytes(bits)
            header = header._replace(payload_bytes=size, pad_bits=8 * size - bits)
            pieces = parts(header, buffer, self.seed, receiver)
        frame = buffer[: header.frame_bytes]
        seal(frame, header, self._whole)
        return quick(Message, (header, frame, receiver, pieces))

    def accept(self, frame: Bytes, source: int) -> Message:
        """Return the message in a frame that arrived from ``source``.

        Raises FrameError unless it is intact and fits place, sender and codec.
        """
        got = parse(frame, self._whole)
        if got.channel >= len(self._codecs):
            raise FrameError(f"channel {got.channel} expected below {len(self._codecs)}")
        wanted = self._header(got.channel, source, got.broadcast)
        if not self._fixed[got.channel]:
            wanted = wanted._replace(payload_bytes=got.payload_bytes, pad_bits=got.pad_bits)
        expect(got, wanted)
        receiver = BROADCAST if got.broadcast else self.rank
        return quick(Message, (got, frame, receiver, parts(got, frame, self.seed, receiver)))

    def decode(self, message: Message, out: Vector | None = None) -> Vector:
        """Return the vector (or m vectors) of a message; of one's own, what others decode."""
        vectors, codec = message.header.vectors, self._codecs[message.header.channel]
        if out is None:
            out = self._empty(vectors)
        for row, (payload, key) in zip(self._rows(out, vectors), message.parts, strict=True):
            codec.decode_into(payload, key, row)
        return out

    def mix(self, own: Message, inbox: Inbox, out: Vector | None = None) -> Vector:
        """Return sum_j w_ij decode(message_j) over this agent and its predecessors, in rank order.

        Shape (d,), or (m, d) for messages of m vectors; written to ``out`` if given.
        """
        vectors, channel = own.header.vectors, own.header.channel
        if out is None:
            out = self._empty(vectors)
        rows, codec, first = self._rows(out, vectors), self._codecs[channel], True
        for j, weight in self._order:
            message = own if j == self.rank else inbox[j]
            if message.header.channel != channel:
                raise FrameError(f"channel {channel} expected, got {message.header.channel}")
            for row, (payload, key) in zip(rows, message.parts, strict=True):
                codec.accumulate(payload, key, weight, row, first)
            first = False
        return out

    def _empty(self, vectors: int) -> Vector:
        return np.empty((vectors, self.d) if vectors > 1 else self.d)

    def _rows(self, x: Vector, vectors: int) -> list[Vector]:
        """Return the vectors of a message as they lie in x; indexing is faster than iterating."""
        whole = x.reshape(vectors, self.d)
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
