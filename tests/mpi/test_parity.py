"""MPI equals lockstep bit for bit: rows, ledgers, frames; only the seconds differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from homes import home, wide

from netopt import config, engine, launcher
from netopt.algorithms import Algorithm
from netopt.codecs import Codec
from netopt.core import packing
from netopt.frame import HEADER_BYTES
from netopt.registry import discover
from netopt.topologies import load

from .conftest import FAULTY, command, netopt

CODECS = sorted(discover(Codec))
ALGORITHMS = sorted(discover(Algorithm))


def comparable(directory: Path) -> tuple[list[str], str, str]:
    """Return metrics without their seconds, edges and frames of a run."""
    lines = (directory / "metrics.jsonl").read_text().splitlines()
    rows = [json.dumps({**json.loads(line), "seconds": 0}) for line in lines]
    return rows, (directory / "edges.csv").read_text(), (directory / "frames.jsonl").read_text()


def assert_parity(file: Path, tmp_path: Path, *more: str) -> None:
    """Run a file with both drivers and compare all that they leave."""
    for driver in ("mpi", "lockstep"):
        done = netopt("run", file, "--driver", driver, "--out", tmp_path / driver, *more)
        assert done.code == 0, done.err
        assert json.loads((tmp_path / driver / "summary.json").read_text())["sent_equals_received"]
        (ranks,) = json.loads((tmp_path / driver / "manifest.json").read_text())["hosts"].values()
        assert ranks == list(range(load(yaml.safe_load(file.read_text())["topology"]).size))
    assert comparable(tmp_path / "mpi") == comparable(tmp_path / "lockstep")


@pytest.mark.parametrize("agents", [2, 3, 5, 8])
def test_mpi_equals_lockstep_for_any_number_of_agents(
    agents: int, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = run_file(
        f"""
seed: 3
rounds: 12
problem: {{id: logistic, batch: 16}}
topology: {{id: {"ring" if agents > 2 else "path"}, size: {agents}}}
algorithm: qgd
record: {{every: 5, frames: 9}}
"""
    )
    assert_parity(file, tmp_path)


JOBS = {
    "algorithm": lambda name: (
        f"""
rounds: 7
problem: {{id: quadratic, dimension: 33}}
topology: {json.dumps(home(name))}
algorithm: {name}
record: {{every: 3, frames: 4}}
"""
    ),
    "codec": lambda name: (
        f"""
rounds: 5
problem: {{id: quadratic, dimension: 33}}
topology: {{id: star, size: 4}}
algorithm: {{id: gd, lr: 0.001}}
codecs: {{up: {json.dumps(wide(name))}}}
record: {{every: 3, frames: 4}}
"""
    ),
}
"""Run files by what is tested: an algorithm with its own codecs, a codec on the way to the hub."""


@pytest.fixture(scope="module")
def over_mpi(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Path]:
    """Play the jobs of all tests of this file that were asked for, many in one start of mpirun.

    Return a function that gives the folder of one job's files; it fails if that job did.
    """
    folder = tmp_path_factory.mktemp("mpi")
    waiting: dict[int, list[str]] = {}
    for item in request.session.items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        for kind in JOBS.keys() & params.keys() if item.path == request.path else ():
            job = f"{kind}-{params[kind]}"
            text = JOBS[kind](params[kind])
            (folder / f"{job}.yaml").write_text(text, encoding="utf-8")
            waiting.setdefault(load(yaml.safe_load(text)["topology"]).size, []).append(job)
    said = {
        name: why for ranks, names in waiting.items() for name, why in play(folder, ranks, names)
    }

    def played(kind: str, name: str) -> Path:
        job = f"{kind}-{name}"
        assert job not in said, said[job]
        return folder / job

    return played


def play(folder: Path, ranks: int, names: list[str]) -> Iterator[tuple[str, str]]:
    """Play jobs over MPI; yield each that fails with what it said, and start again after it."""
    while names:
        words = [str(path) for name in names for path in (folder / f"{name}.yaml", folder / name)]
        arguments, variables = launcher.command(ranks, ["mpi", *words])
        player = ["netopt.reproduce._player" if w == "netopt.worker" else w for w in arguments]
        done = command(player, timeout=240, **variables)
        names = [name for name in names if not (folder / name / "summary.json").exists()]
        if done.code == 0:
            assert names == [], "a player says when a job fails"
        else:
            yield names.pop(0), done.err


def assert_equals_lockstep(mpi: Path, lockstep: Path) -> None:
    """Play the run file of a run over MPI in this process and compare all that they leave."""
    raw = config.read(mpi / "run.yaml", ["network.driver=lockstep"])
    engine.lockstep(config.make(raw), lockstep)
    for folder in (mpi, lockstep):
        assert json.loads((folder / "summary.json").read_text())["sent_equals_received"]
    assert comparable(mpi) == comparable(lockstep)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_mpi_equals_lockstep_for_every_algorithm(
    algorithm: str, over_mpi: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """With the codecs that it has by default."""
    assert_equals_lockstep(over_mpi("algorithm", algorithm), tmp_path / "lockstep")


@pytest.mark.parametrize("codec", CODECS)
def test_mpi_equals_lockstep_for_every_codec(
    codec: str, over_mpi: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """On the way up to the hub."""
    assert_equals_lockstep(over_mpi("codec", codec), tmp_path / "lockstep")


def test_a_job_that_fails_is_told_and_the_others_are_played(tmp_path: Path) -> None:
    """The test itself: the second of three diverges, and its ranks end."""
    for name, lr in (("a", 0.001), ("b", 1e200), ("c", 0.001)):
        text = JOBS["codec"]("raw").replace("lr: 0.001", f"lr: {lr}")
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    ((name, said),) = play(tmp_path, 4, ["a", "b", "c"])
    assert (name, "netopt: error: " in said) == ("b", True), said
    assert_equals_lockstep(tmp_path / "c", tmp_path / "lockstep")


def test_frames_whose_length_depends_on_the_data_arrive(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = run_file(
        """
rounds: 6
problem: {id: sparse, dimension: 20}
topology: {id: ring, size: 4}
algorithm: dgd
codecs: {mix: short}
record: {every: 1, frames: 99}
"""
    )
    assert_parity(file, tmp_path, "--load", str(FAULTY))
    frames, rows = (
        [json.loads(line) for line in (tmp_path / "mpi" / f"{name}.jsonl").read_text().splitlines()]
        for name in ("frames", "metrics")
    )
    sizes = [len(frame["hex"]) // 2 for frame in frames]
    assert min(sizes) == HEADER_BYTES, "all is zero at first, and an empty payload travels too"
    assert len(set(sizes)) > 4
    assert len(frames) == 6 * 8
    assert rows[-1]["wire_bytes"] == sum(sizes)


@pytest.mark.skipif(packing.implementation != "c", reason="there is no C extension to compare with")
def test_the_numpy_packer_puts_the_same_bytes_on_the_wire(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = run_file(
        """
rounds: 5
problem: saddle
topology: ring-5
algorithm: qgd
record: {every: 1, frames: 50}
"""
    )
    for name, flag in (("c", ""), ("numpy", "1")):
        done = netopt("run", file, "--out", tmp_path / name, NETOPT_NO_EXTENSION=flag)
        assert done.code == 0, done.err
        assert done.err.count("netopt: warning: ") == (1 if flag else 0), done.err
    assert comparable(tmp_path / "c") == comparable(tmp_path / "numpy")
