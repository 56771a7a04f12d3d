"""The recorder knows the run directory: what is written, when, and that no file is ever half there.

metrics.jsonl grows a whole line at a time; every other file appears complete or not at all.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import netopt
from netopt.core import packing
from netopt.errors import ConfigError, NetoptError
from netopt.ledger import Ledger, Tally
from netopt.network import Capture

EDGE_COLUMNS = ("src", "dst", *Tally._fields)


class Recorder:
    """Writes one run into ``directory``, which must be new or empty."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._metrics: io.FileIO | None = None

    def open(self, resolved: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
        """Create the directory with run.yaml and manifest.json; ConfigError if it cannot be."""
        from netopt import yamlfile  # late: the root's alone

        check_free(self.directory)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            # First, since of two runs that want the same directory only one gets past this line.
            self._metrics = io.FileIO(self.directory / "metrics.jsonl", "x")
            write(self.directory / "run.yaml", yamlfile.dump(dict(resolved)))
            write(self.directory / "manifest.json", json.dumps(manifest, indent=2) + "\n")
        except OSError as error:
            raise ConfigError(
                f"cannot write the run directory '{self.directory}': {error.strerror}; "
                "choose another with --out"
            ) from None

    def row(self, row: Mapping[str, Any]) -> None:
        """Append one row to metrics.jsonl, whole or not at all; NetoptError if it cannot be."""
        assert self._metrics is not None
        line = (json.dumps(finite(row), allow_nan=False) + "\n").encode()
        start = self._metrics.tell()
        try:
            if self._metrics.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._metrics.truncate(start)
            raise NetoptError(
                f"cannot write '{self.directory / 'metrics.jsonl'}': {error.strerror}"
            ) from None

    def trace(self, text: str) -> None:
        """Write trace.json; NetoptError if it cannot be."""
        self._write_all({"trace.json": text})

    def close(self) -> None:
        """Close metrics.jsonl; the rows that it holds stay valid whatever happened."""
        if self._metrics is not None:
            self._metrics.close()

    def finish(
        self, summary: Mapping[str, Any], sent: Ledger | None, frames: Sequence[Capture]
    ) -> None:
        """Write edges.csv, the captured frames, and summary.json as the last file."""
        self.close()
        files = {"summary.json": json.dumps(summary, indent=2) + "\n"}
        if frames:
            files = {"frames.jsonl": "".join(map(_frame_line, frames)), **files}
        if sent is not None:
            files = {"edges.csv": edges_csv(sent), **files}
        self._write_all(files)

    def _write_all(self, files: Mapping[str, str]) -> None:
        try:
            for name, text in files.items():
                write(self.directory / name, text)
        except OSError as error:
            raise NetoptError(f"cannot write into '{self.directory}': {error.strerror}") from None


def finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with None for NaN and infinity, which JSON does not know."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def check_free(directory: Path) -> None:
    """Raise ConfigError if ``directory`` exists and is not an empty folder."""
    try:
        if directory.exists() and not directory.is_dir():
            raise ConfigError(f"the output directory '{directory}' is a file; choose another")
        taken = directory.exists() and (not directory.is_dir() or any(directory.iterdir()))
    except OSError as error:
        raise ConfigError(f"cannot read '{directory}': {error.strerror}") from None
    if taken:
        raise ConfigError(
            f"the output directory '{directory}' exists and is not empty; choose another with --out"
        )


def check_writable(directory: Path) -> None:
    """Raise ConfigError unless ``directory`` is free and could be made; nothing is created."""
    check_free(directory)
    place = directory.absolute()
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise ConfigError(
            f"no permission to write in '{place}', where the run directory '{directory}' would be; "
            "choose another with --out"
        )


def write(file: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all."""
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, file)


def edges_csv(ledger: Ledger) -> str:
    """Return the ledger as CSV, one line a directed edge."""
    import csv  # late: the root's alone, and at the end

    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(EDGE_COLUMNS)
    for edge, counts in zip(ledger.edges, ledger.counts, strict=True):
        lines.writerow((*edge, *(int(c) for c in counts)))
    return text.getvalue()


def _frame_line(frame: Capture) -> str:
    round_, exchange, source, target, data = frame
    row = {"round": round_, "exchange": exchange, "src": source, "dst": target, "hex": data.hex()}
    return json.dumps(row) + "\n"


def manifest(
    seed: int,
    driver: str,
    library: str | None,
    agents: int,
    hosts: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, Any]:
    """Return where and with what a run happened; the pid is the root's, for a clean Ctrl-C.

    ``hosts`` are the agents on each host by its name; all are here if not given.
    """
    return {
        "netopt": netopt.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "packer": packing.implementation,
        "tier": packing.tier(),
        "driver": driver,
        "mpi": library,
        "agents": agents,
        "seed": seed,
        "host": platform.node(),
        "hosts": hosts or {platform.node(): list(range(agents))},
        "pid": os.getpid(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "command": sys.argv,
    }
