"""The C core under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "netopt" / "core"
FLAGS = ["-std=c99", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}  # it needs ptrace, which containers forbid


def compiled(directory: Path, *sources: Path) -> Path:
    """Compile with both sanitizers, or skip with the reason."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    trial = directory / "trial.c"
    trial.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    program = directory / "program"
    command = [compiler, *FLAGS, *SANITIZE, "-o", program]
    if subprocess.run([*command, trial], capture_output=True, check=False).returncode != 0:
        pytest.skip("the compiler has no address and undefined-behaviour sanitizers")
    subprocess.run([*command, "-I", CORE, *sources], check=True)
    return program


def test_exact_buffers(tmp_path):
    sources = [HERE / "exact_buffers.c", CORE / "bitpack.c", CORE / "crc32c.c"]
    program = compiled(tmp_path, *sources)
    done = subprocess.run([program], env=NO_LEAK_CHECK, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "every buffer was enough\n"), done.stderr
