"""The column lambda_min: there only when asked for, in the rounds that are due, and at the end."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netopt.engine import lockstep
from netopt.errors import ConfigError
from netopt.problems import _spectrum

SADDLE = {"problem": "saddle", "topology": "ring-5", "algorithm": "dgd"}


def lowest_at(x):
    """The smallest eigenvalue of the saddle's Hessian at x, by its two columns."""
    p = 1 / (1 + np.exp(x[0] * x[1]))
    bend = p * (1 - p) * np.outer(x[::-1], x[::-1])
    return np.linalg.eigvalsh(bend - p * np.eye(2)[::-1] + 0.1 * np.eye(2))[0]


def test_the_column_is_there_only_if_it_is_asked_for(rows):
    plain = rows(**SADDLE)
    assert all("lambda_min" not in row for row in plain)
    asked = rows(**SADDLE, record={"lambda_min": 10})
    assert [{k: v for k, v in row.items() if k != "lambda_min"} for row in asked] == plain
    assert rows(**SADDLE, record={"lambda_min": 0}) == plain
    assert rows(**SADDLE, record={"lambda_min": None}) == plain


def test_it_is_null_in_rounds_that_are_not_due_and_known_in_the_last(play):
    outcome = play(**SADDLE, rounds=17, record={"every": 3, "lambda_min": 6})
    column = {row["round"]: row["lambda_min"] for row in outcome.rows}
    assert [k for k, value in column.items() if value is not None] == [0, 6, 12, 17]
    assert column[0] == pytest.approx(lowest_at(np.array([1.0, -1.0])), rel=1e-12)
    assert column[17] == pytest.approx(lowest_at(outcome.x.mean(axis=0)), rel=1e-12)
    spectrum = outcome.summary["spectrum"]
    assert (spectrum["lambda_min"], spectrum["round"]) == (column[17], 17)
    assert (spectrum["products"], spectrum["hessian"]) == (4 * 2, "exact")
    assert spectrum["residual"] < 1e-12


def test_a_run_that_stops_early_has_it_in_its_last_row(play):
    stop = {"loss": 0.5}
    outcome = play(rounds=60, stop=stop, problem={"id": "saddle", "at": [1, 0.5]},
                   record={"every": 1, "lambda_min": 50})  # fmt: skip
    assert outcome.summary["stopped_by"] == "loss"
    assert [row["round"] for row in outcome.rows if row["lambda_min"] is not None] == [
        0,
        outcome.summary["rounds"],
    ]


def test_the_summary_says_nothing_of_it_if_it_is_not_asked_for(play):
    assert "spectrum" not in play(**SADDLE, rounds=2).summary


def test_exact_gradients_settle_in_the_saddle_and_the_column_shows_it(play):
    """The gradient says stationary, the eigenvalue says saddle: -0.4 in closed form."""
    outcome = play(
        problem="saddle", topology="ring-5", algorithm={"id": "dgd", "lr": 0.5}, rounds=200,
        record={"every": 100, "lambda_min": 100},
    )  # fmt: skip
    assert outcome.rows[-1]["grad_norm"] < 1e-12
    assert outcome.rows[-1]["lambda_min"] == pytest.approx(-0.4, rel=1e-9)


def test_a_value_that_is_not_found_is_null_with_one_warning(play, monkeypatch):
    monkeypatch.setattr(_spectrum, "MOST", 5)
    with pytest.warns(RuntimeWarning) as caught:
        outcome = play(record={"every": 5, "lambda_min": 5})
    assert [str(warning.message) for warning in caught] == [
        "lambda_min is null in round 0: it takes more than 5 Hessian-vector products"
    ]
    assert {row["lambda_min"] for row in outcome.rows} == {None}
    assert outcome.summary["spectrum"]["lambda_min"] is None
    assert outcome.summary["spectrum"]["products"] == 5 * 5


def test_the_files_hold_it(make, tmp_path):
    lockstep(make(**SADDLE, record={"every": 10, "lambda_min": 20}), tmp_path / "run")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    values = [json.loads(line)["lambda_min"] for line in lines]
    assert values[1] is None
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["last"]["lambda_min"] == summary["spectrum"]["lambda_min"] == values[-1] < 0


def test_rounds_without_a_row_are_refused(make):
    with pytest.raises(ConfigError) as caught:
        make(record={"every": 4, "lambda_min": 10})
    assert str(caught.value) == (
        "$.record: record: 'lambda_min' must be a multiple of 'every', 4 rounds, got 10; use 12"
    )
