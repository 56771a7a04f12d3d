"""The clocks over MPI: the virtual one equals lockstep's to the last bit, the real one the wall's.

All virtual runs share few starts of mpirun.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homes import home

from netopt.algorithms import Algorithm
from netopt.frame import HEADER_BYTES
from netopt.registry import discover

from . import jobs
from .conftest import FAULTY, netopt

SIZE = HEADER_BYTES + 80
"""Bytes of a frame of ten float64 numbers."""
LINK = {"rate": "1 Mbit/s", "latency": "1 ms"}
ROUGH = {**LINK, "jitter": "3 ms", "loss": 0.2, "resend_after": "10 ms"}
FLOPS = {"compute": {"id": "flops", "rate": 1e6, "slowdown": {1: 3}}}
FIXED = {"compute": {"id": "fixed", "seconds": "2 ms", "slowdown": [1, 2, 0.5, 1]}}


def job(algorithm: Any, graph: dict[str, Any], network: Any, **more: Any) -> dict[str, Any]:
    """Return a run file with its agents on a graph."""
    return {
        "seed": 5,
        "rounds": 9,
        "problem": {"id": "quadratic", "dimension": 10},
        "topology": graph,
        "algorithm": algorithm,
        "network": network,
        "record": {"every": 4, "frames": 9},
        **more,
    }


def ring(**cables: Any) -> dict[str, Any]:
    return {"id": "ring", "size": 4, **cables}


def star(**cables: Any) -> dict[str, Any]:
    return {"id": "star", "size": 4, **cables}


DIANA = {"id": "diana", "lr": 0.01}
VIRTUAL = {
    "plain": job("dgd", ring(link=LINK), FIXED),
    "ideal": job("dgd", ring(), {"clock": "virtual", **FIXED}),
    "flops": job("gradient-tracking", ring(link=LINK), FLOPS),
    "loss": job("choco-sgd", ring(link=ROUGH), FLOPS),
    "drop": job("qgd", ring(link={**ROUGH, "on_loss": "drop"}), FIXED),
    "half": job("dgd", ring(link={**ROUGH, "duplex": "half"}), FIXED),
    "star-half": job(DIANA, star(link={**ROUGH, "duplex": "half"}), FLOPS),
    "uplink": job(DIANA, star(link=LINK, uplink="2 Mbit/s"), FLOPS),
    "both": job(DIANA, star(uplink={0: "2 Mbit/s"}, downlink="3 Mbit/s", link=ROUGH), FIXED),
    "uneven": job("dgd", ring(links={"0-1": {"rate": 5e4}, "2->3": {"latency": 0.1}}), FIXED),
    "packets": job("dgd", ring(link="lora"), FLOPS),
    "varying": job("dgd", ring(link=ROUGH), FLOPS, codecs={"mix": {"id": "topk", "k": 3}}),
    "one-way": job("dgd", {"id": "ring", "size": 4, "directed": True, "link": ROUGH}, FIXED),
    "lossy-set-up": job({"id": "dcgd-plus"}, star(link=ROUGH), FLOPS),
    "no-clock": job("qgd", ring(link={**ROUGH, "on_loss": "drop"}), {"clock": "none"}),
    "stop": job("dgd", ring(link=LINK), FIXED, rounds=99, stop={"emulated_seconds": "30 ms"}),
}


SYNCHRONOUS = sorted(n for n, cls in discover(Algorithm).items() if not cls.asynchronous)
CABLES = {
    "link": {**ROUGH, "mtu": 100, "overhead": 20},
    "uplink": "5 Mbit/s",
    "downlink": "2 Mbit/s",
}


def everywhere(algorithm: str) -> dict[str, Any]:
    """Return a run of an algorithm on the first graph that it accepts, over the worst of links."""
    graph = home(algorithm)
    graph = dict(graph) if isinstance(graph, dict) else {"id": graph}
    return job(algorithm, {**graph, **CABLES}, {"compute": {"id": "flops", "rate": 1e6}}, rounds=5)


VIRTUAL |= {f"every-{name}": everywhere(name) for name in SYNCHRONOUS}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play them all over MPI; return the folder with a run directory for each."""
    folder = tmp_path_factory.mktemp("virtual")
    jobs.play(folder, VIRTUAL)
    return folder


