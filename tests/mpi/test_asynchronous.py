"""Asynchronous agents over MPI: they equal lockstep's bit for bit, and end cleanly however it ends.

All virtual runs share few starts of mpirun.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import interrupted
from homes import home

from netopt import config, engine
from netopt.algorithms import Algorithm
from netopt.frame import HEADER_BYTES
from netopt.registry import discover

from . import jobs
from .conftest import netopt

PACE = Path(__file__).with_name("pace.py")
ASYNCHRONOUS = sorted(name for name, cls in discover(Algorithm).items() if cls.asynchronous)
LINK = {"rate": "1 Mbit/s", "latency": "1 ms"}
ROUGH = {**LINK, "jitter": "5 ms", "loss": 0.2, "resend_after": "4 ms"}
STRAGGLER = {"compute": {"id": "fixed", "seconds": "2 ms", "slowdown": {1: 10}}}
UNEVEN = {"compute": {"id": "fixed", "seconds": "2 ms", "slowdown": [1, 1.3, 0.4, 2.2]}}
FLOPS = {"compute": {"id": "flops", "rate": 1e6, "slowdown": {2: 3}}}
EACH = {"record": {"every": 1, "frames": 9}}
GRAPHS = ({"id": "ring", "size": 4}, {"id": "star", "size": 4})
SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    # cables, network, what else
    "ideal": ({}, UNEVEN, {}),
    "latency": ({"link": {"latency": "7 ms"}}, UNEVEN, EACH),
    "rough": ({"link": ROUGH}, STRAGGLER, {"record": {"every": 4, "frames": 30}}),
    "uplink": ({"link": ROUGH, "uplink": "300 kbit/s"}, UNEVEN, {}),
    "small-tick": ({"link": LINK}, {**STRAGGLER, "tick": "300 us"}, {"rounds": 60}),
    "large-tick": ({"link": ROUGH}, {**STRAGGLER, "tick": "50 ms"}, {"rounds": 3}),
    "seconds": ({"link": ROUGH}, UNEVEN, {"stop": {"emulated_seconds": "11 ms"}}),
    "bits": (
        {"link": LINK},
        UNEVEN,
        {"stop": {"bits": 4000}, "record": {"every": 1, "frames": 9}},
    ),
    "loss": ({"link": LINK}, UNEVEN, {"stop": {"loss": 1e9}}),
    "on-its-way": ({"link": {"latency": "1 s"}}, UNEVEN, {}),
}


def job(name: str, setting: str) -> dict[str, Any]:
    """Return the run file of a method in a setting, on a graph of four that it accepts."""
    cables, network, more = SETTINGS[setting]
    raw = {
        "seed": 5,
        "rounds": 15,
        "problem": {"id": "quadratic", "dimension": 20},
        "topology": {**home(name, GRAPHS), **cables},
        "algorithm": name,
        "network": network,
        "record": {"every": 4, "frames": 9},
    }
    return {**raw, **more}


DROP = {**ROUGH, "on_loss": "drop"}
OTHERS = {
    "w1": {**job("async-gossip", "rough"), "topology": {"id": "w1", "link": ROUGH}},
    "drop": {**job("async-gossip", "rough"), "topology": {"id": "ring", "size": 4, "link": DROP}},
    "flops": {**job("async-diana", "uplink"), "network": {**FLOPS, "tick": "3 ms"}},
    "short": {
        **job("async-diana", "rough"),
        "codecs": {"up": {"id": "dithering", "coding": "gamma"}},
    },
}
VIRTUAL = {f"{n}-{s}": job(n, s) for n in ASYNCHRONOUS for s in SETTINGS} | OTHERS


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play them all over MPI; return the folder with a run directory for each."""
    folder = tmp_path_factory.mktemp("asynchronous")
    jobs.play(folder, VIRTUAL)
    return folder


