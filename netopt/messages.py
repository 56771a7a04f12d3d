"""Messages and channels: what an algorithm declares, hands to its agent, and gets from it.

An agent makes messages of vectors; whoever drives it carries their frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from netopt.codecs import Bytes, Codec
from netopt.frame import Header
from netopt.keys import Key


class Channel(NamedTuple):
    """A named stream of an algorithm's messages: ``vectors`` vectors of d coordinates a frame.

    ``default`` is the codec, by id or mapping, that is used when the run file names none. A channel
    for ``telling`` is the algorithm's own: a frame has one vector of up to d coordinates, and the
    codec is not for the run file to choose. Such channels come last.
    """

    name: str
    default: Any = "raw"
    vectors: int = 1
    telling: bool = False


TELLING = Channel("setup", {"id": "raw", "dtype": "float32"}, telling=True)
"""What agents tell each other before the first round, in numbers of 32 bits."""


class Coding(NamedTuple):
    """How an agent's frames of a channel are made: codec, and the largest frame that it makes.

    ``fixed`` says whether all frames are that large; ``pad`` are the bits that only fill up bytes.
    """

    codec: Codec
    vectors: int
    fingerprint: int
    size: int
    pad: int
    fixed: bool


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


Heard = Mapping[int, Sequence[Message]]
"""What an asynchronous agent gets: by source, oldest first; the inbox may lack neighbours."""


class Exchange(NamedTuple):
    """One yield of a round: messages by receiver, and whom to hear from before going on.

    Asynchronous methods say what they ``wait`` for: ``all`` sources (one frame of each), ``any`` of
    them (one frame of each that has arrived by then; for an agent whose answer its sources wait
    for), or ``none``: the agent takes what has arrived, and goes on at once.
    """

    out: Mapping[int, Message] = {}
    sources: Sequence[int] = ()
    wait: str = "all"


class Wire(Protocol):
    """Where an agent writes its frames."""

    def buffer(self, channel: int, receiver: int, size: int) -> Bytes:
        """Return a free send buffer of at least ``size`` bytes; no frame in flight lies in it."""
