"""An audit as a table for its reader: a line an edge, the witnesses side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from netopt.audit._finding import Finding
from netopt.audit._kernel import PACKET, Account
from netopt.audit._verdict import Line
from netopt.audit._witness import Count

if TYPE_CHECKING:
    from rich.table import Table

LEDGER = ("frames", "bytes")
MPI = ("messages", "bytes (MPI)")
KERNEL = ("packets", "bytes (kernel)", "explained", "off")
FEW = 10
"""Directions whose problems are told; JSON has all."""


def table(finding: Finding) -> Table:
    """Return the table; a witness that is absent has no columns."""
    from rich import box
    from rich.table import Table

    mpi = any(line.mpi is not None for line in finding.lines)
    kernel = any(line.kernel is not None for line in finding.lines)
    heads = [*LEDGER, *(MPI if mpi else ()), *(KERNEL if kernel else ())]
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("edge", no_wrap=True)
    for head in heads:
        shown.add_column(head, justify="right")
    shown.add_column("verdict")
    for line in finding.lines:
        if line.edge:
            shown.add_row(*_cells(line, mpi, kernel))
    return shown


def _cells(line: Line, mpi: bool, kernel: bool) -> list[str]:
    cells = [_way(line), str(line.ledger.frames), str(line.ledger.bytes)]
    if mpi:
        cells += _messages(line.mpi)
    if kernel:
        cells += _account(line.kernel)
    return [*cells, "disagree" if line.problems else "agree"]


def _way(line: Line) -> str:
    return f"{line.way[0]} -> {line.way[1]}"


def _messages(count: Count | None) -> list[str]:
    return ["-"] * len(MPI) if count is None else [str(number) for number in count]


def _account(kernel: Account | None) -> list[str]:
    if kernel is None:
        return ["-"] * len(KERNEL)
    share = kernel.off / kernel.bytes if kernel.bytes else 0.0
    return [str(kernel.packets), str(kernel.bytes), str(kernel.explained), f"{share:+.2%}"]


def words(finding: Finding) -> Iterator[str]:
    """Yield the lines below the table: witnesses, other directions, problems, the verdict."""
    for witness in finding.witnesses:
        if witness.absent:
            yield f"{witness.name}: not available: {witness.absent}"
        else:
            yield f"{witness.name}: {witness.how}"
    if any(line.ledger.more for line in finding.lines):
        yield "messages beyond the frames: resent ones and the set-up; the ledger has their bytes"
    others = [line for line in finding.lines if not line.edge]
    if others:
        yield f"between agents without an edge ({len(others)} directions): {_others(others)}"
    wrong = [line for line in finding.lines if line.problems]
    for line in wrong[:FEW]:
        yield f"{_way(line)}: {'; '.join(line.problems)}"
    if len(wrong) > FEW:
        yield f"and {len(wrong) - FEW} more directions; --json FILE has all"
    yield _verdict(finding)


def _others(lines: Sequence[Line]) -> str:
    wrong = sum(bool(line.problems) for line in lines)
    return f"{wrong} disagree" if wrong else "netopt's control traffic, and nothing else"


def _verdict(finding: Finding) -> str:
    here = [witness.name for witness in finding.witnesses if not witness.absent]
    if len(here) == 1:
        return f"verdict: only the {here[0]} testifies, and it agrees with itself at both ends"
    names = f"{', '.join(here[:-1])} and {here[-1]}"
    return f"verdict: {names} {'agree' if finding.agree else 'disagree'}"


def framing(finding: Finding) -> str:
    """Return in words what explains the kernel's bytes."""
    header, limit, more, answer = finding.transport
    larger = f", {answer} back for one above {limit}" if answer else ""
    larger += f" and {more} more there" if more else ""
    return (
        "counters of each edge's interface; explained: the ledger's bytes, control traffic as the "
        f"MPI library saw it, {header} bytes a message of its transport{larger}, what TCP resent, "
        f"and {PACKET} bytes of headers a packet; to within 1 %"
    )
