"""Traces of runs in one process: the format's rules, the clock, the ledger, and hand-made times."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from netopt import config, engine
from netopt.network import trace
from netopt.network.lockstep import Lockstep
from netopt.report.reading import load

from .rules import AGENTS, LINKS, check, check_tiling, read, slices

FIXED = {"compute": {"id": "fixed", "seconds": "2 ms"}}
LINK = {"rate": "1 Mbit/s", "latency": "5 ms"}
LOSSY = {**LINK, "loss": 0.3, "resend_after": "10 ms", "jitter": "1 ms"}
ON = {"every": 4, "trace": True}
STAR = {"id": "star", "size": 4, "uplink": "2 Mbit/s", "downlink": "3 Mbit/s"}
RUNS = {
    "ring": {"topology": {"id": "ring", "size": 4, "link": LINK}, "network": FIXED},
    "lossy": {"topology": {"id": "ring", "size": 4, "link": LOSSY}, "network": FIXED},
    "drop": {
        "topology": {"id": "ring", "size": 4, "link": {**LOSSY, "on_loss": "drop"}},
        "network": FIXED,
        "algorithm": "dgd",
    },
    "radio": {
        "topology": {"id": "ring", "size": 4, "link": {**LINK, "duplex": "half"}},
        "network": FIXED,
    },
    "star": {"topology": {**STAR, "link": LINK}, "algorithm": "diana", "network": FIXED},
    "told": {
        "topology": {**STAR, "link": LOSSY},
        "algorithm": "diana-plus",
        "codecs": {"up": "varying-steps"},
        "network": {"compute": {"id": "flops", "rate": 1e6}},
    },
    "tracking": {"topology": {"id": "ring", "size": 5, "link": LINK}, "algorithm": "beer"},
    "gossip": {
        "topology": {"id": "ring", "size": 4, "link": LOSSY},
        "algorithm": "async-gossip",
        "network": {"compute": {"id": "fixed", "seconds": "2 ms", "slowdown": {1: 5.0}}},
    },
    "ideal": {"network": {"clock": "virtual", **FIXED}},
    "wall": {"algorithm": "qgd"},
    "wall-drop": {
        "topology": {"id": "ring", "size": 4, "link": {"loss": 0.3, "on_loss": "drop"}},
        "network": {"clock": "none"},
    },
}


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """Return a function that plays one of RUNS once, and returns its directory."""
    made = {}

    def play(name):
        if name not in made:
            base = {
                "problem": "quadratic",
                "topology": {"id": "ring", "size": 4},
                "algorithm": "qgd",
                "rounds": 12,
            }
            made[name] = tmp_path_factory.mktemp("traces") / name
            engine.lockstep(config.make({**base, "record": ON, **RUNS[name]}), made[name])
        return made[name]

    return play


@pytest.mark.parametrize("name", RUNS)
def test_the_formats_rules_hold(traced, name):
    check(read(traced(name)))


@pytest.mark.parametrize("name", [n for n in RUNS if not n.startswith(("wall", "gossip"))])
def test_computing_and_waiting_fill_the_emulated_seconds(traced, name):
    whole, run = read(traced(name)), load(traced(name))
    ends = check_tiling(whole, run.manifest["agents"])
    assert max(ends) == round(run.rows[-1]["emulated_seconds"] * 1e9)


def test_each_agent_ends_when_its_own_clock_says_so(make):
    made = make(topology={"id": "path", "size": 5, "link": LOSSY}, network=FIXED, record=ON)
    network = Lockstep(made)
    engine.play(made, network, None)
    spans = network.trace().spans
    for rank, travel in enumerate(network._travels):
        mine = [s for s in spans if s.rank == rank and s.kind in ("compute", "wait")]
        assert mine[-1].end == travel.clock.now
        assert mine[0].begin == 0.0
        assert all(a.end == b.begin for a, b in pairwise(mine))


def test_asynchronous_agents_compute_and_wait_without_a_gap(traced):
    whole, run = read(traced("gossip")), load(traced("gossip"))
    ends = check_tiling(whole, 4)
    assert max(ends) > 0
    rounds = Counter(event["tid"] for event in slices(whole, AGENTS, "compute"))
    assert rounds[1] < rounds[2]  # the straggler
    assert run.rows[-1]["emulated_seconds"] > 0


@pytest.mark.parametrize("name", RUNS)
def test_what_is_sent_is_what_the_ledger_counts(traced, name):
    frames, size = Counter(), Counter()
    for event in slices(read(traced(name)), AGENTS, "send"):
        frames[event["args"]["edge"]] += 1
        size[event["args"]["edge"]] += event["args"]["bytes"]
    for row in load(traced(name)).edges:
        edge = f"{row['src']} -> {row['dst']}"
        assert frames[edge] == row["frames"]
        assert size[edge] == row["payload_bytes"] + row["header_bytes"]


@pytest.mark.parametrize("name", [n for n in RUNS if not n.startswith("wall")])
def test_links_carry_what_the_ledger_counts(traced, name):
    """Frames, what is sent again, and what is lost; each once on its link's own track."""
    frames, again, lost = Counter(), Counter(), Counter()
    for event in slices(read(traced(name)), LINKS):
        args = event["args"]
        frames[args["edge"]] += 1
        again[args["edge"]] += args.get("resent", 0) * args["bytes"]
        lost[args["edge"]] += event["name"] == "lost"
    rows = load(traced(name)).edges
    for row in rows:
        edge = f"{row['src']} -> {row['dst']}"
        found = (frames[edge], again[edge], lost[edge])
        assert found == (row["frames"], row["resent_bytes"], row["lost_frames"])
    assert (sum(row["resent_bytes"] for row in rows) > 0) == (name in ("lossy", "told", "gossip"))
    assert (sum(row["lost_frames"] for row in rows) > 0) == (name == "drop")


