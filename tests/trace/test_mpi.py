"""Traces over MPI: the same bytes as in lockstep if compute is modelled; else the same rules."""

from __future__ import annotations

from collections import Counter

import pytest
from commands import netopt

from netopt.report.reading import load

from .rules import AGENTS, check, check_tiling, read, slices

pytestmark = pytest.mark.serial

JOBS = {
    "ring with losses and jitter": """
topology: {id: ring, size: 4, link: {rate: 1 Mbit/s, latency: 5 ms, jitter: 1 ms, loss: 0.3}}
algorithm: qgd
network: {compute: {id: fixed, seconds: 2 ms, slowdown: {2: 4.0}}}
""",
    "star with shared rates": """
topology: {id: star, size: 4, link: {latency: 1 ms}, uplink: 2 Mbit/s, downlink: 3 Mbit/s}
algorithm: diana-plus
codecs: {up: varying-steps}
network: {compute: {id: flops, rate: 1.0e+6}}
""",
    "radio that drops": """
topology: {id: path, size: 3, link: {rate: 1 Mbit/s, duplex: half, loss: 0.2, on_loss: drop}}
algorithm: dgd
network: {compute: {id: fixed}}
""",
    "asynchronous gossip": """
topology: {id: ring, size: 4, link: {rate: 1 Mbit/s, latency: 3 ms, loss: 0.2}}
algorithm: async-gossip
network: {compute: {id: fixed, seconds: 2 ms, slowdown: {1: 5.0}}}
""",
}
COMMON = "problem: quadratic\nseed: 4\nrounds: 12\nrecord: {every: 6, trace: true}\n"


@pytest.mark.parametrize("name", JOBS)
def test_both_drivers_write_the_same_bytes(name, tmp_path):
    file = tmp_path / "job.yaml"
    file.write_text(COMMON + JOBS[name])
    for driver in ("mpi", "lockstep"):
        done = netopt("run", file, "--driver", driver, "--out", tmp_path / driver)
        assert done.code == 0, done.err
    check(read(tmp_path / "mpi"))
    written = [(tmp_path / driver / "trace.json").read_bytes() for driver in ("mpi", "lockstep")]
    assert written[0] == written[1]


@pytest.mark.parametrize("clock", ["none", "real", "virtual"])
def test_measured_times_obey_the_rules(clock, tmp_path):
    file = tmp_path / "job.yaml"
    link = "{rate: 10 Mbit/s, latency: 1 ms, loss: 0.2, resend_after: 1 ms}"
    file.write_text(
        f"{COMMON}topology: {{id: ring, size: 3, link: {link}}}\nalgorithm: gradient-tracking\n"
        f"network: {{clock: {clock}}}\n"
    )
    done = netopt("run", file, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    whole, run = read(tmp_path / "run"), load(tmp_path / "run")
    check(whole)
    assert whole["otherData"]["seconds"] == ("emulated" if clock == "virtual" else "wall")
    size = Counter()
    for event in slices(whole, AGENTS, "send"):
        size[event["args"]["edge"]] += event["args"]["bytes"]
    for row in run.edges:
        assert size[f"{row['src']} -> {row['dst']}"] == row["payload_bytes"] + row["header_bytes"]
    arrows = Counter(event["ph"] for event in whole["traceEvents"])
    assert arrows["s"] == arrows["f"] == sum(row["frames"] for row in run.edges)
    if clock == "virtual":
        ends = check_tiling(whole, 3)
        assert max(ends) == round(run.rows[-1]["emulated_seconds"] * 1e9)
    else:
        for kind in ("compute", "encode", "send", "wait", "decode"):
            assert sum(event["dur"] for event in slices(whole, AGENTS, kind)) > 0
