"""The kernel's side of a fabric: what is built in its namespaces, and how, over netlink.

Only this module and ``_namespaces`` need pyroute2.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from netopt.fabric import _bucket, _namespaces
from netopt.fabric._plan import (
    BRIDGE,
    HUB_ADDRESS,
    NETWORK,
    STUB,
    Cable,
    End,
    Plan,
    address,
)

T = TypeVar("T")

SIOCETHTOOL = 0x8946
OFFLOADS = (0x15, 0x17, 0x1F, 0x24, 0x2C)
"""ethtool's commands for receive and transmit checksums, TSO, GSO and GRO: what makes one packet of
many, and what that needs."""
BUFFERS = "4096 16777216 67108864"
"""Least, first and most bytes of a socket: those of a frame wait at the link, not for answers."""
PACE = {"initcwnd": 10_000, "initrwnd": 10_000, "rto_min": 20_000}
"""Packets that TCP may have on the way from the beginning, and the least milliseconds after which
it resends. With data both ways, an answer waits behind data of its own direction: a smaller window
would leave the link idle meanwhile, and a shorter time would take the answer for lost."""
SETTINGS = {
    "ipv6/conf/all/disable_ipv6": "1",  # no neighbour discovery among the counted packets
    "ipv6/conf/default/disable_ipv6": "1",
    "ipv4/tcp_congestion_control": "reno",  # allowed everywhere; neither paces nor probes
    "ipv4/tcp_slow_start_after_idle": "0",  # a pause between rounds is no news about the link
    "ipv4/tcp_no_metrics_save": "1",
    "ipv4/tcp_early_retrans": "0",  # nothing gets lost: resend nothing on suspicion
    "ipv4/tcp_wmem": BUFFERS,
    "ipv4/tcp_rmem": BUFFERS,
    "ipv4/tcp_limit_output_bytes": "8192",  # few packets queue at a link, so that answers are soon
}
"""Files under /proc/sys/net, and what each namespace has there; those it lacks are left out."""
LOOPBACK = 1
PACKETS = 1 << 20
"""Packets that may be on the way through a link's latency."""


def build(plan: Plan, latency: bool) -> None:
    """Build a fabric whose names are free. Latency is the kernel's too if ``latency``.

    An error leaves behind what is built until then; ``_namespaces.remove`` takes it away.
    """
    for namespace in (plan.hub, *plan.agents):
        _namespaces.create(namespace, _settle)
    cables: list[list[Cable]] = [[] for _ in plan.agents]
    ends: list[list[tuple[End, End]]] = [[] for _ in plan.agents]
    for cable in plan.cables:
        here, there = cable.ends
        cables[here.agent].append(cable)
        ends[here.agent].append((here, there))
        ends[there.agent].append((there, here))
    within(plan.hub, lambda hub: _bridge(hub, plan))
    for agent, namespace in enumerate(plan.agents):
        within(namespace, partial(_cables, plan, agent, cables[agent]))
    for agent, namespace in enumerate(plan.agents):
        within(namespace, partial(_finish, ends[agent], latency))


def within(namespace: str, work: Callable[[Any], T]) -> T:
    """Return what ``work`` returns for a netlink socket that belongs to a namespace."""

    def there() -> T:
        from pyroute2 import IPRoute

        with IPRoute() as opened:
            return work(opened)

    return _namespaces.within(namespace, there)


def _settle() -> None:
    for file, value in SETTINGS.items():
        with contextlib.suppress(OSError):
            Path("/proc/sys/net", file).write_text(value, "ascii")


def _bridge(hub: Any, plan: Plan) -> None:
    """Lead every agent's stub to a bridge, for all that does not go to a neighbour."""
    hub.link("set", index=LOOPBACK, state="up")
    # Without snooping it has nothing to say itself.
    hub.link("add", ifname=BRIDGE, kind="bridge", br_mcast_snooping=0)
    bridge = index_of(hub, BRIDGE)
    hub.addr("add", index=bridge, address=str(HUB_ADDRESS), prefixlen=NETWORK.prefixlen)
    hub.link("set", index=bridge, state="up")
    for agent, namespace in enumerate(plan.agents):
        port = f"{STUB}{agent}"
        peer = {"ifname": STUB, "net_ns_fd": str(_namespaces.FOLDER / namespace)}
        hub.link("add", ifname=port, kind="veth", peer=peer)
        hub.link("set", index=index_of(hub, port), master=bridge, state="up")


def _cables(plan: Plan, agent: int, cables: Iterable[Cable], own: Any) -> None:
    """Give an agent its address, and lay the cables that begin with it."""
    own.link("set", index=LOOPBACK, state="up")
    index = index_of(own, STUB)
    own.addr("add", index=index, address=str(address(agent)), prefixlen=NETWORK.prefixlen)
    own.link("set", index=index, state="up")
    for cable in cables:
        here, there = (
            {"ifname": e.interface, "address": e.mac, "mtu": cable.mtu} for e in cable.ends
        )
        far = str(_namespaces.FOLDER / plan.agents[cable.ends[1].agent])
        peer = {**there, "net_ns_fd": far}
        own.link("add", kind="veth", **here, peer=peer)


def _finish(ends: Iterable[tuple[End, End]], latency: bool, own: Any) -> None:
    """Give the ends of an agent's cables their queues, and the routes to them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for end, peer in ends:
            index = index_of(own, end.interface)
            for command in OFFLOADS:
                switch_off(control, end.interface, command)
            _queue(own, index, end, latency)
            own.link("set", index=index, state="up")
            target = str(address(end.peer))
            # Said once and for all, so that nobody asks around among the counted packets.
            own.neigh("add", dst=target, lladdr=peer.mac, ifindex=index, state="permanent")
            source = str(address(end.agent))
            place = {"oif": index, "prefsrc": source, "scope": "link"}
            own.route("add", dst=f"{target}/32", metrics=PACE, **place)


def _queue(own: Any, index: int, end: End, latency: bool) -> None:
    if end.shape is not None:
        _bucket.add(index, end.shape)
    if latency and end.latency:
        place = {"parent": "1:1"} if end.shape is not None else {}
        own.tc("add", "netem", index, "10:", delay=round(end.latency * 1e6), limit=PACKETS, **place)


def reason(error: BaseException) -> str:
    """Return why the kernel refused something, in its own words."""
    number = getattr(error, "code", None)
    return os.strerror(number) if isinstance(number, int) else str(error)


def index_of(own: Any, interface: str) -> int:
    """Return an interface's number."""
    return int(own.link_lookup(ifname=interface)[0])


def switch_off(control: socket.socket, interface: str, command: int) -> None:
    """Switch an interface's offload off by ethtool's ``command``, through any socket."""
    value = array.array("I", [command, 0])
    request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
    fcntl.ioctl(control.fileno(), SIOCETHTOOL, request)
