"""MPI equals lockstep bit for bit: rows, ledgers, frames; only the seconds differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from homes import home, wide

from netopt.algorithms import Algorithm
from netopt.codecs import Codec
from netopt.core import packing
from netopt.frame import HEADER_BYTES
from netopt.registry import discover

from .conftest import FAULTY, netopt

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


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_mpi_equals_lockstep_for_every_algorithm(
    algorithm: str, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """With the codecs that it has by default."""
    file = run_file(
        f"""
rounds: 7
problem: {{id: quadratic, dimension: 33}}
topology: {json.dumps(home(algorithm))}
algorithm: {algorithm}
record: {{every: 3, frames: 4}}
"""
    )
    assert_parity(file, tmp_path)


@pytest.mark.parametrize("codec", CODECS)
def test_mpi_equals_lockstep_for_every_codec(
    codec: str, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """On the way up to the hub."""
    file = run_file(
        f"""
rounds: 5
problem: {{id: quadratic, dimension: 33}}
topology: {{id: star, size: 4}}
algorithm: {{id: gd, lr: 0.001}}
codecs: {{up: {json.dumps(wide(codec))}}}
record: {{every: 3, frames: 4}}
"""
    )
    assert_parity(file, tmp_path)


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
