"""Curves are averaged at the rounds that all runs recorded, and drawn as they are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.sweep import _figure, _results, _tables
from netopt.sweep._grid import Cell
from netopt.sweep._results import Group, Result


def result(rounds, y, last=None, scale=100.0):
    rounds = np.array(rounds, np.float64)
    last = last or {"loss": y[-1], "payload_bits": 80 * rounds[-1]}
    cell = Cell(("0",), (), "seed=0", "seed=0")
    return Result(cell, last, "rounds", rounds, scale * rounds, np.array(y, np.float64))


def group(*results, label="levels=2", failed=0):
    return Group((label.partition("=")[2],), label, results, failed)


def test_runs_of_different_length_are_averaged_where_all_are_known():
    one = result([0, 10, 20, 25], [8.0, 4.0, 2.0, 1.0])
    other = result([0, 20, 30], [4.0, 2.0, 0.0], scale=200.0)
    found = _results.curve(group(one, other))
    assert found.round.tolist() == [0, 20]
    assert found.y.mean.tolist() == [6.0, 2.0]
    assert found.wire_bytes.tolist() == [0, 3000]
    assert (found.y.low[1], found.y.high[1]) == (2.0, 2.0)
    half = 12.706204736432095 * math.sqrt(8) / math.sqrt(2)  # t of one degree at 97.5 %
    assert found.y.high[0] - 6.0 == pytest.approx(half)


def test_a_metric_that_some_runs_lack_counts_those_that_have_it():
    some = group(
        result([0, 1], [2.0, 1.0], {"loss": 1.0, "accuracy": 0.5}),
        result([0, 1], [2.0, 3.0], {"loss": 3.0, "accuracy": None}),
    )
    assert some.metric("loss")[:2] == (2, 2.0)
    assert some.metric("accuracy")[:2] == (1, 0.5)
    assert some.metric("nothing").n == 0


def test_panels_show_each_combination_against_rounds_and_bytes():
    groups = [
        group(result([0, 1, 2], [100.0, 1.0, 0.01]), result([0, 1, 2], [100.0, 3.0, 0.03])),
        group(result([0, 1, 2], [100.0, 2.0, 0.02], scale=5000.0), label="levels=9"),
        group(label="levels=11", failed=2),
    ]
    rounds, sent = _figure.panels(groups, "loss")
    assert [line.label for line in rounds.lines] == ["levels=2", "levels=9"]
    assert rounds.lines[0].y.tolist() == [100.0, 2.0, 0.02]
    assert sent.lines[1].x.tolist() == [0.0, 5.0, 10.0]
    assert (rounds.log_y, rounds.log_x, sent.log_x) == (True, False, True)
    assert rounds.lines[0].low.min() == pytest.approx(0.02 / 3), "a band to zero ends at the axis"
    assert rounds.lines[1].low is None, "one run has no interval"


def test_a_column_that_is_not_known_is_refused():
    with pytest.raises(ConfigError) as refused:
        _figure.panels([group(result([0, 1], [math.nan, math.nan]))], "distance")
    assert str(refused.value) == (
        "-y distance: no run of the sweep knows it; choose from loss, payload_bits"
    )


@pytest.mark.parametrize(
    ("values", "text"), [([1.0, 3.0], "2 ± 13"), ([5.0], "5"), ([], "-"), ([2.0, 2.0], "2 ± 0")]
)
def test_a_mean_is_printed_as_far_as_it_is_known(values, text):
    some = group(*(result([0], [value]) for value in values))
    assert _tables.pair(some.metric("loss")) == text