def assert_alike(mpi: Path, lockstep: Path) -> None:
    """Compare what two runs leave; the frames over MPI are the first of all those in lockstep."""
    for folder in (mpi, lockstep):
        assert json.loads((folder / "summary.json").read_text())["sent_equals_received"]
    assert jobs.rows(mpi) == jobs.rows(lockstep)
    assert (mpi / "edges.csv").read_text() == (lockstep / "edges.csv").read_text()
    wanted = config.read(mpi / "run.yaml")["record"]["frames"]
    found, every = frames(mpi), frames(lockstep)
    assert len(every) < 10_000, "all of them"
    assert found == every[:wanted]


def frames(folder: Path) -> list[str]:
    """Return the lines of the frames that a run captured."""
    file = folder / "frames.jsonl"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize("name", VIRTUAL)
def test_it_equals_lockstep_bit_for_bit(name: str, played: Path, tmp_path: Path) -> None:
    made = config.make(
        config.read(played / name / "run.yaml", ["network.driver=lockstep", "record.frames=10000"])
    )
    engine.lockstep(made, tmp_path)
    assert_alike(played / name, tmp_path)
    rows = jobs.rows(played / name)
    assert all(row["emulated_seconds"] == row["round"] * made.tick for row in rows)
    wanted = {"seconds": "emulated_seconds", "bits": "bits", "loss": "loss"}
    summary = json.loads((played / name / "summary.json").read_text())
    assert summary["stopped_by"] == wanted.get(name.split("-")[-1], "rounds")


# Agents for whom it is harder to know who goes on first

HARD = {
    "pairs": ({"id": "ring", "size": 4}, UNEVEN),
    "relay": ({"id": "ring", "size": 4, "link": LINK}, UNEVEN),
    "tie": (
        {"id": "complete", "size": 3, "links": {"0->2": {"latency": "2 ms"}}},
        {"compute": {"id": "fixed", "seconds": "2 ms", "slowdown": [0, 1, 0]}},
    ),
    "told": ({"id": "star", "size": 4, "link": ROUGH}, UNEVEN),
}


def assert_both_drivers_agree(file: Path, folder: Path, captured: int = 9999) -> None:
    """Run a file whose algorithm has to be loaded with both drivers; compare what they leave."""
    for driver, more in (("mpi", ()), ("lockstep", ("--set", f"record.frames={captured}"))):
        words = ("--load", PACE, "--driver", driver, "--out", folder / driver, *more)
        done = netopt("run", file, *words)
        assert done.code == 0, done.err
    assert_alike(folder / "mpi", folder / "lockstep")


