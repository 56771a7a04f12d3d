"""A tiny run file, and ways to check and to play a sweep over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from netopt.sweep import _program
from netopt.sweep._grid import Grid

TINY = """\
rounds: 6
problem: {id: quadratic, dimension: 3}
topology: {id: ring, size: 3}
algorithm: {id: dgd, lr: 0.05}
codecs: {mix: {id: qsgd, levels: 4}}
record: {every: 2}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of the run file."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    return path


@pytest.fixture
def grid(file: Path) -> Callable[..., Grid]:
    """Return a function that makes the grid of some --set words."""
    return lambda *words, over=("seed",): Grid(file, words, "lockstep", over)


@pytest.fixture
def sweep(file: Path, tmp_path: Path) -> Callable[..., int]:
    """Return a function that plays a sweep into tmp_path/out and returns the exit code."""

    def playing(*words: str, **options: object) -> int:
        out = tmp_path / "out"
        return _program.run(_program.Wish(str(file), words, out=out)._replace(**options))

    return playing
