"""The results table puts finished runs side by side: what was reached, and what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from netopt.report import units
from netopt.report.reading import RunFiles
from netopt.report.text import number, plain

if TYPE_CHECKING:
    from rich.table import Table

WIDTH, WIDER = 110, 14
"""Characters of the table as text, and those that each column about lossy links adds."""


class Column(NamedTuple):
    """A head, a ``short`` one for tables with many columns, and what a run's cell says.

    A column that some runs lack is ``shown`` if it has something to say about one of the others.
    """

    head: str
    short: str
    cell: Callable[[RunFiles], str]
    shown: Callable[[RunFiles], bool] | None = None


def results(runs: Sequence[RunFiles]) -> Table:
    """Return a table with one line a run, each with the numbers of its last row.

    Payload bits are exact; header bytes are '-' for a run that was interrupted. The columns for
    the accuracy, lambda_min and emulated seconds are there if any run has one, and those for bytes
    that were sent again and frames that were lost if any run has some.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    columns = _columns(runs)
    crowded = any(column in (*LOSSY, EMULATED) for column in columns)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold")
    for column in columns:
        head = column.short if crowded else column.head
        table.add_column(head, justify="right", no_wrap=True)
    for run in runs:
        name = Text(run.directory.name)
        table.add_row(name, *(column.cell(run) for column in columns))
    return table


def results_text(runs: Sequence[RunFiles]) -> str:
    """Return the table of ``results`` as plain text without colour.

    It is 110 characters wide, and wider only for runs whose links lose frames.
    """
    lossy = sum(column in LOSSY for column in _columns(runs))
    return plain(results(runs), WIDTH + WIDER * lossy)


def _columns(runs: Sequence[RunFiles]) -> list[Column]:
    return [one for one in COLUMNS if one.shown is None or any(one.shown(run) for run in runs)]


def _last(name: str) -> Callable[[RunFiles], str]:
    return lambda run: number(run.rows[-1].get(name))


def _has(name: str) -> Callable[[RunFiles], bool]:
    return lambda run: name in run.rows[-1]


def _sum(name: str) -> Callable[[RunFiles], int]:
    """Return what sums a column of edges.csv."""
    return lambda run: sum(edge[name] for edge in run.edges)


def _count(name: str, written: Callable[[int], str]) -> Callable[[RunFiles], str]:
    """Return what writes that sum; '-' if the books were not closed."""
    return lambda run: written(_sum(name)(run)) if run.edges else "-"


def _header(run: RunFiles) -> str:
    header = (run.summary or {}).get("header_bytes")
    return "-" if header is None else units.size(header)


def _emulated(run: RunFiles) -> str:
    emulated = run.rows[-1].get("emulated_seconds")
    return "-" if emulated is None else units.seconds(emulated)


def _timed(run: RunFiles) -> bool:
    return _emulated(run) != "-"


def _some(name: str) -> Callable[[RunFiles], bool]:
    return lambda run: _sum(name)(run) > 0


LOSSY = (
    Column("resent", "resent", _count("resent_bytes", units.size), _some("resent_bytes")),
    Column("lost frames", "lost", _count("lost_frames", str), _some("lost_frames")),
)
"""What only runs whose links lose frames have."""
EMULATED = Column("emulated", "emulated", _emulated, _timed)
COLUMNS = (
    Column("loss", "loss", _last("loss")),
    Column("test accuracy", "accuracy", _last("accuracy"), _has("accuracy")),
    Column("lambda_min", "lambda_min", _last("lambda_min"), _has("lambda_min")),
    Column("consensus error", "consensus", _last("consensus")),
    Column(
        "payload bits",
        "payload bits",
        lambda run: units.bits(run.rows[-1]["payload_bits"], exact=True),
    ),
    Column("header bytes", "header", _header),
    *LOSSY,
    EMULATED,
    Column("seconds", "seconds", lambda run: units.seconds(run.rows[-1]["seconds"])),
    Column("rounds", "rounds", lambda run: str(run.rows[-1]["round"])),
)
