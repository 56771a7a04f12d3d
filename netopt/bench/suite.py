"""Everything that ``netopt bench pack`` measures, shows and writes down."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import netopt
from netopt.bench import fused, pack, tables, targets, timing
from netopt.core import packing
from netopt.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import RenderableType

Row = dict[str, Any]


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


def machine() -> str:
    """Return the processor, the number of cores and the versions that matter."""
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    return f"netopt {netopt.__version__}, {processor()}, {os.cpu_count()} cores, {versions}"


def processor() -> str:
    """Return the processor's name as Linux tells it, or as Python does elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    facts = dict(
        (name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)
    )
    if "model name" not in facts:
        return platform.processor() or platform.machine()
    numbers = f"family {facts.get('cpu family', '?')} model {facts.get('model', '?')}"
    return f"{facts['model name']} ({numbers})"


def check_writable(file: str | None) -> None:
    """Raise ConfigError unless ``file`` is None or can be written."""
    if file is None:
        return
    folder = Path(file).absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK) or Path(file).is_dir():
        raise ConfigError(f"cannot write '{file}'; name a file in a folder that exists")


def write(file: str | None, rows: list[Row]) -> None:
    """Write rows as JSON, whole or not at all; nothing if ``file`` is None."""
    if file is None:
        return
    temporary = Path(f"{file}.tmp")
    temporary.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, file)
