"""The C sources are strict C99 without a warning."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

import netopt.core

FOLDER = Path(netopt.core.__file__).parent
FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
COMPILER = shutil.which("gcc") or shutil.which("clang")


PYTHON = [f"-I{sysconfig.get_path('include')}"]


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
@pytest.mark.parametrize("source", sorted(path.name for path in FOLDER.glob("*.c")))
def test_a_source_compiles_without_a_warning(source: str) -> None:
    more = PYTHON if source.startswith("_") else ["-Wpedantic", "-Wconversion"]
    command = [str(COMPILER), *FLAGS, *more, str(FOLDER / source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
