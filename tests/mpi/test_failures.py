"""A rank that fails takes the others down within seconds, with one readable message."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import interrupted

from netopt.launcher import find_mpirun, is_open_mpi

from .conftest import FAULTY, command, netopt

JOB = """
rounds: 2000
problem: {id: faulty}
topology: {id: ring, size: 5}
algorithm: dgd
network: {timeout: 3}
"""


def fails(file: Path, out: Path, *more: str, driver: str = "mpi") -> tuple[int, str]:
    """Run a job that must fail; return its exit code and its one error line."""
    began = time.monotonic()
    done = netopt("run", file, "--load", FAULTY, "--driver", driver, "--out", out, *more)
    assert time.monotonic() - began < 15, "all ranks end within 5 s, start-up and timeout apart"
    other = ("OMP_", "OMPI_", "/", "netopt: warning: the C extension")
    told = [line for line in done.err.splitlines() if not line.startswith(other)]
    assert len(told) == 1, done.err
    return done.code, told[0]


@pytest.mark.parametrize("driver", ["mpi", "lockstep"])
def test_a_rank_that_raises_is_named_with_round_and_edges(
    driver: str, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    code, line = fails(run_file(JOB), tmp_path / "o", "--set", "problem.how=raise", driver=driver)
    assert code == 1
    assert re.fullmatch(
        r"netopt: error: agent 2, round 5, exchange 0 \(edges 2 -> 1, 2 -> 3\): "
        r"ValueError: boom \(faulty\.py:\d+\)",
        line,
    )


@pytest.mark.parametrize("driver", ["mpi", "lockstep"])
def test_a_gradient_that_is_not_finite_ends_with_code_3(
    driver: str, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    code, line = fails(run_file(JOB), tmp_path / "o", "--set", "problem.how=nan", driver=driver)
    assert code == 3
    assert line.startswith(
        "netopt: error: agent 2, round 5: the gradient is not finite (|x| reaches "
    )


def test_a_stuck_exchange_says_who_waits_for_whom(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    code, line = fails(run_file(JOB), tmp_path / "o", "--set", "problem.how=sleep")
    assert code == 4
    assert line.startswith("netopt: error: nothing arrived for 3 s: ")
    assert "agent 1 waits for agent 2 in round 5, exchange 0 (edge 2 -> 1)" in line
    assert "agent 3 waits for agent 2 in round 5, exchange 0 (edge 2 -> 3)" in line
    assert line.endswith("; agent 2 did not answer at all")


def test_a_neighbour_that_does_not_listen_is_an_error_over_mpi(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    code, line = fails(run_file(JOB), tmp_path / "o", "--set", "algorithm=deaf")
    assert code == 4
    late = r"edge \d -> 1, round 4, exchange 0: round 4 expected, got 3"
    early = r"edge 1 -> \d, round 3, exchange 0: round 3 expected, got 4"
    assert re.fullmatch(f"netopt: error: ({late}|{early})", line)


def test_lockstep_names_who_does_not_listen(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    code, line = fails(run_file(JOB), tmp_path / "o", "--set", "algorithm=deaf", driver="lockstep")
    assert (code, line) == (
        4,
        "netopt: error: agent 0 sends to agent 1 in round 3, exchange 0, which does not listen",
    )


@pytest.mark.parametrize("driver", ["mpi", "lockstep"])
def test_a_message_to_a_stranger_is_refused(
    driver: str, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    code, line = fails(run_file(JOB), tmp_path / "o", "--set", "algorithm=stranger", driver=driver)
    assert (code, line) == (
        4,
        "netopt: error: agent 0, round 0, exchange 0: sends to agent 2, but there is no such edge",
    )


def test_a_rank_that_dies_without_a_word_ends_the_run(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    began = time.monotonic()
    done = netopt(
        "run", run_file(JOB), "--load", FAULTY, "--out", tmp_path / "o", "--set", "problem.how=die"
    )
    assert time.monotonic() - began < 15
    assert done.code not in (0, 2)
    assert "netopt: error: mpirun ended with exit code" in done.err


def test_a_wrong_number_of_ranks_is_told_once(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    extra = ["--oversubscribe"] if is_open_mpi(find_mpirun()) else []
    python = [sys.executable, "-m", "netopt"]
    done = command(
        [find_mpirun(), "-n", "3", *extra, *python, "run", run_file(JOB), "--load", FAULTY]
    )
    assert done.code == 2
    wanted = "netopt: error: the topology has 5 nodes, but mpirun started 3 ranks; use mpirun -n 5"
    assert done.err.splitlines().count(wanted) == 1, done.err
    assert done.err.count("netopt: error:") == 1
    assert "Traceback" not in done.err


@pytest.mark.parametrize("driver", ["mpi", "lockstep"])
def test_ctrl_c_ends_cleanly_and_leaves_valid_files(
    driver: str, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = run_file(JOB.replace("2000", "100000000"))
    out = tmp_path / "o"
    done = interrupted(out, "run", file, "--load", FAULTY, "--driver", driver)
    assert done.code == 130
    assert done.err.splitlines()[-1] == f"netopt: interrupted; what was recorded is in {out}"
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["stopped_by"] == "interrupt"
    assert summary["last"] == rows[-1]
    assert json.loads((out / "manifest.json").read_text())["driver"] == driver
    assert not list(out.glob(".*")), "no temporary file is left"
