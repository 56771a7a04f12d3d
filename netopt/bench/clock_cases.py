"""Cases of the clock's benchmark: a graph, a rate and a size of frames, as run files."""

from __future__ import annotations

from typing import Any, NamedTuple

from netopt.errors import ConfigError
from netopt.frame import HEADER_BYTES
from netopt.links import Link
from netopt.quantities import rate as bits_per_second
from netopt.quantities import written_rate

PACKETS = {"mtu": 1500, "overhead": 52, "framing": 14}
"""What the kernel's token bucket sees of TCP: IPv4 and TCP with timestamps, an Ethernet header."""
ITEM = 8
"""Bytes of a coordinate: frames are raw float64."""
SIZES = tuple(2**k for k in range(10, 21, 2))
RATES = ("10 Mbit/s", "100 Mbit/s")
SECONDS = 1.5
"""How long a case plays, about; at least ``FEWEST`` rounds and at most ``MOST``."""
FEWEST, MOST = 6, 300


ANSWER = 33
"""Bytes of TCP's answers to a packet: it answers two with one, of 66."""
TINY = HEADER_BYTES + ITEM
"""The smallest frame: one coordinate."""


class Case(NamedTuple):
    """Frames of ``frame`` bytes on all edges of a ``graph`` (ring or star) of ``agents``.

    ``rate`` None: as fast as the kernel can.
    """

    graph: str
    agents: int
    rate: str | None
    frame: int

    @property
    def exchanges(self) -> int:
        """How many frames cross one after the other in a round: a star's go up, then down."""
        return 2 if self.graph == "star" else 1

    @property
    def answers(self) -> float:
        """Return the seconds a round in which answers to the other direction take the link.

        On a star nothing goes the other way at the same time.
        """
        if self.rate is None or self.graph == "star":
            return 0.0
        return 8 * ANSWER * Link(**PACKETS).packets(self.frame) / bits_per_second(self.rate)  # type: ignore[arg-type]

    @property
    def rounds(self) -> int:
        """How many rounds are timed."""
        if self.rate is None:
            return MOST
        seconds = Link(rate=self.rate, **PACKETS).seconds(self.frame) * self.exchanges  # type: ignore[arg-type]
        return max(FEWEST, min(MOST, round(SECONDS / seconds)))

    def run(self) -> dict[str, Any]:
        """Return the run file: as many rounds to warm up as are timed."""
        algorithm = {"id": "gd", "lr": 1e-9} if self.graph == "star" else {"id": "consensus"}
        raw = {"id": "raw", "dtype": "float64"}
        return {
            "rounds": 2 * self.rounds,
            "problem": {"id": "quadratic", "dimension": (self.frame - HEADER_BYTES) // ITEM},
            "topology": {
                "id": self.graph,
                "size": self.agents,
                "link": {"rate": self.rate, **PACKETS},
            },
            "algorithm": algorithm,
            "codecs": {c: raw for c in (("up", "down") if self.graph == "star" else ("mix",))},
            "network": {"clock": "virtual"},
            "record": {"every": self.rounds},
        }


def cases(sizes: str | None, rates: str | None, quick: bool) -> list[Case]:
    """Return ring-4 and star-5 at each rate with each size; ConfigError if one makes no sense."""
    chosen = SIZES[1::2] if quick else SIZES
    wanted = chosen if sizes is None else tuple(_size(word) for word in sizes.split(","))
    speeds = RATES if rates is None else tuple(_rate(word) for word in rates.split(","))
    graphs = (("ring", 4), ("star", 5))
    return [Case(*graph, speed, size) for graph in graphs for speed in speeds for size in wanted]


def _size(word: str) -> int:
    if not word.strip().isdecimal() or not TINY <= int(word) <= 2**24:
        raise ConfigError(f"--sizes takes bytes of a frame, {TINY} to {2**24}, got {word!r}")
    return int(word)


def _rate(word: str) -> str:
    try:
        return written_rate(bits_per_second(word))
    except ValueError as error:
        raise ConfigError(f"--rates: {error}") from None
