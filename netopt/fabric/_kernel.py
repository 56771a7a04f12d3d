"""The kernel's side of a fabric: what is built in its namespaces, and how, over netlink.

Only this module and ``_namespaces`` need pyroute2.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from netopt.fabric import _namespaces
from netopt.fabric._plan import (
    BRIDGE,
    HUB_ADDRESS,
    LIMIT,
    NETWORK,
    STUB,
    Cable,
    End,
    Plan,
    address,
)

SIOCETHTOOL = 0x8946
OFFLOADS = {0x15: "rx", 0x17: "tx", 0x1F: "tso", 0x24: "gso", 0x2C: "gro"}
"""ethtool's commands that switch off what makes one packet of many; checksums come first."""
SETTINGS = {
    "ipv6/conf/all/disable_ipv6": "1",  # no neighbour discovery among the counted packets
    "ipv6/conf/default/disable_ipv6": "1",
    "ipv4/tcp_congestion_control": "cubic",  # others pace, or pause to probe: the link sets the pace
    "ipv4/tcp_slow_start_after_idle": "0",  # a pause between rounds is no news about the link
    "ipv4/tcp_no_metrics_save": "1",
}
"""Files under /proc/sys/net, and what each namespace has there; those it lacks are left out."""
TOKENS, DELAY = "1:", "10:"
"""Handles of an interface's two queues."""


def build(plan: Plan, latency: bool) -> None:
    """Build a fabric whose names are free. Latency is the kernel's too if ``latency``.

    An error leaves behind what is built until then; ``_namespaces.remove`` takes it away.
    """
    for namespace in (plan.hub, *plan.agents):
        _namespaces.create(namespace)
        _namespaces.within(namespace, _settle)
    with routes(plan.hub) as hub:
        _bridge(hub)
        for agent, namespace in enumerate(plan.agents):
            with routes(namespace) as own:
                _stub(hub, own, agent, namespace)
    for cable in plan.cables:
        _cable(plan, cable, latency)


@contextlib.contextmanager
def routes(namespace: str) -> Iterator[Any]:
    """Give a netlink socket that belongs to a namespace."""
    from pyroute2 import NetNS

    with NetNS(namespace, flags=0) as opened:
        yield opened


def _settle() -> None:
    for file, value in SETTINGS.items():
        with contextlib.suppress(OSError):
            Path("/proc/sys/net", file).write_text(value, "ascii")


def _bridge(hub: Any) -> None:
    hub.link("set", index=1, state="up")
    hub.link("add", ifname=BRIDGE, kind="bridge")
    index = index_of(hub, BRIDGE)
    hub.addr("add", index=index, address=str(HUB_ADDRESS), prefixlen=NETWORK.prefixlen)
    hub.link("set", index=index, state="up")


def _stub(hub: Any, own: Any, agent: int, namespace: str) -> None:
    """Lead an agent to the hub's bridge, for all that does not go to a neighbour."""
    own.link("set", index=1, state="up")
    port = f"{STUB}{agent}"
    peer = {"ifname": STUB, "net_ns_fd": namespace}
    hub.link("add", ifname=port, kind="veth", peer=peer)
    index = index_of(own, STUB)
    own.addr("add", index=index, address=str(address(agent)), prefixlen=NETWORK.prefixlen)
    own.link("set", index=index, state="up")
    hub.link("set", index=index_of(hub, port), master=index_of(hub, BRIDGE), state="up")


def _cable(plan: Plan, cable: Cable, latency: bool) -> None:
    here, there = cable.ends
    near, far = plan.agents[here.agent], plan.agents[there.agent]
    with routes(near) as own, routes(far) as other:
        peer = {"ifname": there.interface, "net_ns_fd": far, "address": there.mac, "mtu": cable.mtu}
        own.link(
            "add",
            ifname=here.interface,
            kind="veth",
            address=here.mac,
            mtu=cable.mtu,
            peer=peer,
        )
        for socket_, end, namespace, mac in ((own, here, near, there.mac), (other, there, far, here.mac)):
            index = index_of(socket_, end.interface)
            _namespaces.within(namespace, _without_offloads(end.interface))
            _queue(socket_, index, end, latency)
            socket_.link("set", index=index, state="up")
            _route(socket_, index, end, mac)


def _route(own: Any, index: int, end: End, mac: str) -> None:
    """Send what goes to the peer's address into this cable, and nothing to ask who has it."""
    target = str(address(end.peer))
    own.neigh("add", dst=target, lladdr=mac, ifindex=index, state="permanent")
    own.route("add", dst=f"{target}/32", oif=index, prefsrc=str(address(end.agent)), scope="link")


def _queue(own: Any, index: int, end: End, latency: bool) -> None:
    if end.shape is not None:
        own.tc(
            "add",
            "tbf",
            index,
            TOKENS,
            rate=round(end.shape.rate / 8),
            burst=end.shape.burst,
            limit=LIMIT,
            overhead=end.shape.overhead,
        )
    if latency and end.latency:
        place = {"parent": TOKENS + "1"} if end.shape is not None else {}
        own.tc("add", "netem", index, DELAY, delay=round(end.latency * 1e6), limit=LIMIT, **place)


def index_of(own: Any, interface: str) -> int:
    """Return an interface's number."""
    return int(own.link_lookup(ifname=interface)[0])


def _without_offloads(interface: str) -> Callable[[], None]:
    """Return what makes each packet that is counted one that a network would see."""

    def work() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            for command in OFFLOADS:
                switch(any_socket, interface, command)

    return work


def switch(any_socket: socket.socket, interface: str, command: int) -> None:
    """Switch an offload off by ethtool's ``command``."""
    import array

    value = array.array("I", [command, 0])
    request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
    fcntl.ioctl(any_socket.fileno(), SIOCETHTOOL, request)
