"""Queues: when a frame leaves and arrives, in seconds of whatever clock its two ends use.

A link is a FIFO: departure = max(ready, link free), link free = departure + bits / rate, arrival =
link free + latency + jitter. All is plain arithmetic on floats, so that two ends, or two drivers,
that feed it the same get the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from netopt.keys import Key
from netopt.links import Link

WORDS = 8
"""Random words that are drawn at first; twice as many each time that they do not suffice."""
FULL = 2**32
MOST_RESENT = 2**16


class Stamp(NamedTuple):
    """When a frame began and ended to leave its sender's interface, in seconds.

    Both are the time at which it was ready, unless the sender has an uplink.
    """

    begin: float
    end: float


class Fate(NamedTuple):
    """What chance has for a frame: how often it is sent again, whether it is lost, its jitter (s).

    Only a link that drops loses a frame; only a reliable one sends it again.
    """

    resent: int = 0
    lost: bool = False
    jitter: float = 0.0


CERTAIN = Fate()
"""The fate of every frame on a link without loss and jitter."""


class Flight(NamedTuple):
    """A frame of ``size`` bytes on its way along a directed edge."""

    source: int
    target: int
    size: int
    stamp: Stamp
    fate: Fate = CERTAIN


def fate(link: Link, key: Key) -> Fate:
    """Return a frame's fate on ``link``; ``key`` says which frame, and both of its ends know it."""
    if not (link.loss or link.jitter):
        return CERTAIN
    tries = _losses(link, key._replace(part=0)) if link.loss else 0
    share = int(key._replace(part=1).words(1)[0]) / FULL if link.jitter else 0.0
    lost = link.on_loss == "drop" and tries > 0
    return Fate(0 if lost else tries, lost, share * float(link.jitter))


def _losses(link: Link, key: Key) -> int:
    """Return the lost transmissions before the first that arrives; at most one if it drops."""
    below, most, count = link.loss * FULL, 1 if link.on_loss == "drop" else MOST_RESENT, 0
    drawn: list[int] = []
    while count < most:
        if count == len(drawn):
            drawn = key.words(2 * len(drawn) or WORDS).tolist()
        if drawn[count] >= below:
            break
        count += 1
    return count


class Shared:
    """A rate (bit/s) that several frames share, one after the other; None: no limit."""

    def __init__(self, rate: float | None) -> None:
        self._rate, self._free = rate, 0.0

    def leave(self, ready: float, bits: int, resent: int = 0) -> Stamp:
        """Return when a frame that is ``ready`` begins and ends to leave.

        The rate is taken for as long again by each time that it is ``resent``, and at once: what
        leaves next does not wait for the time after which a loss is noticed.
        """
        if self._rate is None:
            return Stamp(ready, ready)
        begin, seconds = max(ready, self._free), bits / self._rate
        self._free = begin + (1 + resent) * seconds
        return Stamp(begin, begin + seconds)

    def enter(self, first: float, last: float, bits: int) -> float:
        """Return when a frame is whole whose first and last bits come so."""
        if self._rate is None:
            return last
        self._free = max(last, max(first, self._free) + bits / self._rate)
        return self._free


class Line:
    """The channel of a directed edge, or of both directions of a half-duplex one.

    It cuts through: a frame whose first bit has left the sender's interface is on the line, at
    the lower of the two rates. A frame that is sent again keeps the line, so that all arrive in
    the order in which they left, also those with less jitter.
    """

    def __init__(self) -> None:
        self._free = 0.0
        self._latest: dict[int, float] = {}

    def carry(self, link: Link, flight: Flight) -> tuple[float, float]:
        """Return when the first and the last bit of a frame arrive, or would have if it is lost."""
        seconds = link.seconds(flight.size)
        begin = max(flight.stamp.begin, self._free)
        end = max(begin + seconds, flight.stamp.end)
        for _ in range(flight.fate.resent):
            begin = end + float(link.resend_after)
            end = begin + max(seconds, flight.stamp.end - flight.stamp.begin)
        self._free = end
        delay = float(link.latency) + flight.fate.jitter
        before = self._latest.get(flight.source, 0.0)
        self._latest[flight.source] = last = max(end + delay, before)
        return max(begin + delay, before), last


class Ports:
    """One agent's end of all its links; times are those of the clock that it is asked with.

    ``links`` are those of the directed edges that begin or end at ``rank``; ``uplink`` and
    ``downlink`` (bit/s) are what all that it sends, or gets, share.
    """

    def __init__(
        self,
        rank: int,
        links: Mapping[tuple[int, int], Link],
        uplink: float | None = None,
        downlink: float | None = None,
    ) -> None:
        self.rank, self._links = rank, links
        self._uplink, self._downlink = uplink, downlink
        self.reset()

    def reset(self) -> None:
        """Forget all traffic: every link is free at time 0."""
        self._out, self._in = Shared(self._uplink), Shared(self._downlink)
        self._lines: dict[tuple[int, int], Line] = {}
        self._left: list[Flight] = []

    def leave(self, target: int, size: int, ready: float, fate: Fate) -> Stamp:
        """Return the stamp of a frame of ``size`` bytes to ``target`` that is ``ready`` now.

        Frames of one exchange are told in the order of their targets.
        """
        link = self._links[self.rank, target]
        stamp = self._out.leave(ready, link.bits(size), fate.resent)
        if link.duplex == "half":  # both ends have to know how long the channel is taken
            self._left.append(Flight(self.rank, target, size, stamp, fate))
        return stamp

    def arrive(self, flights: Iterable[Flight]) -> dict[int, float]:
        """Return by source when the frames of one exchange to this agent are whole, in seconds.

        A lost one counts as well: until then its receiver waits. Called once an exchange, after the
        frames that leave in it, also when none arrives. Frames of a later exchange take what is
        shared after those of an earlier one, and within one in the order in which they come.
        """
        moved = [*self._left, *flights]
        self._left = []
        moved.sort(key=lambda flight: (flight.stamp.begin, flight.source, flight.target))
        came = []
        for flight in moved:
            link = self._links[flight.source, flight.target]
            first, last = self._line(flight, link).carry(link, flight)
            if flight.target == self.rank:
                came.append((first, last, flight.source, link.bits(flight.size)))
        came.sort()
        return {source: self._in.enter(first, last, bits) for first, last, source, bits in came}

    def _line(self, flight: Flight, link: Link) -> Line:
        edge = (flight.source, flight.target)
        key = (min(edge), max(edge)) if link.duplex == "half" else edge
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line()
        return line