@pytest.mark.parametrize("name", VIRTUAL)
def test_virtual_seconds_equal_lockstep_s_to_the_last_bit(
    name: str, played: Path, tmp_path: Path
) -> None:
    jobs.assert_equals_lockstep(played / name, tmp_path / "lockstep")
    emulated = [row["emulated_seconds"] for row in jobs.rows(played / name)]
    if name == "no-clock":
        assert emulated == [None] * 4
    else:
        assert emulated == sorted(emulated)
        assert emulated[0] == 0.0
        assert emulated[-1] > 0.0


def test_a_round_takes_what_its_parts_do(played: Path) -> None:
    """The slowest pair of neighbours: agent 1 takes 4 ms, and its neighbours wait for its frame."""
    every = [row["emulated_seconds"] for row in jobs.rows(played / "plain")]
    frame = 8 * SIZE / 1e6 + 1e-3
    assert every[0] == 0.0
    # Of two rounds there and back between agents 1 and 0 each computes in one.
    longest = max(4e-3, (4e-3 + 2e-3) / 2 + frame)
    assert (every[2] - every[1]) / 4 == pytest.approx(longest, rel=1e-9)


def test_a_run_ends_when_its_seconds_are_over(played: Path) -> None:
    summary = json.loads((played / "stop" / "summary.json").read_text())
    assert summary["stopped_by"] == "emulated_seconds"
    *before, last = (row["emulated_seconds"] for row in jobs.rows(played / "stop"))
    assert all(seconds < 0.03 for seconds in before)
    assert last >= 0.03


