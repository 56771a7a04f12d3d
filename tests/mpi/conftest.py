"""Runs commands of netopt under a timeout that ends their whole process group."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Done, command, netopt

__all__ = ["FAULTY", "Done", "command", "netopt"]

FAULTY = Path(__file__).with_name("faulty.py")


@pytest.fixture
def run_file(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a run file and returns its path."""

    def write(text: str) -> Path:
        file = tmp_path / "job.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write
