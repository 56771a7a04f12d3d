"""What the command says: the table, the witnesses that are missing and why, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netopt import config, resources
from netopt.audit import _changes, _program, _table
from netopt.audit._finding import Finding, Witness, plain
from netopt.audit._kernel import Packets
from netopt.audit._verdict import judge
from netopt.audit._witness import Count
from netopt.errors import ConfigError
from netopt.report.text import plain as text

KERNEL = {
    (0, 1): Packets(Count(40, 5000), 0),
    (1, 2): Packets(Count(30, 4044), 0),
    (2, 0): Packets(Count(35, 5500), 0),
}
WITNESSES = (
    Witness("ledger", "counts"),
    Witness("MPI library", "counts too"),
    Witness("kernel", "has counters"),
)


def finding(entries, heard, library, kernel=KERNEL, witnesses=WITNESSES):
    lines = judge(entries, heard, kernel, library.transport)
    return Finding(Path("job.yaml"), "An MPI 1.0", (), witnesses, library.transport, lines)


def test_the_table_has_the_witnesses_side_by_side(entries, heard, library):
    shown = text(_table.table(finding(entries, heard, library)), 110)
    head, _, first, *_ = shown.strip().splitlines()
    names = ["edge", "frames", "bytes", "messages", "bytes (MPI)", "packets", "bytes (kernel)"]
    assert [name for name in names if name not in head] == []
    assert first.split()[:7] == ["0", "->", "1", "4", "1408", "4", "1408"]


def test_a_witness_that_is_missing_has_no_columns_and_a_reason(entries, heard, library):
    witnesses = (*WITNESSES[:2], Witness("kernel", "", "a fabric needs root"))
    told = finding(entries, heard, library, None, witnesses)
    assert "packets" not in text(_table.table(told), 110)
    words = list(_table.words(told))
    assert "kernel: not available: a fabric needs root" in words
    assert words[-1] == "verdict: ledger and MPI library agree"


def test_the_ledger_alone_is_said_to_be_alone(entries, library):
    absent = [Witness(name, "", "gone") for name in ("MPI library", "kernel")]
    told = finding(entries, None, library, None, (WITNESSES[0], *absent))
    words = list(_table.words(told))
    assert words[-1] == "verdict: only the ledger testifies, and it agrees with itself at both ends"
    assert told.agree


def test_who_disagrees_is_told_with_both_numbers(entries, heard, library):
    heard.messages[1, 2] = Count(3, 1407)
    heard.messages[0, 2] = Count(1, 5)
    told = finding(entries, heard, library, None)
    words = list(_table.words(told))
    assert not told.agree
    assert words[-1] == "verdict: ledger, MPI library and kernel disagree"
    assert (
        "1 -> 2: the MPI library saw 1407 bytes, the ledger has 1408; the MPI library saw 3 "
        "messages, the ledger has 4 frames"
    ) in words
    assert "between agents without an edge (2 directions): 1 disagree" in words
    assert "disagree" in text(_table.table(told), 110)


def test_what_disagrees_everywhere_is_told_of_a_few(entries, heard, library):
    for i in range(3, 40):
        heard.messages[0, i] = Count(1, 5)
    words = list(_table.words(finding(entries, heard, library, None)))
    assert sum("the MPI library saw" in line for line in words) == _table.FEW
    assert f"and {37 - _table.FEW} more directions; --json FILE has all" in words


def test_json_has_every_number_of_every_edge(entries, heard, library):
    told = json.loads(json.dumps(plain(finding(entries, heard, library))))
    edge = told["edges"][0]
    assert (edge["src"], edge["dst"]) == (0, 1)
    assert edge["ledger"] == {"frames": 4, "bytes": 1408, "more": 0}
    assert edge["mpi"] == {"messages": 4, "bytes": 1408}
    kernel = edge["kernel"]
    parts = ("ledger", "control", "transport", "again", "framing")
    assert (kernel["packets"], kernel["bytes"]) == (40, 5000)
    assert kernel["explained"] == sum(kernel[part] for part in parts)
    assert kernel["off"] == 5000 - kernel["explained"]
    assert [w["name"] for w in told["witnesses"]] == ["ledger", "MPI library", "kernel"]
    assert told["framing"]["packet_bytes"] == 66
    assert [(e["src"], e["dst"]) for e in told["others"]] == [(1, 0)]


def test_edges_with_resent_frames_are_told_about(entries, heard, library):
    entries[0, 1] = entries[0, 1]._replace(frames=3, more=352)
    words = list(_table.words(finding(entries, heard, library)))
    assert [line for line in words if line.startswith("messages beyond the frames")] != []


@pytest.mark.parametrize(
    ("raw", "links", "places"),
    [
        ({}, False, []),
        ({}, True, ["network.clock=none, not virtual"]),
        ({"network": {"clock": "none"}, "record": {"frames": 0}}, True, []),
        (
            {"network": {"driver": "lockstep", "clock": "real"}, "stop": {"emulated_seconds": 3}},
            False,
            [
                "network.driver=mpi, not lockstep",
                "network.clock=none, not real",
                "stop.emulated_seconds=null, not 3",
            ],
        ),
        ({"record": {"frames": 9}}, False, ["record.frames=0, not 9"]),
    ],
)
def test_what_an_audit_changes_is_told_if_it_matters(raw, links, places):
    assert [line.partition(":")[0] for line in _changes.told(raw, links)] == places


@pytest.mark.parametrize("name", resources.names("experiments"))
def test_what_is_shipped_can_be_audited_unless_it_needs_a_clock(name):
    wish, source = _program.Wish(name), config.locate(name)
    if not config.make(config.read(source)).algorithm.asynchronous:
        assert _program._experiment(source, wish).options.network.clock == "none"
        return
    with pytest.raises(ConfigError) as caught:
        _program._experiment(source, wish)
    assert str(caught.value) == (
        "$.network.clock: async-diana is asynchronous and needs a clock, and an audit is played "
        "without one; audit another algorithm"
    )


def test_why_there_is_no_fabric(make, monkeypatch):
    from netopt.fabric import _run

    def refuse(topology):
        raise ConfigError("a fabric needs root")

    monkeypatch.setattr(_run, "check", refuse)
    assert _program._missing(None, make()) == "a fabric needs root"
    assert _program._missing(False, make()) == "--no-fabric"
    with pytest.raises(ConfigError, match="a fabric needs root"):
        _program._missing(True, make())
    monkeypatch.setattr(_run, "check", lambda topology: None)
    assert _program._missing(None, make()) == _program._missing(True, make()) == ""


def test_a_wrong_number_of_ranks_and_a_method_that_needs_a_clock(tmp_path):
    file = tmp_path / "job.yaml"
    file.write_text("{problem: quadratic, topology: ring-5, algorithm: dgd}")
    with pytest.raises(ConfigError, match="the topology has 5 nodes, but -n says 4; use -n 5"):
        _program.run(_program.Wish(str(file), ranks=4))
    wish = _program.Wish(str(file), overrides=("algorithm=async-gossip",))
    with pytest.raises(ConfigError, match="an audit is played without one"):
        _program.run(wish)
    with pytest.raises(ConfigError, match="cannot write"):
        _program.run(_program.Wish(str(file), json=str(tmp_path / "no" / "audit.json")))
