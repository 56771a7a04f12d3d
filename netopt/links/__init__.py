"""Links know how a frame fares on its way: rate, latency, jitter, loss, packets; no clock ticks.

A link belongs to a directed edge. What its options mean for a frame's arrival is in ``netopt.links.
queue``; presets are in ``netopt.links.presets``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from netopt import quantities
from netopt.errors import ConfigError
from netopt.links.presets import PRESETS
from netopt.registry import fill, suggest

Rate = Annotated[float | int | str, Meta(description="bit/s, or text such as 100 Mbit/s")]
Time = Annotated[float | int | str, Meta(description="seconds, or text such as 5 ms")]
MOST_LOSS = 0.99
"""Above it a reliable link resends a frame more than a hundred times."""


def _checked(name: str, convert: Any, value: Any) -> float:
    try:
        return float(convert(value))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


class Link(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One direction of an edge. After it is made, rates are bit/s and times seconds.

    A frame of n bytes is cut into packets of at most ``mtu`` bytes, of which ``overhead`` are
    headers; each takes ``framing`` bytes more on the wire. ``loss`` is the probability that one
    transmission of a frame is lost. Raises ValueError for an option that makes no sense.
    """

    rate: Annotated[Rate | None, Meta(description="bit/s or 100 Mbit/s; null: no limit")] = None
    latency: Annotated[
        Time, Meta(description="time from the last bit's leaving to its arrival")
    ] = 0.0
    jitter: Annotated[Time, Meta(description="uniform, 0 to this, added to the latency")] = 0.0
    loss: Annotated[
        float, Meta(ge=0, le=MOST_LOSS, description="probability that a transmission is lost")
    ] = 0.0
    on_loss: Annotated[
        Literal["reliable", "drop"],
        Meta(description="reliable: sent again until it arrives; drop: the receiver goes without"),
    ] = "reliable"
    resend_after: Annotated[
        Time, Meta(description="time after a lost transmission until it is sent again")
    ] = 0.2
    duplex: Annotated[
        Literal["full", "half"],
        Meta(description="half: both directions of the edge share the rate, as on a radio channel"),
    ] = "full"
    mtu: (
        Annotated[int, Meta(ge=1, description="most bytes of a packet; null: a frame is one")]
        | None
    ) = None
    overhead: Annotated[int, Meta(ge=0, description="header bytes within a packet's mtu")] = 0
    framing: Annotated[int, Meta(ge=0, description="bytes of the link layer around a packet")] = 0

    def __post_init__(self) -> None:
        """Convert to bit/s and seconds."""
        if self.rate is not None:
            self.rate = _checked("rate", quantities.rate, self.rate)
            if self.rate <= 0:
                raise ValueError(f"rate: expected more than 0 bit/s, got {self.rate!r}")
        for name in ("latency", "jitter", "resend_after"):
            setattr(self, name, _checked(name, quantities.duration, getattr(self, name)))
        if self.mtu is not None and self.mtu <= self.overhead:
            raise ValueError(
                f"mtu: {self.mtu} bytes have no room beside {self.overhead} bytes of overhead"
            )

    @property
    def ideal(self) -> bool:
        """Whether it is no link at all: nothing takes time and nothing is lost."""
        return self.rate is None and not (self.latency or self.jitter or self.loss)

    def packets(self, size: int) -> int:
        """Return the number of packets of a frame of ``size`` bytes."""
        if self.mtu is None:
            return 1
        return max(1, -(-size // (self.mtu - self.overhead)))

    def bits(self, size: int) -> int:
        """Return the bits that a frame of ``size`` bytes takes on the wire, with all headers."""
        return 8 * (size + self.packets(size) * (self.overhead + self.framing))

    def seconds(self, size: int) -> float:
        """Return how long a frame of ``size`` bytes occupies the link."""
        return 0.0 if self.rate is None else self.bits(size) / float(self.rate)

    def config(self) -> dict[str, Any]:
        """Return the mapping that makes this link again, with units."""
        plain = {name: getattr(self, name) for name in self.__struct_fields__}
        if self.rate is not None:
            plain["rate"] = quantities.written_rate(float(self.rate))
        for name in ("latency", "jitter", "resend_after"):
            plain[name] = quantities.written_duration(plain[name])
        return plain


IDEAL = Link()
"""What an edge is without any option: nothing takes time and nothing is lost."""


def make(spec: object, path: str) -> Link:
    """Return the link that ``spec`` describes: a preset's name, or a mapping of options.

    A mapping's ``id`` names the preset that it changes. Raises ConfigError with a suggestion.
    """
    return fill(Link, mapping(spec, path), path, "a link")


def mapping(spec: object, path: str) -> dict[str, Any]:
    """Return the options that ``spec`` gives, those of its preset included."""
    options = {"id": spec} if isinstance(spec, str) else spec
    if not isinstance(options, Mapping):
        raise ConfigError(
            f"a link is a preset's name ({', '.join(PRESETS)}) or a mapping such as "
            f"{{rate: 100 Mbit/s, latency: 5 ms}}, got {spec!r}",
            path,
        )
    options = dict(options)
    name = options.pop("id", None)
    if name is None:
        return options
    if not isinstance(name, str) or name not in PRESETS:
        hint = suggest(str(name), PRESETS) or f"; choose from {', '.join(PRESETS)}"
        raise ConfigError(f"no link is called {str(name)!r}{hint}", path)
    return {**PRESETS[name], **options}
