"""What goes wrong before the first round, or beside it, ends a run as well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from netopt import launcher, worker

from .conftest import FAULTY, command, netopt

JOB = """
rounds: 3
problem: {id: faulty}
topology: {id: complete, size: 4}
algorithm: dgd
network: {timeout: 3}
"""


def test_a_rank_that_fails_while_it_starts_ends_the_run(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    began = time.monotonic()
    words = ["--load", FAULTY, "--set", "problem.how=start", "--out", tmp_path / "o"]
    done = netopt("run", run_file(JOB), *words, timeout=30)
    assert time.monotonic() - began < 15
    assert done.code == 1
    assert "netopt: error: RuntimeError('rank 1 has a bad day')" in done.err


def test_messages_of_ones_own_for_every_neighbour_arrive_over_mpi(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    words = ["--load", FAULTY, "--set", "algorithm=personal", "--set", "record.every=1"]
    for driver in ("mpi", "lockstep"):
        done = netopt("run", run_file(JOB), *words, "--driver", driver, "--out", tmp_path / driver)
        assert done.code == 0, done.err
    mpi, lockstep = (
        [json.loads(line) for line in (tmp_path / d / "metrics.jsonl").read_text().splitlines()]
        for d in ("mpi", "lockstep")
    )
    assert [row["loss"] for row in mpi] == [row["loss"] for row in lockstep]


def test_looking_at_a_slow_problem_is_not_a_stuck_exchange(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    words = ["--load", FAULTY, "--set", "problem.how=think", "--set", "network.timeout=0.5"]
    done = netopt("run", run_file(JOB), *words, "--out", tmp_path / "o")
    assert done.code == 0, done.err


def test_the_callers_standard_input_is_left_alone(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    run = f"{sys.executable} -m netopt run {run_file(JOB)} --load {FAULTY} --out {tmp_path / 'o'}"
    done = subprocess.run(
        ["sh", "-c", f"{run} >/dev/null && cat"],
        input="one\ntwo\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n"), done.stderr


@pytest.mark.parametrize("word", [signal.SIGHUP, signal.SIGTERM])
def test_a_closed_terminal_ends_the_ranks(
    word: signal.Signals, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "o"
    job = run_file(JOB.replace("rounds: 3", "rounds: 100000000"))
    process = subprocess.Popen(
        [sys.executable, "-m", "netopt", "run", str(job), "--load", str(FAULTY), "--out", str(out)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 30
        while not (out / "manifest.json").exists() and time.monotonic() < end:
            time.sleep(0.05)
        root = json.loads((out / "manifest.json").read_text())["pid"]
        process.send_signal(word)
        process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 130
    assert state(root) in ("", "Z"), "gone, or dead and waiting for its new parent to notice"


def state(pid: int) -> str:
    """Return the one-letter state of a process, '' if there is none."""
    told = ["ps", "-o", "stat=", "-p", str(pid)]
    return subprocess.run(told, capture_output=True, text=True, check=False).stdout[:1]


def test_lockstep_under_mpirun_is_refused(run_file: Callable[[str], Path]) -> None:
    done = netopt(
        "run", run_file(JOB), "--load", FAULTY, "--driver", "lockstep",
        PMI_RANK="0", PMI_SIZE="1",
    )  # fmt: skip
    assert done.code == 2
    assert "$.network.driver: lockstep plays all agents in one process" in done.err


def test_the_launchers_words_are_read_as_they_are_meant() -> None:
    words = [
        "a.yaml",
        "--set",
        "x.y=1",
        "--load",
        "p.py",
        "--set=z=a=b",
        "--quiet",
        "--out",
        "o",
        "--load",
        "q.py",
    ]
    wanted = (["x.y=1", "z=a=b"], ["p.py", "q.py"], "o", False, None, True)
    assert worker.read_order(words) == ("a.yaml", *wanted)
    assert worker.read_order(["--debug", "a.yaml"]) == ("a.yaml", [], [], "", True, None, False)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "netopt.worker takes one run file, and options it knows, got nothing"),
        ("a b", "netopt.worker takes one run file, and options it knows, got a b"),
        ("a --ste x", "netopt.worker takes one run file, and options it knows, got --ste"),
        ("a --out", "--out needs a value"),
    ],
)
def test_words_that_no_launcher_writes_are_bad_input(
    words: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert worker.main(words.split()) == 2
    assert capsys.readouterr().err == f"netopt: error: {complaint}\n"


def test_a_date_in_a_run_file_is_told_once_though_every_rank_reads_it(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    words = ["--out", str(tmp_path / "o"), str(run_file(JOB + "seed: 2026-11-25\n"))]
    arguments, variables = launcher.command(4, words)
    done = command(arguments, timeout=60, **variables)
    assert done.code == 2
    assert "netopt: error: $.seed: expected" in done.err
    assert done.err.count("netopt: error:") == 1
