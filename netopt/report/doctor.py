"""The doctor looks at an installation and says, for each thing that is wrong, what cures it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from netopt.errors import ConfigError
from netopt.launcher import usable_cores
from netopt.report import machine, mpi, slurm
from netopt.report.finding import Finding

if TYPE_CHECKING:
    from rich.console import RenderableType

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "bad": ("✗", "red")}


def findings() -> list[Finding]:
    """Return what was found, in the order in which it is best cured; MPI is started twice."""
    found = list(_guarded(_machine, "machine"))
    return found + list(_guarded(_mpi, "MPI"))


def render(findings: Sequence[Finding]) -> RenderableType:
    """Return the findings as a table, each cure below what it cures.

    Of tasks that srun started as strangers only the first shows it; the others show nothing.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if _strangers(findings) and slurm.silent():
        return Group()
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        mark, colour = MARKS[finding.state]
        text = finding.detail + (f"\ncure: {finding.cure}" if finding.cure else "")
        table.add_row(Text(mark, style=colour), Text(finding.name), Text(text))
    return table


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 1 if something is bad, 2 if srun started strangers, else 0; warnings do not count."""
    if _strangers(findings):
        return ConfigError.exit_code  # not the installation is wrong, but how it was started
    return int(any(finding.state == "bad" for finding in findings))


def _strangers(findings: Sequence[Finding]) -> bool:
    """Return whether srun's tasks do not know of each other."""
    return any(finding.name == "srun" and finding.state == "bad" for finding in findings)


def _machine() -> Iterator[Finding]:
    yield machine.python()
    yield machine.compiler()
    yield machine.extension()
    yield machine.cores()
    yield machine.threads()
    yield machine.data()


def _mpi() -> Iterator[Finding]:
    yield mpi.wheels()
    library, finding = mpi.library()
    yield finding
    path, whose, finding = mpi.starter()
    yield finding
    if library and path:
        yield mpi.match(library, path, whose)
    if path:
        yield mpi.root(whose)
        yield mpi.slots(whose, usable_cores())
    started = mpi.srun(library.size) if library else None
    if started:
        yield started
    if library and path:
        yield mpi.smoke()


def _guarded(look: Callable[[], Iterator[Finding]], what: str) -> Iterator[Finding]:
    """Yield findings; a look that fails is a finding too, since a doctor must not fall ill."""
    try:
        yield from look()
    except Exception as error:
        detail = f"looking at it failed: {type(error).__name__}: {error}"
        yield Finding(what, "bad", detail, "please report this with the line above")


__all__ = ["Finding", "exit_code", "findings", "render"]
