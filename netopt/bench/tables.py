"""The tables that ``netopt bench pack`` prints; what is slower than its yardstick is not hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netopt.bench.pack import RIVALS

if TYPE_CHECKING:
    from rich.table import Table

Row = dict[str, Any]


def _table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    from rich.table import Table

    lines = Table(title=title)
    for head in left:
        lines.add_column(head)
    for head in right:
        lines.add_column(head, justify="right")
    return lines


def packing(rows: Sequence[Row]) -> Table:
    """Return the rows of :func:`netopt.bench.pack.rows`, one line each."""
    here = [name for name in RIVALS if any(row[f"{name}_seconds"] for row in rows)]
    heads = ["bits", "n", "GB/s", "x memcpy", *(f"x {name}" for name in here)]
    title = "Bit packer: GB/s of plain values, and speed relative to rivals (above 1: faster)"
    lines = _table(title, ["kernel", "carrier"], heads)
    for row in rows:
        size = {"uint8": 1, "uint16": 2, "uint32": 4}[row["carrier"]]
        speed = 1e-9 * size * row["n"] / row["seconds"]
        others = [_times(row, f"{name}_seconds") for name in here]
        cells = [row["kernel"], row["carrier"], str(row["bits"]), f"{row['n']:,}"]
        lines.add_row(*cells, f"{speed:.1f}", f"{row['ratio']:.2f}", *others)
    return lines


FUSED = ("numpy_naive", "numpy_tuned", "torch")


def fused(rows: Sequence[Row]) -> Table:
    """Return the rows of :func:`netopt.bench.fused.rows`, one line each."""
    heads = ["bits", "n", "Mcoord/s", "x memcpy", "x naive", "x tuned", "x torch"]
    title = "Quantize and pack; decode: coordinates a second, speed relative to rivals"
    lines = _table(title, ["kernel", "type"], heads)
    for row in rows:
        speed = f"{row['n'] / row['seconds'] / 1e6:,.0f}"
        cells = [row["kernel"], row["carrier"], str(row["bits"] or "-")]
        others = [_times(row, f"{name}_seconds") for name in FUSED]
        lines.add_row(*cells, f"{row['n']:,}", speed, f"{row['ratio']:.2f}", *others)
    return lines


def break_even(rows: Sequence[Row]) -> Table:
    """Return the rows of :func:`netopt.bench.fused.break_even`, one line each."""
    heads = ["bits/coordinate", "encode ms", "decode ms", "checksum/encode", "pays below Gbit/s"]
    lines = _table("Break-even link of each codec, float32, n = 1e6, one core", ["codec"], heads)
    for row in rows:
        cells = [row["codec"], f"{row['bits_per_coordinate']:.2f}"]
        cells += [f"{1e3 * row[name]:.3f}" for name in ("encode_seconds", "decode_seconds")]
        lines.add_row(*cells, f"{row['crc_share']:.1%}", f"{row['gbit_s']:.0f}")
    return lines


def calls(rows: Sequence[Row]) -> Table:
    """Return the rows of :func:`netopt.bench.fused.calls`, one line each."""
    lines = _table("Cost of a call from Python", ["call"], ["ns"])
    for row in rows:
        lines.add_row(row["call"], f"{1e9 * row['seconds']:.0f}")
    return lines


def targets(rows: Sequence[Row]) -> Table:
    """Return the rows of :func:`netopt.bench.targets.judge`, one line each."""
    heads = ["wanted", "worst", "median", "held"]
    lines = _table("Targets", ["item", "measured as", "worst at"], heads)
    for row in rows:
        numbers = [f"{row[name]:.2f}" for name in ("wanted", "worst", "median")]
        held = "yes" if row["held"] else "no"
        lines.add_row(row["item"], row["unit"], row["at"], *numbers, held)
    return lines


def _times(row: Row, name: str) -> str:
    other = row.get(name)
    return f"{other / row['seconds']:.1f}" if other else "-"
