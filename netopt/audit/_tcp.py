"""What TCP did in a rank's connections: bytes that it sent once more cross an edge once more.

Each rank asks the kernel about its own sockets before MPI is finalized; no privilege is needed.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

from netopt.audit._witness import Edge

_STEM = "tcp"
_RESENT = struct.Struct("=208xQ")
"""tcpi_bytes_retrans in the kernel's struct tcp_info, there since Linux 4.19."""


def write(folder: Path, rank: str) -> None:
    """Write how many bytes this process's connections have resent, by the peer's address."""
    resent: dict[str, int] = {}
    for name in os.listdir("/proc/self/fd"):
        found = _connection(int(name))
        if found is not None:
            resent[found[0]] = resent.get(found[0], 0) + found[1]
    (folder / f"{_STEM}.{rank}.json").write_text(json.dumps(resent), "utf-8")


def _connection(number: int) -> tuple[str, int] | None:
    """Return the peer's address and the bytes resent; None if it is no connection over IPv4."""
    try:
        opened = socket.socket(fileno=os.dup(number))
    except OSError:  # no socket, or gone by now
        return None
    with opened:
        if opened.family != socket.AF_INET or opened.type != socket.SOCK_STREAM:
            return None
        try:
            peer = str(opened.getpeername()[0])
        except OSError:  # it listens
            return None
        facts = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512)
    return (peer, *_RESENT.unpack_from(facts)) if len(facts) >= _RESENT.size else None


def read(folder: Path, ranks: Mapping[str, int]) -> dict[Edge, int]:
    """Return the bytes that were sent once more in each direction; ``ranks`` by their address."""
    resent: dict[Edge, int] = {}
    for file in folder.glob(f"{_STEM}.[0-9]*.json"):
        source = int(file.suffixes[-2][1:])
        for address, count in json.loads(file.read_text("utf-8")).items():
            if address in ranks:
                resent[source, ranks[address]] = count
    return resent
