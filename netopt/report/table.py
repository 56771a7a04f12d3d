"""The results table puts finished runs side by side: what was reached, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netopt.report import units
from netopt.report.reading import RunFiles
from netopt.report.text import number, plain

if TYPE_CHECKING:
    from rich.table import Table


EXTRA = {"accuracy": "test accuracy", "lambda_min": "lambda_min"}
"""Columns that only some runs have, and their heads."""
COST = ("consensus error", "payload bits", "header bytes", "seconds", "rounds")


def results(runs: Sequence[RunFiles]) -> Table:
    """Return a table with one line a run, each with the numbers of its last row.

    Payload bits are exact; header bytes are '-' for a run that was interrupted. The columns for
    the accuracy and for lambda_min are there if any run has one.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    extra = [name for name in EXTRA if any(name in run.rows[-1] for run in runs)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold")
    for name in ("loss", *(EXTRA[name] for name in extra), *COST):
        table.add_column(name, justify="right", no_wrap=True)
    for run in runs:
        table.add_row(Text(run.directory.name), *_cells(run, extra))
    return table


def results_text(runs: Sequence[RunFiles]) -> str:
    """Return the table of ``results`` as plain text, 110 characters wide, without colour."""
    return plain(results(runs), 110)


def _cells(run: RunFiles, extra: Sequence[str]) -> list[str]:
    last = run.rows[-1]
    header = (run.summary or {}).get("header_bytes")
    return [
        number(last["loss"]),
        *(number(last.get(name)) for name in extra),
        number(last["consensus"]),
        units.bits(last["payload_bits"], exact=True),
        "-" if header is None else units.size(header),
        units.seconds(last["seconds"]),
        str(last["round"]),
    ]