@pytest.mark.parametrize("name", HARD)
def test_agents_who_have_to_ask_each_other_equal_lockstep(
    name: str,
    run_file: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    graph, network = HARD[name]
    raw = {**job("async-gossip", "ideal"), "topology": graph, "algorithm": name}
    raw["network"] = {**network, "tick": "7 ms", "timeout": 20}
    file = run_file(json.dumps(raw))
    assert_both_drivers_agree(file, tmp_path)
    assert jobs.rows(tmp_path / "mpi")[-1]["wire_bytes"] > 1000


# Large frames, and more ranks than cores


@pytest.mark.parametrize(("ranks", "size", "ticks"), [(3, 131_072, 4), (8, 131_072, 3)])
def test_large_frames_to_agents_that_doze_do_not_block(
    ranks: int,
    size: int,
    ticks: int,
    run_file: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    """1 MB of numbers: no MPI library takes them before they are received."""
    raw = job("async-gossip", "ideal")
    raw |= {"problem": {"id": "quadratic", "dimension": size}, "rounds": ticks}
    raw |= {"topology": {"id": "ring", "size": ranks}, "algorithm": "dozing"}
    raw |= {"network": {**STRAGGLER, "tick": "6 ms"}, "record": {"every": 4}}
    assert_both_drivers_agree(run_file(json.dumps(raw)), tmp_path, 0)
    sent = jobs.edges(tmp_path / "mpi")
    assert all(row["payload_bytes"] == 8 * size * row["frames"] for row in sent)
    assert max(row["frames"] for row in sent) >= 3 * ticks


# What ends a run early


def fails(file: Path, out: Path, *more: str) -> tuple[int, str]:
    """Run a job that must fail; return its exit code and its one error line."""
    began = time.monotonic()
    done = netopt("run", file, "--load", PACE, "--out", out, *more)
    assert time.monotonic() - began < 30
    told = [line for line in done.err.splitlines() if line.startswith("netopt: error:")]
    assert len(told) == 1, done.err
    return done.code, told[0]


def bad(name: Any) -> str:
    raw = {**job("async-gossip", "ideal"), "rounds": 10**6, "algorithm": name}
    return json.dumps({**raw, "network": {**UNEVEN, "timeout": 3}})


def test_agents_that_wait_for_each_other_are_named_within_the_timeout(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    code, line = fails(run_file(bad("mute")), tmp_path / "o")
    assert code == 4
    assert line.startswith("netopt: error: nothing arrived for 3 s: ")
    for one, other in ((0, 1), (1, 0)):
        wanted = f"agent {one} waits for news of agent {other} in round 3, exchange 0 of its own"
        assert wanted in line


def test_agents_that_cannot_find_out_who_goes_on_first_are_named(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """The limit of ranks that foresee: links that take no time, and all wait for any."""
    code, line = fails(run_file(bad("relay")), tmp_path / "o")
    assert code == 4
    assert line.startswith("netopt: error: nothing arrived for 3 s: ")
    assert re.search(r"agent \d waits for news of agent \d", line)


def test_an_agent_that_raises_ends_all(run_file: Callable[[str], Path], tmp_path: Path) -> None:
    code, line = fails(run_file(bad("ill")), tmp_path / "o")
    assert code == 1
    assert re.fullmatch(
        r"netopt: error: agent 1, round 3, exchange 0 \(edges 1 -> 0, 1 -> 2\): "
        r"ValueError: boom \(pace\.py:\d+\)",
        line,
    )


def test_an_agent_that_dies_ends_all(run_file: Callable[[str], Path], tmp_path: Path) -> None:
    code, line = fails(run_file(bad({"id": "ill", "how": "die"})), tmp_path / "o")
    assert code not in (0, 2)
    assert "mpirun ended with exit code" in line


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_ctrl_c_ends_cleanly_and_leaves_valid_files(
    clock: str, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    raw = {**job("async-gossip", "latency"), "rounds": 10**8}
    if clock == "real":
        raw["network"] = {"clock": "real", "tick": "5 ms"}
    out = tmp_path / "o"
    done = interrupted(out, "run", run_file(json.dumps(raw)))
    assert done.code == 130
    assert done.err.splitlines()[-1] == f"netopt: interrupted; what was recorded is in {out}"
    summary = json.loads((out / "summary.json").read_text())
    assert summary["stopped_by"] == "interrupt"
    assert {**summary["last"], "seconds": 0} == jobs.rows(out)[-1]


# The real clock


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_on_the_wall_it_converges_and_all_arrives(
    name: str, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    raw = job(name, "latency") | {"rounds": 40, "record": {"every": 5}}
    raw["network"] = {"clock": "real", "tick": "25 ms"}
    done = netopt("run", run_file(json.dumps(raw)), "--out", tmp_path / "o")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "o" / "summary.json").read_text())["sent_equals_received"]
    rows = jobs.rows(tmp_path / "o")
    for column in ("emulated_seconds", "payload_bits", "round"):
        values = [row[column] for row in rows]
        assert values == sorted(values)
    assert rows[-1]["emulated_seconds"] >= 40 * 0.025
    measure = "consensus" if name == "async-gossip" else "distance"
    assert rows[-1][measure] < 0.7 * rows[0][measure]
    assert sum(row["frames"] for row in jobs.edges(tmp_path / "o")) > 0


def test_the_engine_s_lockstep_plays_what_these_jobs_say() -> None:
    """The jobs themselves: frames are as large as they shall be, and some are lost or resent."""
    outcome = engine.lockstep(config.make(OTHERS["drop"]), None)
    assert outcome.sent is not None
    assert outcome.sent.total().lost_frames > 0
    outcome = engine.lockstep(config.make(OTHERS["w1"]), None)
    assert outcome.sent is not None
    total = outcome.sent.total()
    assert total.resent_bytes > 0
    assert total.payload_bytes == total.frames * 160
    assert total.header_bytes == total.frames * HEADER_BYTES
