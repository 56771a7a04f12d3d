"""Counters know what the kernel has counted at every cable's ends and at the agents' stubs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from netopt.fabric import _kernel
from netopt.fabric._plan import STUB, Plan, interface, namespace


class Count(msgspec.Struct, frozen=True):
    """Packets and bytes since the interface was made, each with its 14 bytes of Ethernet header.

    Of a direction, ``tx`` was counted where it is sent and ``rx`` where it arrives (the kernel
    derives both from one counter of the pair); of a stub, both at the agent's end. ``drops`` are
    packets that a queue or an interface threw away on that way.
    """

    tx_packets: int = 0
    tx_bytes: int = 0
    rx_packets: int = 0
    rx_bytes: int = 0
    drops: int = 0

    def __sub__(self, before: Count) -> Count:
        """Return what was counted since ``before``."""
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(before), strict=True)
        return Count(*(now - then for now, then in pairs))


class Counters(NamedTuple):
    """``directions`` by (sender, receiver), also those that carry acknowledgements only."""

    directions: Mapping[tuple[int, int], Count]
    stubs: Mapping[int, Count]


def read(plan: Plan) -> Counters:
    """Return the counters of a fabric; OSError if it is not there."""
    found = [_kernel.within(namespace, _interfaces) for namespace in plan.agents]
    ways = [(end.agent, end.peer) for end in plan.ends]
    stubs = {}
    for agent, interfaces in enumerate(found):
        stub = interfaces[STUB]
        sent = (stub.tx_packets, stub.tx_bytes)
        heard = (stub.rx_packets, stub.rx_bytes)
        stubs[agent] = Count(*sent, *heard, stub.tx_dropped + stub.rx_dropped)
    return Counters({way: _direction(found, way) for way in ways}, stubs)


def of_edges(
    name: str, size: int, edges: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], Count]:
    """Return what is still there of the counters of a fabric that is known by its name."""
    found = [_if_there(namespace(name, agent)) for agent in range(size)]
    return {edge: _direction(found, edge) for edge in edges if _whole(found, edge)}


def _if_there(namespace: str) -> dict[str, _Interface]:
    try:
        return _kernel.within(namespace, _interfaces)
    except OSError:  # it is gone
        return {}


def _direction(found: Sequence[Mapping[str, _Interface]], way: tuple[int, int]) -> Count:
    source, target = way
    here, there = found[source][interface(target)], found[target][interface(source)]
    dropped = here.tx_dropped + there.rx_dropped
    return Count(here.tx_packets, here.tx_bytes, there.rx_packets, there.rx_bytes, dropped)


def _whole(found: Sequence[Mapping[str, _Interface]], way: tuple[int, int]) -> bool:
    source, target = way
    return interface(target) in found[source] and interface(source) in found[target]


class _Interface(NamedTuple):
    tx_packets: int
    tx_bytes: int
    rx_packets: int
    rx_bytes: int
    tx_dropped: int
    rx_dropped: int


def _interfaces(kernel: Any) -> dict[str, _Interface]:
    queued = {queue["index"]: _drops(queue) for queue in kernel.get_qdiscs()}
    found = {}
    for link in kernel.get_links():
        stats = dict(link.get_attr("IFLA_STATS64"))
        stats["tx_dropped"] += queued.get(link["index"], 0)
        values = _Interface(*(stats[name] for name in _Interface._fields))
        found[link.get_attr("IFLA_IFNAME")] = values
    return found


def _drops(queue: Any) -> int:
    """Return what a queue threw away; those that the kernel counts by ``TCA_STATS`` have it all."""
    stats = queue.get_attr("TCA_STATS")
    return int(stats["drop"]) if stats else 0
