"""MPICH's witness: libfabric, which carries MPICH's messages, traces each one that arrives.

MPICH itself counts nothing (the wheel has no performance variables), but the libfabric beneath it
has a hook that logs every completion: bytes, the sender's rank, and a tag whose upper bits are the
communicator's context. An odd context belongs to collectives, an even one to messages between two
ranks. Shared memory would go around libfabric, so it is switched off.
"""

from __future__ import annotations

import re
from pathlib import Path

from netopt.audit._witness import Absence, Count, Traffic, Transport, add, need_all

FAMILY = "MPICH"
HOW = (
    "libfabric, which carries MPICH's messages, traces each that arrives: bytes, sender, and "
    "whether it belongs to a collective (MPICH itself counts nothing)"
)
VARIABLES = {
    "MPIR_CVAR_NOLOCAL": "1",  # no shared memory
    "MPIR_CVAR_CH4_NETMOD": "ofi",
    "FI_PROVIDER": "tcp",
    "FI_HOOK": "trace",
    "FI_LOG_LEVEL": "trace",
    "FI_LOG_SUBSYS": "fabric,cq",
}
TRANSPORT = Transport(header=32, limit=128, more=0, answer=16)
"""The provider tcp puts 16 bytes, 8 of the sender's rank and 8 of the tag before each message.

It answers what MPICH does not inject at once by 16 bytes: delivered. Measured by the kernel's
counters with libfabric 2.5, exactly.
"""
TAG_BITS = 31
"""Bits of a tag below the communicator's context."""
CONTEXT_BITS = 20
"""Bits of the context; above it lies the protocol, 0 for a message that is sent at once."""
_INSTALLED = "Installing trace hook"
_STEM = "libfabric"
_ARRIVED = re.compile(
    r":cq:trace_cq_\w+\(\):\d+<trace> ctx \S+ flags 0x[0-9a-f]+ len (\d+) buf .{1,30}, "
    r"data (\d+) tag 0x([0-9a-f]+)"
)


def file(folder: Path, rank: str) -> Path:
    """Return where the trace of a rank goes."""
    return folder / f"{_STEM}.{rank}.log"


def complaints(folder: Path) -> list[str]:
    """Return what MPI itself said, other than libfabric's traces, on the first rank that did."""
    for path in sorted(folder.glob(f"{_STEM}.*.log")):
        lines = path.read_text("utf-8", errors="replace").splitlines()
        said = [line for line in lines if not line.startswith("libfabric:")]
        if said:
            return said
    return []


def read(folder: Path, size: int) -> Traffic:
    """Return what libfabric saw among ``size`` ranks; Absence if it has no such hook."""
    texts = {
        int(path.suffixes[-2][1:]): path.read_text("utf-8", errors="replace")
        for path in folder.glob(f"{_STEM}.[0-9]*.log")
    }
    need_all(texts, size, "the MPI library")
    if not all(_INSTALLED in text for text in texts.values()):
        raise Absence(
            "MPICH counts nothing itself, and what carries its messages here is no libfabric with "
            "a trace hook; the one in the mpich wheel has it"
        )
    heard = Traffic({}, {}, {})
    for rank, text in texts.items():
        for arrived in _ARRIVED.finditer(text):
            _take(arrived, rank, heard)
    return heard


def _take(arrived: re.Match[str], rank: int, heard: Traffic) -> None:
    """Add one message that has arrived at ``rank``."""
    size, edge, context = int(arrived[1]), (int(arrived[2]), rank), int(arrived[3], 16) >> TAG_BITS
    if context >> CONTEXT_BITS:
        raise Absence(f"rank {rank} got a message by a protocol that is unknown: {arrived[0]!r}")
    add(heard.collective if context % 2 else heard.messages, edge, Count(1, size))
    heard.large[edge] = heard.large.get(edge, 0) + (size > TRANSPORT.limit)
