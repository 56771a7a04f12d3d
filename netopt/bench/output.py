"""What all benchmarks say, show and write alike: machine, tables, rows as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import netopt
from netopt import recorder
from netopt.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

Row = dict[str, Any]
BUSY = 1.0
"""A load above which seconds and ratios say more about other programs."""


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


def write(file: str | None, rows: Sequence[Row]) -> None:
    """Write rows as JSON, whole or not at all; nothing if ``file`` is None."""
    if file is not None:
        recorder.write(Path(file), json.dumps(rows, indent=1) + "\n")


def table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    """Return an empty table whose columns are aligned ``left`` and then ``right``."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    lines = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in left:
        lines.add_column(head, no_wrap=True)
    for head in right:
        lines.add_column(head, justify="right", no_wrap=True)
    return lines
