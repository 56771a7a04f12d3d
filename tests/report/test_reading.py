"""What a run directory says, and what is said about one that is spoilt."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.recorder import EDGE_COLUMNS
from netopt.report.reading import columns, load

EDGES = ",".join(EDGE_COLUMNS)
AGAIN = "run the experiment again"
WROTE = "give a directory that 'netopt run' wrote"


def test_everything_is_read(runs):
    run = load(runs["qgd"])
    assert run.directory == runs["qgd"]
    assert run.config["algorithm"]["id"] == "qgd"
    assert run.manifest["agents"] == 5
    assert [row["round"] for row in run.rows] == [0, 10, 20, 30, 40]
    assert run.summary["stopped_by"] == "rounds"
    with open(runs["qgd"] / "edges.csv") as file:
        expected = [{k: int(v) for k, v in line.items()} for line in csv.DictReader(file)]
    assert run.edges == expected
    assert sum(edge["payload_bits"] for edge in run.edges) == run.rows[-1]["payload_bits"]


def test_columns_are_arrays(runs):
    lines = (runs["qgd"] / "metrics.jsonl").read_text().splitlines()
    table = columns(load(runs["qgd"]).rows)
    assert table["loss"].tolist() == [json.loads(line)["loss"] for line in lines]
    assert all(column.dtype == np.float64 for column in table.values())
    assert np.isnan(table["emulated_seconds"]).all()


def test_null_and_absent_are_nan():
    table = columns([{"round": 0, "loss": None}, {"round": 1, "loss": 2.0, "late": 3}])
    np.testing.assert_array_equal(table["loss"], [np.nan, 2.0])
    np.testing.assert_array_equal(table["late"], [np.nan, 3.0])


def test_a_killed_run_has_no_summary(copy):
    folder = copy("qgd")
    (folder / "summary.json").unlink()
    (folder / "edges.csv").unlink()
    run = load(folder)
    assert run.summary is None
    assert run.edges == []
    assert len(run.rows) == 5


def test_an_interrupted_run_has_no_edges(copy):
    folder = copy("qgd")
    (folder / "edges.csv").unlink()
    (folder / "summary.json").write_text('{"stopped_by": "interrupt"}')
    run = load(folder)
    assert run.summary == {"stopped_by": "interrupt"}
    assert run.edges == []


def test_a_missing_directory(tmp_path):
    with pytest.raises(ConfigError) as error:
        load(tmp_path / "no")
    assert str(error.value) == f"'{tmp_path / 'no'}' does not exist; {WROTE}"


def test_a_file_is_no_directory(runs):
    file = runs["qgd"] / "run.yaml"
    with pytest.raises(ConfigError) as error:
        load(file)
    assert str(error.value) == f"'{file}' is not a directory; {WROTE}"


@pytest.mark.parametrize("name", ["run.yaml", "manifest.json", "metrics.jsonl", "edges.csv"])
def test_a_missing_file(copy, name):
    folder = copy("qgd")
    (folder / name).unlink()
    with pytest.raises(ConfigError) as error:
        load(folder)
    assert str(error.value) == f"'{folder}' has no {name}; {WROTE}"


SPOILT = [
    ("metrics.jsonl", "", f"' is empty: the run ended before its first row; {AGAIN}"),
    (
        "metrics.jsonl",
        '{"round": 0}\n{"round": 1, "lo',
        "' line 2 is not JSON (Unterminated string starting at: line 1 column 14 (char 13)); "
        f"delete it, or {AGAIN}",
    ),
    ("metrics.jsonl", "[1]\n", f"' line 1 must be a mapping, got [1]; delete it, or {AGAIN}"),
    (
        "metrics.jsonl",
        '{"round": 0, "loss": "low"}\n',
        "' line 1: loss must be a number or null, got 'low'; delete the line, or " + AGAIN,
    ),
    (
        "metrics.jsonl",
        '{"round": 0, "loss": true}\n',
        "' line 1: loss must be a number or null, got True; delete the line, or " + AGAIN,
    ),
    ("metrics.jsonl", '{"loss": 1}\n', f"' line 1 has no 'round'; delete it, or {AGAIN}"),
    ("manifest.json", "{\n,", "' line 2 is not JSON (Expecting property name enclosed in double "
     f"quotes); {AGAIN}"),
    ("manifest.json", "[]", f"' must hold a mapping, got list; {AGAIN}"),
    (
        "edges.csv",
        "",
        "' line 1 must be src,dst,frames,payload_bits,payload_bytes,header_bytes,resent_bytes,"
        "lost_frames,setup_bits,setup_bytes; "
        + AGAIN,
    ),
    (
        "edges.csv",
        f"{EDGES}\n1,2,3,4,5,6,x\n",
        f"' line 2 must hold 10 integers, got 1,2,3,4,5,6,x; {AGAIN}",
    ),
    (
        "edges.csv",
        f"{EDGES}\n1,2\n",
        f"' line 2 must hold 10 integers, got 1,2; {AGAIN}",
    ),
    ("run.yaml", "- 1\n", "' must hold a mapping, got list"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "message"), SPOILT)
def test_a_spoilt_file(copy, name, text, message):
    file = copy("qgd") / name
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(file.parent)
    assert str(error.value) == f"'{file}{message}"


def test_bytes_that_are_no_text(copy):
    file = copy("qgd") / "metrics.jsonl"
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError) as error:
        load(file.parent)
    assert str(error.value) == f"'{file}' is not text in UTF-8 (invalid start byte); {AGAIN}"


def test_a_run_from_before_frames_could_be_lost_is_read(copy):
    folder = copy("wired")
    now = load(folder)
    rows = [line.split(",") for line in (folder / "edges.csv").read_text().splitlines()]
    assert rows[0][7] == "lost_frames"
    older = [",".join(row[:7] + row[8:]) for row in rows]
    assert older[0] == (
        "src,dst,frames,payload_bits,payload_bytes,header_bytes,resent_bytes,setup_bits,setup_bytes"
    )
    (folder / "edges.csv").write_text("\n".join(older) + "\n")
    assert load(folder) == now
    (folder / "edges.csv").write_text("\n".join([*older[:3], "0,1,2"]) + "\n")
    with pytest.raises(ConfigError) as caught:
        load(folder)
    assert str(caught.value) == (
        f"'{folder / 'edges.csv'}' line 4 must hold 9 integers, got 0,1,2; {AGAIN}"
    )
