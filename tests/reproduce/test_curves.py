"""What is read from runs and averaged over seeds, against hand computation."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.reproduce import _curves
from netopt.reproduce._curves import Run, over_seeds, rounds_to, tail_factor, whole_factor
from netopt.reproduce._document import COLUMNS, table


@pytest.fixture
def run(case):
    """Return a function that makes a run from its errors."""

    def make(errors, seed=1, **columns):
        rounds = np.arange(len(errors), dtype=float)
        known = {"uplink_bits": 10 * rounds, "wire_bytes": 20 * rounds, "seconds": rounds / 4}
        known.update(columns)
        return Run(
            case(seed),
            rounds,
            np.array(errors),
            **known,
            setup_bits=96,
            setup_bytes=40,
            up_frames=0,
        )

    return make


def test_a_run_directory_is_read_with_the_uplink_apart(case, play, tmp_path):
    """Two workers send 3 float64 up a round; as much comes down and counts in the wire bytes."""
    one = case(rounds=6)
    play([one])
    found = _curves.read(one, tmp_path / "runs" / one.name, 2)
    assert found.round.tolist() == [0, 2, 4, 6]
    assert found.uplink_bits.tolist() == [2 * 3 * 64 * k for k in (0, 2, 4, 6)]
    assert found.wire_bytes.tolist() == [4 * (24 + 32) * k for k in (0, 2, 4, 6)]
    assert (found.setup_bits, found.up_frames) == (0, 12)
    assert found.error[0] == 1
    sigma = (10 - 1) / (10 + 1)
    assert found.error[-1] <= sigma**12


def test_a_problem_without_a_known_minimum_has_no_error(case, play, tmp_path):
    one = case(
        problem={"id": "logistic", "data": "breast-cancer"}, algorithm={"id": "gd", "lr": 0.1}
    )
    play([one])
    with pytest.raises(ConfigError, match=r"knows no minimiser, and so no error$"):
        _curves.read(one, tmp_path / "runs" / one.name, 1)


def test_the_mean_is_geometric_and_the_band_one_deviation_of_the_logarithm(run):
    curve = over_seeds([run([1.0, 0.1, 1e-3]), run([1.0, 0.4, 1e-5], seed=2)])
    assert curve.n == 2
    np.testing.assert_allclose(curve.error, [1.0, 0.2, 1e-4], rtol=1e-14)
    np.testing.assert_allclose(curve.low, [1.0, 0.1, 1e-5], rtol=1e-14)
    np.testing.assert_allclose(curve.high, [1.0, 0.4, 1e-3], rtol=1e-14)


def test_seeds_of_different_length_are_compared_where_all_have_rows(run):
    assert len(over_seeds([run([1.0, 0.1]), run([1.0, 0.1, 0.01], seed=2)]).round) == 2


def test_the_table_has_one_line_a_series_and_point(run):
    curve = over_seeds([run([1.0, 0.25]), run([1.0, 1.0], seed=2, uplink_bits=np.array([0.0, 30]))])
    first, second = csv.DictReader(io.StringIO(table([curve])))
    assert tuple(first) == COLUMNS
    assert second == {
        **{"group": "", "series": "GD", "at": "", "round": "1", "n": "2"},
        **{"error": "0.5", "low": "0.25", "high": "1.0"},
        **{"uplink_bits": "20.0", "wire_bytes": "20.0", "seconds": "0.25"},
        **{"setup_bits": "96.0", "setup_bytes": "40.0"},
    }


def test_factors_of_a_geometric_sequence(run):
    falling = run(0.5 ** np.arange(60))
    assert tail_factor(falling, 0.3) == pytest.approx(0.5, rel=1e-12)
    assert whole_factor(falling) == pytest.approx(0.5, rel=1e-12)
    growing = run(3.0 ** np.arange(60))
    assert tail_factor(growing, 0.3) == pytest.approx(3, rel=1e-12)


def test_a_tail_has_neither_the_start_nor_rounding(run):
    """A slow start, then 0.5 a round down to rounding at 1e-15."""
    errors = np.maximum(np.append(np.linspace(1, 0.9, 10), 0.9 * 0.5 ** np.arange(1, 90)), 1e-15)
    assert tail_factor(run(errors), 0.3) == pytest.approx(0.5, rel=1e-12)


def test_rounds_and_bits_to_an_error(run):
    one = run([1.0, 0.5, 0.01, 0.02, 0.001])
    assert rounds_to(one, 0.01) == 2
    assert _curves.bits_to(one, 0.01) == 20
    assert rounds_to(one, 1e-9) == _curves.bits_to(one, 1e-9) == np.inf


NODES = {"topology": {"id": "ring", "size": 3}, "algorithm": {"id": "dgd", "lr": 0.01}}


def test_another_measure_is_read_as_it_is_and_without_a_hub_all_payload_counts(
    case, play, tmp_path
):
    """Three agents of a ring send 3 float64 to both neighbours a round."""
    one = case(**NODES, record={"every": 2, "lambda_min": 4})
    play([one])
    found = _curves.read(one, tmp_path / "runs" / one.name, 1, "loss")
    assert (found.measure, found.hub) == ("loss", False)
    assert found.error.tolist() == found.table["loss"].tolist()
    assert found.uplink_bits.tolist() == [6 * 3 * 64 * k for k in (0, 2, 4)]
    assert found.uplink_bits.tolist() == found.table["payload_bits"].tolist()
    assert np.isnan(found.table["lambda_min"]).tolist() == [False, True, False]
    assert found.last("lambda_min") == found.table["lambda_min"][2]
    assert found.by("consensus").error.tolist() == found.table["consensus"].tolist()
    with pytest.raises(ConfigError, match=r"^'gd-seed-1' has no column 'accuracy' in its metrics"):
        found.by("accuracy")
    with pytest.raises(ConfigError, match=r"has no column 'accuracy' in its metrics$"):
        _curves.read(one, tmp_path / "runs" / one.name, 1, "accuracy")


def test_a_measure_that_is_no_error_has_an_arithmetic_mean_and_band(run):
    runs = [run([-1.0, 0.0])._replace(measure="loss"), run([3.0, 0.0])._replace(measure="loss")]
    curve = over_seeds(runs)
    assert (curve.error.tolist(), curve.measure) == ([1.0, 0.0], "loss")
    assert (curve.low.tolist(), curve.high.tolist()) == ([-1.0, 0.0], [3.0, 0.0])


def test_the_table_of_another_measure_has_its_name_and_all_columns(run):
    columns = {"loss": np.array([2.0, 1.0]), "lambda_min": np.array([-1.0, np.nan])}
    one = run([2.0, 1.0])._replace(table=columns, measure="loss")
    first, second = csv.DictReader(io.StringIO(table([over_seeds([one, one])])))
    wanted = [name if name != "error" else "loss" for name in COLUMNS]
    assert list(first) == [*wanted, "lambda_min"]
    assert (first["loss"], first["lambda_min"]) == ("2.0", "-1.0")
    assert (second["loss"], second["lambda_min"]) == ("1.0", "")


def test_a_value_at_a_budget_is_the_last_before_it_is_spent(run):
    columns = {"cost": np.array([0.0, 10, 20]), "accuracy": np.array([0.1, 0.5, np.nan])}
    one = run([1.0, 1.0, 1.0])._replace(table=columns)
    values = [_curves.value_at(one, "accuracy", "cost", budget) for budget in (0, 9, 10, 20)]
    assert values == [0.1, 0.1, 0.5, 0.5]
    assert np.isnan(_curves.value_at(one, "accuracy", "cost", 21)), "it could have come further"
