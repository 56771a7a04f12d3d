"""Counters know what the kernel has counted at every cable's ends and at the agents' stubs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from netopt.fabric import _kernel
from netopt.fabric._plan import STUB, Plan


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
    directions = {}
    for end in plan.ends:
        here = found[end.agent][end.interface]
        there = found[end.peer][f"edge{end.agent}"]
        directions[end.agent, end.peer] = Count(
            here.tx_packets,
            here.tx_bytes,
            there.rx_packets,
            there.rx_bytes,
            here.tx_dropped + there.rx_dropped,
        )
    stubs = {}
    for agent, interfaces in enumerate(found):
        stub = interfaces[STUB]
        sent = (stub.tx_packets, stub.tx_bytes)
        heard = (stub.rx_packets, stub.rx_bytes)
        stubs[agent] = Count(*sent, *heard, stub.tx_dropped + stub.rx_dropped)
    return Counters(directions, stubs)


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