@pytest.mark.parametrize("name", RUNS)
def test_every_frame_that_is_not_lost_has_an_arrow(traced, name):
    arrows = Counter(event["ph"] for event in read(traced(name))["traceEvents"])
    rows = load(traced(name)).edges
    came = sum(row["frames"] - row["lost_frames"] for row in rows)
    assert (arrows["s"], arrows["f"]) == (came, came)
    assert arrows["t"] == (0 if name.startswith("wall") else came)


def test_both_directions_of_a_radio_channel_take_turns(traced):
    channels = defaultdict(list)
    for event in slices(read(traced("radio")), LINKS):
        ends = tuple(sorted(event["args"]["edge"].split(" -> ")))
        channels[ends].append((event["ts"], event["ts"] + event["dur"]))
    assert len(channels) == 4
    for spans in channels.values():
        spans.sort()
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_the_times_of_two_agents_by_hand(make, tmp_path):
    """A frame of 32 + 80 bytes takes 8.96 ms at 100 kbit/s, one way; the other is at once."""
    topology = {"id": "path", "size": 2, "links": {"0->1": {"rate": "100 kbit/s"}}}
    made = make(topology=topology, network=FIXED, record=ON, rounds=2)
    engine.lockstep(made, tmp_path / "run")
    whole = read(tmp_path / "run")
    wire, think = 8_960_000, 2_000_000
    spans = defaultdict(list)
    for event in slices(whole, AGENTS, "compute", "wait"):
        spans[event["tid"]].append((event["name"], event["ts"], event["ts"] + event["dur"]))
    # Agent 0 never waits in the first round; in the second, for the news of agent 1.
    late = think + wire
    assert spans[0] == [
        ("compute", 0, think),
        ("compute", think, 2 * think),
        ("wait", 2 * think, late + think),
    ]
    assert spans[1] == [
        ("compute", 0, think),
        ("wait", think, late),
        ("compute", late, late + think),
        ("wait", late + think, late + wire),
    ]
    there = [(e["ts"], e["dur"]) for e in slices(whole, LINKS) if e["args"]["edge"] == "0 -> 1"]
    assert there == [(think, wire), (late, wire)]
    back = [(e["ts"], e["dur"]) for e in slices(whole, LINKS) if e["args"]["edge"] == "1 -> 0"]
    assert back == [(think, 0), (late + think, 0)]