def test_frames_of_varying_length_take_varying_time(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = run_file(
        """
rounds: 6
problem: {id: sparse, dimension: 20}
topology: {id: ring, size: 4, link: {rate: 10 kbit/s}}
algorithm: dgd
codecs: {mix: short}
network: {compute: {id: fixed, seconds: 0}}
record: {every: 1, frames: 99}
"""
    )
    for driver in ("mpi", "lockstep"):
        out = tmp_path / driver
        done = netopt("run", file, "--driver", driver, "--out", out, "--load", str(FAULTY))
        assert done.code == 0, done.err
    rows = jobs.rows(tmp_path / "mpi")
    assert rows == jobs.rows(tmp_path / "lockstep")
    emulated = [row["emulated_seconds"] for row in rows]
    assert emulated[1] == 8 * HEADER_BYTES / 10e3, "empty payloads at first"
    assert len({round(b - a, 9) for a, b in itertools.pairwise(emulated)}) > 2


def test_waiting_for_a_buffer_is_no_computation(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """The sender polls until the receiver, who takes 5 ms a round, has taken an earlier frame."""
    file = run_file(
        """
rounds: 60
problem: {id: quadratic, dimension: 20000}
topology: {id: path, size: 2, link: {latency: 1 ms}}
algorithm: one-way
network: {compute: {id: measured, slowdown: {0: 0}}}
record: {every: 60}
"""
    )
    out = tmp_path / "run"
    done = netopt("run", file, "--out", out, "--load", str(FAULTY.with_name("one_way.py")))
    assert done.code == 0, done.err
    assert last_seconds(out) < 60 * 5e-3 / 3


MANY = {
    "problem": {"id": "quadratic", "dimension": 1000},
    "algorithm": "dgd",
    "rounds": 4,
    "record": {"every": 4, "frames": 1},
}
FAST = {"rate": "100 Mbit/s", "latency": "1 ms"}


def of_many(size: int, compute: Any) -> dict[str, Any]:
    graph = {"id": "ring" if size > 2 else "path", "size": size, "link": FAST}
    return {**MANY, "topology": graph, "network": {"compute": compute}}


def last_seconds(directory: Path) -> float:
    return float(jobs.rows(directory)[-1]["emulated_seconds"])


def test_sixty_four_agents_on_a_few_cores_have_a_time_axis_of_their_own(tmp_path: Path) -> None:
    """With modelled compute as predicted for any pair, with measured CPU time near a pair's.

    Measured: whoever shares a core with many others pays for cold caches, and the slowest of 64
    agents counts in each round, so the bands are wide; wall seconds would be some 32 times a
    pair's. Compute is stretched, so that it counts as much as the links do.
    """
    fixed = {"id": "fixed", "seconds": "5 ms"}
    measured = {"id": "measured", "slowdown": 20}
    pair = {"pair": of_many(2, fixed), "pair-measured": of_many(2, measured)}
    many = {"many": of_many(64, fixed), "many-measured": of_many(64, measured)}
    jobs.play(tmp_path, pair | many)
    frame = 8 * (HEADER_BYTES + 8000) / 100e6 + 1e-3
    assert last_seconds(tmp_path / "pair") == pytest.approx(4 * (5e-3 + frame), rel=1e-12)
    assert last_seconds(tmp_path / "many") == last_seconds(tmp_path / "pair")
    jobs.assert_equals_lockstep(tmp_path / "many", tmp_path / "lockstep")
    thought = {
        name: last_seconds(tmp_path / f"{name}-measured") - 4 * frame for name in ("pair", "many")
    }
    assert thought["pair"] > 0
    assert 0.3 * thought["pair"] < thought["many"] < 10 * thought["pair"]


def test_the_real_clock_is_the_wall_s_and_holds_frames_back(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """Not early by a microsecond, and late by less than the machine may be busy."""
    file = run_file(
        """
rounds: 10
problem: {id: quadratic, dimension: 1000}
topology: {id: ring, size: 3, link: {rate: 1 Mbit/s, latency: 5 ms}}
algorithm: dgd
network: {clock: real}
record: {every: 5}
"""
    )
    done = netopt("run", file, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert all(row["emulated_seconds"] == row["seconds"] for row in rows)
    wanted = 10 * (8 * (HEADER_BYTES + 8000) / 1e6 + 5e-3)
    assert wanted <= rows[-1]["seconds"] < 2 * wanted + 1
    done = netopt("run", file, "--set", "stop.emulated_seconds=10 ms", "--out", tmp_path / "stop")
    assert done.code == 0, done.err
    summary = json.loads((tmp_path / "stop" / "summary.json").read_text())
    assert (summary["stopped_by"], summary["rounds"]) == ("emulated_seconds", 5)
    # What is held back is no other run.
    done = netopt("run", file, "--set", "network.clock=none", "--out", tmp_path / "none")
    assert done.code == 0, done.err
    without = [{**row, "emulated_seconds": None, "seconds": 0} for row in rows]
    assert without == jobs.rows(tmp_path / "none")


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (
            ("--driver", "lockstep"),
            "$.network.clock: lockstep plays all agents in one process, which has no real clock "
            "for each; use clock: virtual, or the driver mpi",
        ),
        (
            ("--set", "network.compute=fixed"),
            "$.network.compute: compute is modelled for clock: virtual, and the clock is real; "
            "leave one of them out",
        ),
    ],
)
def test_a_real_clock_that_cannot_be_is_refused(
    options: tuple[str, ...], wanted: str, run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = run_file(
        "{problem: quadratic, topology: ring-5, algorithm: dgd, network: {clock: real}}"
    )
    done = netopt("run", file, *options, "--out", tmp_path / "run")
    assert (done.code, done.err) == (2, f"netopt: error: {wanted}\n")
    assert not (tmp_path / "run").exists()
