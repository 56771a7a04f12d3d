"""Codings: how an agent's frames are made and read, by channel and sender, and where it stands.

They know headers and codecs; vectors and neighbours are the agent's.
"""

from __future__ import annotations

from collections.abc import Sequence

from netopt.codecs import Bytes, Codec, nbytes
from netopt.core.packing import header_due
from netopt.errors import FrameError
from netopt.frame import HEADER_BYTES, Header, expect, parse, parts, quick
from netopt.keys import BROADCAST
from netopt.messages import Channel, Coding, Message


class Codings:
    """Base of an agent: the codecs of its channels, and the frames that are due to it.

    ``codecs`` are those of ``channels``, in the same order, for vectors of d coordinates. ``round``
    and ``exchange`` say where in the run the agent is; the driver advances them. ``whole`` says
    whether a frame's checksum covers its payload.
    """

    def __init__(
        self,
        rank: int,
        d: int,
        seed: int,
        channels: Sequence[Channel],
        codecs: Sequence[Codec],
        whole: bool,
    ) -> None:
        self.rank, self.d, self.seed = rank, d, seed
        self.round, self.exchange = 0, 0
        self._whole = whole
        self._index = {channel.name: i for i, channel in enumerate(channels)}
        self._telling = frozenset(i for i, channel in enumerate(channels) if channel.telling)
        self._codings = tuple(self._coding(*pair) for pair in zip(channels, codecs, strict=True))
        self._tuned: dict[tuple[int, int], Coding] = {}
        self._kinds: dict[int, tuple[int, int, bool]] = {}
        self._draws = 0

    def _coding(self, channel: Channel, codec: Codec) -> Coding:
        bits, fixed = codec.max_nbits(self.d), codec.nbits(self.d) is not None
        size = channel.vectors * nbytes(bits)
        pad = 8 * size - channel.vectors * bits
        return Coding(codec, channel.vectors, codec.fingerprint(), size, pad, fixed)

    @property
    def largest_frame(self) -> int:
        """The bytes of the largest frame of any channel, header included."""
        return HEADER_BYTES + max(coding.size for coding in self._codings)

    def _of(self, index: int, sender: int) -> Coding:
        """Return the coding of a sender's frames on a channel: tuned to it, or the channel's."""
        return self._tuned.get((index, sender), self._codings[index])

    def codec(self, channel: str, sender: int | None = None) -> Codec:
        """Return the codec of a channel, for this agent's messages or those of ``sender``."""
        return self._of(self._index[channel], self.rank if sender is None else sender).codec

    def tune(self, channel: str, sender: int, codec: Codec) -> None:
        """Let ``codec`` be that of the messages of ``sender`` (an agent's rank) from here on.

        Both ends have to do so, between the same two messages.
        """
        index = self._index[channel]
        vectors = self._codings[index].vectors
        self._tuned[index, sender] = self._coding(Channel(channel, vectors=vectors), codec)
        self._kinds.pop(sender, None)

    def _header(self, index: int, sender: int, broadcast: int) -> Header:
        """Return the header that a frame of a channel has here and now (the largest)."""
        _, vectors, codec, size, pad, _ = self._of(index, sender)
        place = (self.round, self.exchange, sender, self.d)
        return quick(Header, (vectors, codec, *place, size, pad, index, broadcast))

    def begin(self, k: int) -> None:
        """Stand at the first exchange of round k."""
        self.round, self.exchange, self._draws = k, 0, 0

    def advance(self) -> None:
        """Stand at the next exchange of the round."""
        self.exchange, self._draws = self.exchange + 1, 0

    def _place(self) -> tuple[int, int, int, int]:
        """Return the first words of the keys of this agent's frames here and now."""
        return self.seed, self.round, self.exchange, self.rank

    def _told(self, largest: Header, count: int) -> Header:
        """Return the header of a telling frame with ``count`` numbers; FrameError above d."""
        if not 1 <= count <= self.d:
            raise FrameError(f"count 1 to {self.d} expected, got {count}")
        bits = self._codings[largest.channel].codec.nbits(count) or 0
        size = nbytes(bits)
        return largest._replace(count=count, payload_bytes=size, pad_bits=8 * size - bits)

    def age(self, message: Message) -> int:
        """Return how many rounds of its own this agent is ahead of the sender of a message."""
        return self.round - message.header.round

    def accept(self, frame: Bytes, source: int, anywhere: bool = False) -> Message:
        """Return the message in a frame that arrived from ``source``.

        Raises FrameError unless it is intact and fits place, sender and codec. Asynchronous agents
        take frames from ``anywhere``: of any round and exchange of their sender.
        """
        if anywhere:
            return self._asynchronous(frame, source)
        got = self._due(frame, source)
        if got is None:  # no frame that is due, or one of another kind than the last: look closely
            got = self._examined(frame, source)
        vectors, size, channel = got.vectors, got.payload_bytes, got.channel
        receiver = BROADCAST if got.broadcast else self.rank
        place = (self.seed, self.round, self.exchange, source)
        pieces = parts(place, channel, vectors, size, frame, receiver)
        return quick(Message, (got, frame, receiver, pieces))

    def _asynchronous(self, frame: Bytes, source: int) -> Message:
        """Return the message in a frame that says itself when it was sent."""
        got = parse(frame, self._whole)
        here = self.round, self.exchange
        try:
            self.round, self.exchange = got.round, got.exchange
            got = self._examined(frame, source)
        finally:
            self.round, self.exchange = here
        receiver = BROADCAST if got.broadcast else self.rank
        place = (self.seed, got.round, got.exchange, source)
        pieces = parts(place, got.channel, got.vectors, got.payload_bytes, frame, receiver)
        return quick(Message, (got, frame, receiver, pieces))

    def _due(self, frame: Bytes, source: int) -> Header | None:
        """Return the header of a frame of the same kind as the last from ``source``, if it fits."""
        kind = self._kinds.get(source)
        if kind is None:
            return None
        channel, broadcast, loose = kind
        _, vectors, codec, size, pad, _ = self._of(channel, source)
        place = (self.round, self.exchange, source, self.d)
        wanted = (vectors, codec, *place, size, pad, channel, broadcast)
        found = header_due(frame, wanted, self._whole, loose)
        if found < 0:
            return None
        if loose:
            size = len(frame) - HEADER_BYTES
            wanted = (vectors, codec, *place, size, found, channel, broadcast)
        return quick(Header, wanted)

    def _examined(self, frame: Bytes, source: int) -> Header:
        """Return a frame's header, compared field by field; FrameError if it is not due."""
        got = parse(frame, self._whole)
        if got.channel >= len(self._codings):
            raise FrameError(f"channel {got.channel} expected below {len(self._codings)}")
        wanted = self._header(got.channel, source, got.broadcast)
        loose = not self._of(got.channel, source).fixed
        if got.channel in self._telling:
            wanted = self._told(wanted, got.count)
        elif loose:
            wanted = wanted._replace(payload_bytes=got.payload_bytes, pad_bits=got.pad_bits)
        expect(got, wanted)
        if got.channel not in self._telling:
            self._kinds[source] = (got.channel, got.broadcast, loose)
        return got