def test_modelled_compute_leaves_no_time_for_encoding(traced):
    whole = read(traced("ring"))
    assert {e["dur"] for e in slices(whole, AGENTS, "encode", "decode", "send")} == {0}
    assert len(slices(whole, AGENTS, "encode")) == 4 * 12


def test_measured_compute_has_encoding_and_decoding_in_it(make, tmp_path):
    slow = {"compute": {"id": "measured", "slowdown": 50.0}}
    problem = {"id": "quadratic", "dimension": 4000}
    made = make(problem=problem, algorithm="qgd", network=slow, record=ON)
    engine.lockstep(made, tmp_path / "run")
    whole = read(tmp_path / "run")
    check(whole)
    check_tiling(whole, 5)
    for rank in range(5):
        mine = [event for event in slices(whole) if event["tid"] == rank]
        compute = [(e["ts"], e["ts"] + e["dur"]) for e in mine if e["name"] == "compute"]
        parts = [e for e in mine if e["name"] in ("encode", "decode")]
        assert sum(e["dur"] for e in parts) > 0
        for event in parts:
            begin, end = event["ts"], event["ts"] + event["dur"]
            assert any(a <= begin and end <= b for a, b in compute)


def test_a_trace_without_room_ends_for_all_agents_at_once(make, tmp_path, monkeypatch):
    made = make(**RUNS["lossy"], record=ON)
    engine.lockstep(made, tmp_path / "whole")
    monkeypatch.setattr(trace, "MOST", 4 * 40)
    engine.lockstep(make(**RUNS["lossy"], record=ON), tmp_path / "cut")
    whole, cut = read(tmp_path / "whole"), read(tmp_path / "cut")
    check(cut)
    (mark,) = [event for event in cut["traceEvents"] if event["ph"] == "i"]
    assert mark["name"] == "the trace is full"
    assert cut["otherData"]["left out"] == f"all after {mark['ts'] / 1000} us"
    assert whole["otherData"]["left out"] == "nothing"
    kept = [e for e in slices(whole) if e["ts"] + e["dur"] <= mark["ts"]]
    assert slices(cut) == kept
    assert 40 < len(kept) <= 4 * 40


def test_without_the_option_nobody_stands_in_front_of_anything(make, tmp_path):
    made = make(**RUNS["ring"])
    network = Lockstep(made)
    for agent, travel in zip(network._agents, network._travels, strict=True):
        for thing in (agent, travel, travel.clock):
            assert not {"encode", "decode", "begin", "arrive", "work"} & set(vars(thing))
    engine.lockstep(make(**RUNS["ring"]), tmp_path / "run")
    assert not (tmp_path / "run" / "trace.json").exists()
    assert network.trace() == ([], [], [])


@pytest.mark.parametrize("name", ["ring", "told", "gossip", "wall"])
def test_a_trace_changes_nothing_else(traced, name, tmp_path):
    base = {
        "problem": "quadratic",
        "topology": {"id": "ring", "size": 4},
        "algorithm": "qgd",
        "rounds": 12,
    }
    plain = config.make({**base, "record": {"every": 4}, **RUNS[name]})
    engine.lockstep(plain, tmp_path / "run")
    with_it, without = load(traced(name)), load(tmp_path / "run")
    assert without.edges == with_it.edges
    left = [{**row, "seconds": 0} for row in without.rows]
    assert left == [{**row, "seconds": 0} for row in with_it.rows]


def test_the_trace_is_written_before_the_summary_and_whole(traced):
    directory = traced("ring")
    assert sorted(p.name for p in directory.iterdir()) == [
        "edges.csv", "manifest.json", "metrics.jsonl", "run.yaml", "summary.json", "trace.json",
    ]  # fmt: skip
    assert list(csv.reader((directory / "edges.csv").read_text().splitlines()))
