"""The results table against the files that it summarises."""

from __future__ import annotations

import json

from netopt.engine import lockstep
from netopt.report import units
from netopt.report.plot import plot, points
from netopt.report.reading import load
from netopt.report.table import results_text


def cells(text, name):
    (line,) = (line for line in text.splitlines() if line.startswith(f" {name} "))
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_each_number_is_that_of_the_last_row(runs):
    text = results_text([load(runs["qgd"]), load(runs["dgd"])])
    for name in ("qgd", "dgd"):
        last = json.loads((runs[name] / "metrics.jsonl").read_text().splitlines()[-1])
        summary = json.loads((runs[name] / "summary.json").read_text())
        found = cells(text, name)
        assert found[1] == f"{last['loss']:.4g}"
        assert found[2] == f"{last['consensus']:.4g}"
        assert found[3] == f"{last['payload_bits'] / 1000:g} kbit"
        assert found[4] == f"{summary['header_bytes'] / 1000:g} kB"
        assert found[6] == "40"


def test_accuracy_is_there_if_a_run_has_one(runs):
    text = results_text([load(runs["logistic"]), load(runs["qgd"])])
    last = json.loads((runs["logistic"] / "metrics.jsonl").read_text().splitlines()[-1])
    assert cells(text, "logistic")[2] == f"{last['accuracy']:.4g}"
    assert cells(text, "qgd")[2] == "-"
    assert "accuracy" not in results_text([load(runs["qgd"])])


def test_lambda_min_is_there_if_a_run_has_one(runs, make, tmp_path):
    folder = tmp_path / "curved"
    lockstep(make(problem="saddle", record={"every": 5, "lambda_min": 10}), folder)
    text = results_text([load(folder), load(runs["qgd"])])
    last = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert cells(text, "curved")[2] == f"{last['lambda_min']:.4g}"
    assert cells(text, "qgd")[2] == "-"
    assert "lambda_min" not in results_text([load(runs["qgd"])])
    assert max(map(len, text.splitlines())) <= 110


def test_lambda_min_is_drawn_where_it_is_known(make, tmp_path):
    lockstep(make(problem="saddle", record={"every": 5, "lambda_min": 10}), tmp_path / "run")
    x, y = points(load(tmp_path / "run"), "lambda_min", "rounds")
    assert x.tolist() == [0, 10, 20]
    assert (y < 0).any()
    drawn = plot([tmp_path / "run"], tmp_path / "curve.svg", "lambda_min", "rounds")
    assert drawn.stat().st_size > 1000


def test_an_interrupted_run_has_no_header_bytes(copy):
    folder = copy("qgd")
    (folder / "summary.json").unlink()
    assert cells(results_text([load(folder)]), "qgd")[4] == "-"


def test_text_is_plain_and_110_wide(runs):
    whole = [load(path) for name, path in runs.items() if name not in ("wired", "dropping")]
    text = results_text(whole)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 110


def heads(text):
    return next(line for line in text.splitlines() if line.startswith(" run"))


def test_emulated_seconds_are_there_if_a_run_has_a_clock(runs):
    text = results_text([load(runs["wired"]), load(runs["qgd"])])
    last = json.loads((runs["wired"] / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["emulated_seconds"] > 0.02
    assert cells(text, "wired")[-3] == units.seconds(last["emulated_seconds"])
    assert cells(text, "qgd")[-3] == "-"
    assert "emulated" in heads(text)
    assert "emulated" not in heads(results_text([load(runs["qgd"])]))


def test_what_lossy_links_cost_is_there_if_a_run_has_some(runs):
    loaded = {name: load(runs[name]) for name in ("wired", "dropping", "qgd")}
    again = sum(edge["resent_bytes"] for edge in loaded["wired"].edges)
    lost = sum(edge["lost_frames"] for edge in loaded["dropping"].edges)
    assert again > 0
    assert lost > 0
    text = results_text(list(loaded.values()))
    assert [cells(text, "wired")[i] for i in (5, 6)] == [units.size(again), "0"]
    assert [cells(text, "dropping")[i] for i in (5, 6)] == ["0 B", str(lost)]
    assert [cells(text, "qgd")[i] for i in (5, 6)] == ["0 B", "0"]
    assert "lost" not in heads(results_text([loaded["wired"]]))
    assert "resent" not in heads(results_text([loaded["dropping"]]))


def test_every_name_is_told_however_many_columns_there_are(runs):
    text = results_text([load(path) for path in runs.values()])
    for name in runs:
        assert len(cells(text, name)) == 11
