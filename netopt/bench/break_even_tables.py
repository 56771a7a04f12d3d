"""The tables that ``netopt bench break-even`` prints: parts, whole messages, and the checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netopt.bench.break_even_cases import BASE, PLAIN
from netopt.bench.link_tables import rate
from netopt.bench.output import BUSY, table
from netopt.report.units import seconds, size

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

Row = dict[str, Any]
SHOWN = ("wire", "total")


def render(rows: Sequence[Row]) -> Group:
    """Return the rows of :func:`netopt.bench.break_even.measure` as tables."""
    from rich.console import Group

    tables = [_parts(rows), _whole(rows), _speeds(rows)]
    if any(row["checks"] for row in rows):
        tables.append(_checks(rows))
    return Group(*tables, _notes(rows))


def pays(verdict: Row, head: str = "") -> str:
    """Return on which links a codec pays, in words.

    >>> pays({"pays": "below", "rate": 2.5e8})
    'below 250 Mbit/s'
    """
    kind, even = verdict[f"{head}pays"], verdict[f"{head}rate"]
    return kind if even is None else f"{kind} {rate(even)}"


def between(verdict: Row) -> str:
    """Return the verdicts at the quartiles, the lower speed first; '' if they are one.

    >>> between({"slow_pays": "below", "slow_rate": 2e8, "quick_pays": "below", "quick_rate": 3e8})
    '200 to 300 Mbit/s'
    """
    slow, quick = pays(verdict, "slow_"), pays(verdict, "quick_")
    kinds = {verdict["slow_pays"], verdict["quick_pays"]}
    if slow == quick or len(kinds) > 1:
        return "" if slow == quick else f"{slow} to {quick}"
    low, high = (rate(value) for value in sorted((verdict["slow_rate"], verdict["quick_rate"])))
    unit = high.partition(" ")[2]
    return f"{low.removesuffix(f' {unit}')} to {high}"


def _parts(rows: Sequence[Row]) -> Table:
    title = f"The parts of a message of d = {rows[0]['d']:,} numbers"
    lines = table(title, ("codec",), ("frame", "bits each", "encode", "decode", "MPI"))
    for row in rows:
        cells = [size(round(row["frame_bytes"])), f"{8 * row['frame_bytes'] / row['d']:.3g}"]
        parts = ("encode", "decode", "wait")
        cells += [f"{seconds(row[part])} ±{row[f'{part}_spread'] / 2:.0%}" for part in parts]
        lines.add_row(row["codec"], *cells)
    return lines


def _whole(rows: Sequence[Row]) -> Table:
    rates = [at["rate"] for at in rows[0]["at"]]
    heads = [head for one in rates for head in ("wire", f"all at {rate(one)}")]
    lines = table("The same over a link: on the wire, and in all", ("codec",), heads)
    for row in rows:
        lines.add_row(row["codec"], *(seconds(a[name]) for a in row["at"] for name in SHOWN))
    return lines


def _speeds(rows: Sequence[Row]) -> Table:
    heads = [head for name in PLAIN for head in (f"against {name}", "quartiles")]
    lines = table("The links on which a codec pays", ("codec",), heads)
    for row in rows:
        found = [row["against"].get(name) for name in PLAIN]
        cells = [
            cell for one in found for cell in ((pays(one), between(one)) if one else ("-", ""))
        ]
        lines.add_row(row["codec"], *cells)
    return lines


def _checks(rows: Sequence[Row]) -> Table:
    heads = ("link", "codec", "predicted", BASE, "predicted", "ratio", "predicted", "held")
    clock = next(check["clock"] for row in rows for check in row["checks"])
    title = f"Trades over links that the {clock} clock emulates, beside the parts' prediction"
    lines = table(title, ("",), heads)
    for row in rows:
        for check in row["checks"]:
            both = ("measured", "predicted", "plain", "predicted_plain")
            cells = [rate(check["rate"]), *(seconds(check[name]) for name in both)]
            cells += [f"{check[name]:.2f}" for name in ("ratio", "predicted_ratio")]
            lines.add_row(row["codec"], *cells, "yes" if check["held"] else "no")
    return lines


def _notes(rows: Sequence[Row]) -> str:
    """Return what the numbers mean and what they were measured on."""
    first = rows[0]
    turns = sorted({row["turns"] for row in rows[len(PLAIN) :]})
    notes = [
        f"Medians of {' to '.join(map(str, turns[:1] + turns[1:][-1:]))} turns ± half the distance "
        "of the quartiles. encode and decode: the thread's own seconds, header and checksum "
        f"included; MPI: from encoded to arrived on this machine. A codec pays where encode + "
        f"decode + bits / rate is less than with plain {BASE}; quartiles: of what turns differ.",
    ]
    if any(row["checks"] for row in rows):
        notes.append("ratio: codec over float32, below 1 it pays.")
    real = any(check["clock"] == "real" for row in rows for check in row["checks"])
    if first["load"] >= BUSY and real:
        notes.append(
            "The machine was busy, which makes seconds on the wall longer: check on an idle one, "
            "or with --check virtual."
        )
    library = " ".join(first["mpi"].split())
    return " ".join([*notes, f"{first['machine']}, load {first['load']:.1f} before; {library}"])
