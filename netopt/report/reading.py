"""Reading knows the files of a run directory, and says which line of which file is wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from netopt import yamlfile
from netopt.errors import ConfigError
from netopt.recorder import EDGE_COLUMNS

Row = dict[str, Any]
Column = npt.NDArray[np.float64]
AGAIN = "run the experiment again"
OLDER = tuple(name for name in EDGE_COLUMNS if name != "lost_frames")
"""The columns of edges.csv before links could lose frames."""


class RunFiles(NamedTuple):
    """The content of one run directory.

    ``summary`` is None if the run was killed before it could write one. ``edges`` has a mapping
    from the columns of edges.csv to integers for each directed edge; it is empty for a run that was
    interrupted, whose books were never closed. A run of a version whose links lost no frames has
    lost none.
    """

    directory: Path
    config: Row
    manifest: Row
    rows: list[Row]
    edges: list[dict[str, int]]
    summary: Row | None


def load(directory: str | Path) -> RunFiles:
    """Return all that a run directory holds.

    Raises ConfigError that names the file, the line and the cure for a directory or file that is
    missing, a file that is malformed, and metrics without a row.
    """
    folder = existing(directory)
    summary = _mapping(folder / "summary.json") if (folder / "summary.json").exists() else None
    closed = summary is not None and summary.get("stopped_by") != "interrupt"
    return RunFiles(
        directory=folder,
        config=configuration(folder),
        manifest=_mapping(folder / "manifest.json"),
        rows=_metrics(folder / "metrics.jsonl"),
        edges=_edges(folder / "edges.csv") if closed else [],
        summary=summary,
    )


def existing(directory: str | Path) -> Path:
    """Return ``directory`` as a path; ConfigError if there is no such directory."""
    folder = Path(directory)
    if not folder.is_dir():
        what = "is not a directory" if folder.exists() else "does not exist"
        raise ConfigError(f"'{folder}' {what}; give a directory that 'netopt run' wrote")
    return folder


def configuration(folder: Path) -> Row:
    """Return the resolved run file of a run directory."""
    return yamlfile.read(_present(folder / "run.yaml"))


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """Return each column of the rows as an array, shape (rows,) float64; null becomes NaN.

    A column that only some rows have is NaN in the others.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    values = {name: [row.get(name) for row in rows] for name in names}
    return {
        name: np.array([np.nan if v is None else v for v in column], dtype=np.float64)
        for name, column in values.items()
    }


def json_lines(file: Path) -> Iterator[tuple[str, Row]]:
    """Yield the place ('file' line n) and the mapping of each line; ConfigError for a bad one."""
    for number, line in enumerate(_read(file).splitlines(), start=1):
        place = f"'{file}' line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{place} is not JSON ({error}); delete it, or {AGAIN}") from None
        if not isinstance(row, dict):
            raise ConfigError(f"{place} must be a mapping, got {line}; delete it, or {AGAIN}")
        yield place, row


def _metrics(file: Path) -> list[Row]:
    rows = []
    for place, row in json_lines(file):
        for name, value in row.items():
            if not isinstance(value, int | float | None) or isinstance(value, bool):
                raise ConfigError(
                    f"{place}: {name} must be a number or null, got {value!r}; delete the line, "
                    f"or {AGAIN}"
                )
        if "round" not in row:
            raise ConfigError(f"{place} has no 'round'; delete it, or {AGAIN}")
        rows.append(row)
    if not rows:
        raise ConfigError(f"'{file}' is empty: the run ended before its first row; {AGAIN}")
    return rows


def _edges(file: Path) -> list[dict[str, int]]:
    lines = list(csv.reader(_read(file).splitlines()))
    names = tuple(lines[0]) if lines else ()
    if names not in (EDGE_COLUMNS, OLDER):
        raise ConfigError(f"'{file}' line 1 must be {','.join(EDGE_COLUMNS)}; {AGAIN}")
    return [_edge(names, line, f"'{file}' line {i}") for i, line in enumerate(lines[1:], start=2)]


def _edge(names: Sequence[str], line: Sequence[str], place: str) -> dict[str, int]:
    try:
        counts = dict(zip(names, map(int, line), strict=True))
    except ValueError:
        raise ConfigError(
            f"{place} must hold {len(names)} integers, got {','.join(line)}; {AGAIN}"
        ) from None
    return {name: counts.get(name, 0) for name in EDGE_COLUMNS}


def _mapping(file: Path) -> Row:
    try:
        content = json.loads(_read(file))
    except json.JSONDecodeError as error:
        place = f"'{file}' line {error.lineno}"
        raise ConfigError(f"{place} is not JSON ({error.msg}); {AGAIN}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"'{file}' must hold a mapping, got {type(content).__name__}; {AGAIN}")
    return content


def _read(file: Path) -> str:
    try:
        return _present(file).read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read '{file}': {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"'{file}' is not text in UTF-8 ({error.reason}); {AGAIN}") from None


def _present(file: Path) -> Path:
    if not file.is_file():
        raise ConfigError(
            f"'{file.parent}' has no {file.name}; give a directory that 'netopt run' wrote"
        )
    return file
