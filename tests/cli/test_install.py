"""What an installed wheel holds, and that an install without a compiler still works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import netopt
from netopt import resources
from netopt.core import packing

ROOT = Path(netopt.__file__).parents[1]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "netopt", "topologies", "launch")


def wheel(folder: Path, **variables: str) -> Path:
    """Build a wheel from a copy of the sources and unpack it; return the unpacked folder."""
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("the sources are not beside the installed package")
    source = folder / "source"
    source.mkdir()
    for part in PARTS:
        path = ROOT / part
        junk = shutil.ignore_patterns("*.so", "__pycache__", "build", "*.egg-info")
        if path.is_dir():
            shutil.copytree(path, source / part, ignore=junk)
        else:
            shutil.copy(path, source / part)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "-w", str(folder), str(source)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("netopt-*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run an unpacked wheel's command line in another directory, without the checkout."""
    env = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    where = "import netopt.__main__ as m; m.main()"
    return subprocess.run(
        [sys.executable, "-c", where, *words],
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_failed_build_of_the_extension_still_gives_a_working_netopt(tmp_path: Path) -> None:
    site = wheel(tmp_path, CC="false", LDSHARED="false")
    assert not list(site.rglob("_bitpack*.so")), "the build of the extension failed"
    done = run(site, tmp_path, "run", "consensus", "--driver", "lockstep", "--set", "rounds=3")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("netopt: warning: the C extension cannot be imported") == 1
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "runs" / "consensus" / "summary.json").exists()


@pytest.mark.skipif(packing.implementation != "c", reason="no compiler has built the extension")
def test_a_wheel_brings_extension_topologies_and_experiments(tmp_path: Path) -> None:
    site = wheel(tmp_path)
    assert len(list((site / "netopt" / "core").glob("_bitpack*.so"))) == 1
    for kind in ("topologies", "experiments"):
        shipped = {file.stem for file in (site / "netopt" / "shipped" / kind).glob("*.yaml")}
        assert shipped == set(resources.names(kind))
    done = run(site, tmp_path, "plan", "saddle-escape")
    assert done.returncode == 0, done.stderr
    assert "graph w1" in done.stdout
    assert "Warning" not in done.stderr
