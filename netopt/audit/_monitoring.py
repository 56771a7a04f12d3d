"""Open MPI's witness: its monitoring component counts what each rank gives to the library.

It writes one file a rank when MPI is finalized: a line for each peer, with the bytes and messages
sent to it, ``E`` for messages of the program itself and ``I`` for those within collectives.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from netopt.audit._witness import Absence, Count, Edge, Traffic, Transport, add, need_all

FAMILY = "Open MPI"
HOW = (
    "Open MPI's pml_monitoring counts what each rank sends to each other, messages between two "
    "ranks apart from those within collectives"
)
TRANSPORT = Transport(header=22, limit=65522, more=74, answer=64)
"""btl/tcp 8 bytes and pml/ob1 14; larger messages meet first: its rendezvous, put and fin headers.

Measured by the kernel's counters with Open MPI 5.0, within a byte a message.
"""
_LAYER = "OMPI_MCA_pml"
_STEM = "monitoring"
_LINE = re.compile(r"([EI])\t(\d+)\t(\d+)\t(\d+) bytes\t(\d+) msgs sent\b")


def variables(folder: Path) -> dict[str, str]:
    """Return what to set before MPI starts; the files go to ``folder``."""
    chosen = os.environ.get(_LAYER, "")
    # Whoever names one messaging layer has to name the one that watches it as well.
    also = {_LAYER: f"{chosen},monitoring"} if chosen and chosen[0] != "^" else {}
    return also | {
        f"{_LAYER}_monitoring_enable": "2",  # tells the program's messages from the library's own
        f"{_LAYER}_monitoring_enable_output": "3",  # to files
        f"{_LAYER}_monitoring_filename": str(folder / _STEM),
    }


def read(folder: Path, size: int) -> Traffic:
    """Return what the library saw among ``size`` ranks; Absence if a rank's file is missing."""
    texts = {
        int(file.suffixes[-2][1:]): file.read_text("utf-8")
        for file in folder.glob(f"{_STEM}.*.prof")
    }
    need_all(texts, size, "Open MPI's monitoring (is its component pml/monitoring built in?)")
    kinds: dict[str, dict[Edge, Count]] = {"E": {}, "I": {}}
    for rank, text in texts.items():
        for line in text.splitlines():
            if line.startswith(("E\t", "I\t")):
                kind, edge, count = _parse(line, rank)
                add(kinds[kind], edge, count)
    large: dict[Edge, int] = {}
    for counts in kinds.values():
        for edge, count in counts.items():
            large[edge] = large.get(edge, 0) + _large(count)
    return Traffic(kinds["E"], kinds["I"], large)


def _parse(line: str, rank: int) -> tuple[str, Edge, Count]:
    found = _LINE.match(line)
    if found is None or int(found[2]) != rank:
        raise Absence(f"Open MPI's file of rank {rank} has a line that means nothing: {line!r}")
    return found[1], (rank, int(found[3])), Count(int(found[5]), int(found[4]))


def _large(count: Count) -> int:
    """Return how many messages are large: their mean size has to tell."""
    return count.units if count.bytes > TRANSPORT.limit * count.units else 0
