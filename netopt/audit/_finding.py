"""What an audit has found, as JSON: the witnesses, each direction, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from netopt.audit._kernel import GREETING, PACKET, TOLERANCE, Account
from netopt.audit._verdict import Line
from netopt.audit._witness import Count, Transport


class Witness(NamedTuple):
    """Who testifies, and how it counts; ``absent`` says why it does not, empty if it does."""

    name: str
    how: str
    absent: str = ""


class Finding(NamedTuple):
    """The outcome of an audit; ``library`` is what the MPI library calls itself."""

    file: Path
    library: str
    changes: Sequence[str]
    witnesses: Sequence[Witness]
    transport: Transport
    lines: Sequence[Line]

    @property
    def agree(self) -> bool:
        """Whether no witness disagrees with another."""
        return not any(line.problems for line in self.lines)


def plain(finding: Finding) -> dict[str, Any]:
    """Return all of it as JSON knows it."""
    return {
        "file": str(finding.file),
        "mpi": finding.library,
        "changes": list(finding.changes),
        "witnesses": [witness._asdict() for witness in finding.witnesses],
        "framing": {
            "packet_bytes": PACKET,
            "transport": finding.transport._asdict(),
            "tolerance": TOLERANCE,
            "least_bytes": GREETING,
        },
        "edges": [_line(line) for line in finding.lines if line.edge],
        "others": [_line(line) for line in finding.lines if not line.edge],
        "agree": finding.agree,
    }


def _line(line: Line) -> dict[str, Any]:
    source, target = line.way
    return {
        "src": source,
        "dst": target,
        "ledger": line.ledger._asdict(),
        "mpi": None if line.mpi is None else _messages(line.mpi),
        "kernel": None if line.kernel is None else _account(line.kernel),
        "agree": not line.problems,
        "problems": list(line.problems),
    }


def _messages(count: Count) -> dict[str, int]:
    return {"messages": count.units, "bytes": count.bytes}


def _account(kernel: Account) -> dict[str, int]:
    return {**kernel._asdict(), "explained": kernel.explained, "off": kernel.off}
