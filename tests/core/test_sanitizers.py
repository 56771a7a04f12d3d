"""The C core under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "netopt" / "core"
FLAGS = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}  # it needs ptrace, which containers forbid


def pure() -> list[Path]:
    """Return the core's sources that need no Python."""
    return [source for source in sorted(CORE.glob("*.c")) if not source.name.startswith("_")]


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Compile the core with both sanitizers; return how to link, or skip."""
    folder = tmp_path_factory.mktemp("core")
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    command = [compiler, *FLAGS, *SANITIZE]
    trial = folder / "trial.c"
    trial.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    command_for_trial = [*command, "-o", folder / "trial", trial]
    if subprocess.run(command_for_trial, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("the compiler has no address and undefined-behaviour sanitizers")
    objects = [folder / f"{source.stem}.o" for source in pure()]
    running = [
        subprocess.Popen([*command, "-c", source, "-o", target])
        for source, target in zip(pure(), objects, strict=True)
    ]
    assert [process.wait() for process in running] == [0] * len(objects)
    return [*command, "-I", str(CORE), *map(str, objects), "-lm"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["exact_buffers.c"], "every buffer was enough\n"),
        (["exact_codes.c"], "every buffer was enough\n"),
        (["tiers.c", "tiers_grid.c", "tiers_norms.c"], "portable: same bits\n"),
    ],
)
def test_no_kernel_leaves_its_buffers(
    tmp_path: Path, core: list[str], names: list[str], said: str
) -> None:
    program = tmp_path / "program"
    sources = [str(HERE / name) for name in names]
    subprocess.run([core[0], *sources, *core[1:], "-o", program], check=True)
    done = subprocess.run([program], env=NO_LEAK_CHECK, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(said)
