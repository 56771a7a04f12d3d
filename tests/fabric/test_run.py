"""Runs across the fabric: what is written, and that no end of a run leaves anything behind."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netopt import fabric
from netopt.errors import ConfigError
from netopt.fabric import _namespaces, _state

pytestmark = [pytest.mark.serial, pytest.mark.usefixtures("kernel")]
JOB = """
problem: {id: quadratic, dimension: 4096}
topology: {id: ring, size: 4, link: {rate: 100 Mbit/s, mtu: 1500, overhead: 52, framing: 38}}
algorithm: dgd
codecs: {mix: raw}
rounds: 20
"""
FOREVER = ("--set", "rounds=1000000")


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Return a run file."""
    (tmp_path / "job.yaml").write_text(JOB, "utf-8")
    return tmp_path / "job.yaml"


class Run:
    """A ``netopt run --fabric`` in a session of its own, ended with the test."""

    def __init__(self, job: Path, out: str, *more: str) -> None:
        words = [sys.executable, "-m", "netopt", "run", job, "--fabric", *more]
        self.out = job.parent / out
        self.told = self.out.with_suffix(".err")
        with open(self.told, "w", encoding="utf-8") as told:
            self.process = subprocess.Popen(
                [*map(str, words), "--out", str(self.out)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=told,
                start_new_session=True,
            )

    def name(self) -> str:
        """Return the fabric's name."""
        found = re.search(r"^netopt: fabric (netopt-\d+): ", self.told.read_text("utf-8"), re.M)
        assert found, self.told.read_text("utf-8")
        return found[1]

    def play(self) -> None:
        """Wait until the first row is written."""
        rows = self.out / "metrics.jsonl"
        wait(lambda: self.process.poll() is not None or (rows.exists() and rows.stat().st_size > 0))
        assert self.process.poll() is None, self.told.read_text("utf-8")


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    """Return a list of runs that are to be ended."""
    started: list[Run] = []
    yield started
    for run in started:
        if run.process.poll() is None:
            os.killpg(run.process.pid, signal.SIGKILL)
            run.process.wait()


def wait(happens: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so; fail if it does not become so."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def left(name: str) -> list[object]:
    """Return what there still is of a fabric."""
    spaces = [space for space in _namespaces.names() if space.startswith(f"{name}-")]
    return spaces + [record for record in _state.records() if record.name == name]


def test_two_runs_at_once_end_alone_and_count_what_they_sent(job: Path, runs: list[Run]) -> None:
    """At each cable the bytes of the run's own ledger, and 66 a packet more; control traffic and
    MPI's own words, together, are far less than a frame."""
    runs += [Run(job, "one"), Run(job, "two", "--set", "seed=1")]
    for run in runs:
        assert run.process.wait(100) == 0, run.told.read_text("utf-8")
    assert runs[0].name() != runs[1].name()
    for run in runs:
        assert left(run.name()) == []
        record = fabric.read(run.out)
        assert record.name == run.name()
        with open(run.out / "edges.csv", encoding="utf-8") as file:
            ledger = {(int(row["src"]), int(row["dst"])): row for row in csv.DictReader(file)}
        assert {(edge.source, edge.target) for edge in record.edges} == set(ledger)
        for edge in record.edges:
            row = ledger[edge.source, edge.target]
            sent = int(row["payload_bytes"]) + int(row["header_bytes"])
            inside = edge.counted.tx_bytes - 66 * edge.counted.tx_packets
            assert sent <= inside <= 1.4 * sent
            assert edge.counted.tx_bytes == edge.counted.rx_bytes
            assert (edge.rate, edge.mtu, edge.carries) == (1e8, 1500, "messages")
            assert edge.counted.drops == 0
        host = json.loads((run.out / "manifest.json").read_text("utf-8"))["host"]
        assert host == record.stubs[0].namespace


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_what_asks_a_run_to_end_leaves_nothing_but_its_files(
    word: signal.Signals, job: Path, runs: list[Run]
) -> None:
    runs.append(run := Run(job, "out", *FOREVER))
    run.play()
    name = run.name()
    assert left(name)
    run.process.send_signal(word)
    assert run.process.wait(30) == 130
    assert left(name) == []
    assert {"summary.json", "fabric.json"} <= {file.name for file in run.out.iterdir()}
    last = run.told.read_text("utf-8").splitlines()[-1]
    assert last == f"netopt: interrupted; what was recorded is in {run.out}"


def test_ranks_end_when_the_launcher_is_killed_and_clean_takes_the_rest(
    job: Path, runs: list[Run]
) -> None:
    runs += [killed := Run(job, "killed", *FOREVER), kept := Run(job, "kept", *FOREVER)]
    for run in runs:
        run.play()
    spaces = [space for space in left(killed.name()) if isinstance(space, str)]
    assert len(spaces) == 5
    assert len(_namespaces.inhabitants(spaces)) >= 4
    killed.process.kill()
    killed.process.wait()
    wait(lambda: not _namespaces.inhabitants(spaces), 15)
    assert left(killed.name()), "only clean can remove it"
    done = netopt("fabric", "clean")
    assert f"{killed.name()} is removed\n" in done
    assert left(killed.name()) == []
    assert kept.process.poll() is None, "what has an owner is not touched"
    assert len(left(kept.name())) == 6
    kept.process.send_signal(signal.SIGINT)
    assert kept.process.wait(30) == 130
    assert left(kept.name()) == []


def test_a_failing_rank_leaves_nothing(job: Path, runs: list[Run]) -> None:
    runs.append(run := Run(job, "out", "--set", "algorithm.lr=1.0e+300"))
    assert run.process.wait(60) == 3, run.told.read_text("utf-8")
    assert left(run.name()) == []


def test_a_fabric_that_is_up_stays_until_it_is_down(job: Path) -> None:
    name = f"netopt-t{os.getpid()}"
    try:
        assert netopt("fabric", "up", job, "--name", name).startswith(f"{name} is up: 4 agents, 4 ")
        assert len(left(name)) == 6
        assert f"{name}: 4 agents, made " in (shown := netopt("fabric", "status"))
        assert re.search(r"0->1 +│ +100 Mbit/s +│ +0 +│ +0 +│ +0 ", shown)
        netopt("fabric", "clean")
        assert len(left(name)) == 6, "it is no crashed run's"
    finally:
        told = netopt("fabric", "down", name)
    assert told == f"{name} is removed\n"
    assert left(name) == []


def netopt(*words: object) -> str:
    """Run the command line; return what it prints."""
    command = [sys.executable, "-m", "netopt", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_without_a_fabric_has_no_record(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        fabric.read(tmp_path)
    assert str(caught.value) == (
        f"'{tmp_path}' has no fabric.json; 'netopt run FILE --fabric' makes a run that has"
    )
    (tmp_path / "fabric.json").write_text('{"format": 1}', "utf-8")
    with pytest.raises(ConfigError, match=r"fabric.json' cannot be read: Object missing required"):
        fabric.read(tmp_path)


def test_lockstep_has_no_use_for_a_fabric(job: Path) -> None:
    words = [sys.executable, "-m", "netopt", "run", job, "--fabric", "--driver", "lockstep"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "netopt: error: $.network.driver: lockstep plays all agents in one process, which no "
        "fabric connects; use --driver mpi\n",
    )
