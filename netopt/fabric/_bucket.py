"""A token bucket shapes what an interface sends: the kernel's ``tbf``, over netlink.

pyroute2 can do it too, but leaves out the bytes that a packet has more on the link than here, and
rounds the burst. The layout is that of the kernel's include/uapi/linux/pkt_sched.h.
"""

from __future__ import annotations

import os
import socket
import struct

from netopt.fabric._plan import LIMIT, Shape

RTM_NEWQDISC, NLMSG_ERROR = 36, 2
REQUEST_ACK_CREATE_EXCLUSIVELY = 0x1 | 0x4 | 0x200 | 0x400
HANDLE, ROOT = 0x10000, 0xFFFFFFFF
KIND, OPTIONS = 1, 2
PARAMETERS, RATE64, BURST = 1, 4, 6
ETHERNET_LAYER = 1
"""Says that a packet's bytes are what it costs; without it the kernel wants a table of costs."""
MOST_32 = 2**32 - 1


def add(index: int, shape: Shape) -> None:
    """Give an interface of this thread's namespace, by number, a bucket; OSError if refused."""
    message = request(index, shape)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.bind((0, 0))
        kernel.send(message)
        answer = kernel.recv(1 << 16)
    _, kind, _, _, _, code = struct.unpack_from("=IHHIIi", answer)
    if kind == NLMSG_ERROR and code:
        raise OSError(-code, f"tbf: {os.strerror(-code)}")


def request(index: int, shape: Shape) -> bytes:
    """Return the message that asks for it."""
    rate = max(round(shape.rate / 8), 1)
    spec = struct.pack("=BBHhHI", 0, ETHERNET_LAYER, shape.overhead, 0, 0, min(rate, MOST_32))
    parameters = struct.pack("=12s12sIII", spec, b"", LIMIT, 0, 0)
    options = _attribute(PARAMETERS, parameters) + _attribute(BURST, struct.pack("=I", shape.burst))
    if rate > MOST_32:
        options += _attribute(RATE64, struct.pack("=Q", rate))
    body = struct.pack("=BxxxiIII", socket.AF_UNSPEC, index, HANDLE, ROOT, 0)
    body += _attribute(KIND, b"tbf\0") + _attribute(OPTIONS, options)
    head = struct.pack("=IHHII", 16 + len(body), RTM_NEWQDISC, REQUEST_ACK_CREATE_EXCLUSIVELY, 1, 0)
    return head + body


def _attribute(kind: int, value: bytes) -> bytes:
    padding = b"\0" * (-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding
