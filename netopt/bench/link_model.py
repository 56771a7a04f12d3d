"""How long an iteration of ``bench link`` takes on the configured link, by netopt's own queues.

That is what the test would tell of a link that is exactly what the topology says: of a window, the
last message leaves when all others have left, and the reply comes back after it.
"""

from __future__ import annotations

from netopt.bench.link_cases import BANDWIDTH, BIDIRECTIONAL, LATENCY, REPLY, WINDOW, Pair
from netopt.links.queue import Fate, Flight, Ports


def ports_of(pair: Pair) -> dict[int, Ports]:
    """Return the ports of both agents, as if they had no other neighbours."""
    links = pair.links()
    ends = zip((pair.first, pair.second), pair.uplinks, pair.downlinks, strict=True)
    return {rank: Ports(rank, links, up, down) for rank, up, down in ends}


def seconds(pair: Pair, test: str, size: int, window: int = WINDOW) -> float:
    """Return the seconds of one iteration with messages of ``size`` bytes, nothing being lost.

    Jitter counts with its mean. 0 if the link is ideal.
    """
    model = _Model(pair)
    one, two = pair.first, pair.second
    if test == LATENCY:
        return model.send(two, one, size, 1, model.send(one, two, size, 1, 0.0))
    if test == BANDWIDTH:
        return model.send(two, one, REPLY, 1, model.send(one, two, size, window, 0.0))
    assert test == BIDIRECTIONAL
    return model.swap(size, window)


class _Model:
    """Both ends of an edge, and what is on its way."""

    def __init__(self, pair: Pair) -> None:
        self._pair, self._ports = pair, ports_of(pair)
        self._fates = {
            edge: Fate(jitter=float(link.jitter) / 2) for edge, link in pair.links().items()
        }

    def leave(self, source: int, target: int, size: int, count: int, now: float) -> list[Flight]:
        """Return messages that leave at once."""
        ports, fate = self._ports[source], self._fates[source, target]
        stamps = [ports.leave(target, size, now, fate) for _ in range(count)]
        return [Flight(source, target, size, stamp, fate) for stamp in stamps]

    def send(self, source: int, target: int, size: int, count: int, now: float) -> float:
        """Return when the last of messages that leave ``now`` has arrived."""
        flights = self.leave(source, target, size, count, now)
        self._ports[source].arrive(())
        return self._ports[target].arrive(flights)[source]

    def swap(self, size: int, count: int) -> float:
        """Return when the last of messages that leave at 0 at both ends has arrived."""
        ends = (self._pair.first, self._pair.second)
        flights = {end: self.leave(end, sum(ends) - end, size, count, 0.0) for end in ends}
        return max(
            self._ports[end].arrive(flights[sum(ends) - end])[sum(ends) - end] for end in ends
        )


def value(test: str, size: int, window: int, taken: float) -> float:
    """Return what a test tells of an iteration of ``taken`` seconds: seconds, else bit/s."""
    if test == LATENCY:
        return taken / 2
    return 8 * size * window * (2 if test == BIDIRECTIONAL else 1) / taken
