"""Everything that ``netopt bench pack`` measures, shows and writes down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netopt.bench import fused, pack, tables, targets, timing
from netopt.bench.output import check_writable, machine, write
from netopt.core import packing

if TYPE_CHECKING:
    from rich.console import RenderableType


def run(quick: bool, file: str | None, show: Callable[[RenderableType], None]) -> None:
    """Measure, hand each table to ``show`` as it is ready, and write the rows to ``file``.

    ``quick`` takes fewer sizes and widths. ConfigError if ``file`` cannot be written; that is
    found before anything is measured.
    """
    check_writable(file)
    show(f"{machine()}, {timing.pin()}, tier {packing.tier()}")
    packed = pack.rows(pack.QUICK_SIZES, pack.QUICK_WIDTHS, 7) if quick else pack.rows()
    show(tables.packing(packed))
    size = 100_000 if quick else 1_000_000
    vectors = fused.rows(size, () if quick else (100_000, 10_000_000))
    show(tables.fused(vectors))
    links, calls = fused.break_even(size), fused.calls()
    show(tables.break_even(links))
    show(tables.calls(calls))
    judged = targets.judge([*packed, *vectors, *links], packing.tier())
    judged += targets.judge_calls(calls)
    show(tables.targets(judged))
    write(file, [*packed, *vectors])
