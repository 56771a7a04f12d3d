"""Least squares against numpy's solver, and its options and errors."""

import os
from pathlib import Path

import numpy as np
import pytest

from netopt.data import Recipe, load
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem
from netopt.problems.least_squares import LeastSquares
from netopt.registry import build

DATA = Path(os.environ.get("NETOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def prepared(agents=4, seed=2, **options):
    problem = LeastSquares(**options)
    problem.prepare(agents, seed)
    return problem


@pytest.mark.parametrize("split", ["iid", "by-class", "sorted-by-norm"])
def test_minimum_is_numpys(split):
    data = load("synthetic", 2)
    best = np.linalg.lstsq(data.features, data.labels, rcond=None)[0]
    problem = prepared(split=split)
    np.testing.assert_allclose(problem.minimum(), best, rtol=1e-10)
    miss = data.features @ best - data.labels
    assert problem.loss(best) == pytest.approx(miss @ miss / 2000)


def test_minimum_with_l2_on_real_data():
    data = load("breast-cancer", 2)
    stacked = np.vstack([data.features / np.sqrt(569), np.sqrt(0.1) * np.eye(30)])
    target = np.concatenate([data.labels / np.sqrt(569), np.zeros(30)])
    best = np.linalg.lstsq(stacked, target, rcond=None)[0]
    np.testing.assert_allclose(
        prepared(agents=1, data="breast-cancer", l2=0.1).minimum(), best, rtol=1e-9
    )


def test_minimum_of_least_norm_where_columns_are_constant():
    problem = prepared(agents=1, data="digits")  # three pixels are always 0
    data = load("digits", 0)
    best = np.linalg.lstsq(data.features, data.labels, rcond=None)[0]
    np.testing.assert_allclose(problem.minimum(), best, atol=1e-8)
    assert problem.strong_convexity() is None


def test_condition_number_is_the_one_asked_for():
    values = np.linalg.eigvalsh(prepared(agents=1, kappa=25.0).smoothness_matrix(0))
    assert values[-1] / values[0] == pytest.approx(25)
    assert prepared(agents=1, kappa=25.0).strong_convexity() == pytest.approx(values[0])


def test_without_noise_the_loss_goes_to_zero():
    problem = prepared(noise=0.0)
    assert problem.loss(problem.minimum()) < 1e-28


def test_seeds_differ():
    x = np.zeros(20)
    assert not np.array_equal(prepared(seed=1).grad(0, x, None), prepared(seed=2).grad(0, x, None))


def test_more_columns_than_rows_an_agent():
    problem = prepared(agents=60)
    top = np.linalg.eigvalsh(problem.smoothness_matrix(59))[-1]
    assert problem.smoothness(59) == pytest.approx(top)


def test_sparse_data_give_the_dense_gradient(tmp_path):
    rng = np.random.default_rng(0)
    table = np.where(rng.random((40, 12)) < 0.15, rng.standard_normal((40, 12)), 0.0)
    table[0, -1] = 1.0
    target = rng.standard_normal(40)
    lines = [
        " ".join([repr(float(y)), *(f"{j + 1}:{float(v)!r}" for j, v in enumerate(row) if v)])
        for row, y in zip(table, target, strict=True)
    ]
    file = tmp_path / "sparse.svm"
    file.write_text("\n".join(lines))
    problem = prepared(agents=1, data=f"libsvm:{file}", l2=0.1, batch=5)
    assert not isinstance(load(f"libsvm:{file}", 0).features, np.ndarray)
    x = rng.standard_normal(12)
    exact = table.T @ (table @ x - target) / 40 + 0.1 * x
    np.testing.assert_allclose(problem.grad(0, x, None), exact, rtol=1e-12)
    assert type(problem.grad(0, x, Key(0, Purpose.BATCH))) is np.ndarray
    hessian = table.T @ table / 40 + 0.1 * np.eye(12)
    np.testing.assert_allclose(problem.hessian_vector(x, x), hessian @ x, rtol=1e-12)
    np.testing.assert_allclose(problem.smoothness_matrix(0), hessian, atol=1e-15)
    assert problem.smoothness(0) == pytest.approx(np.linalg.eigvalsh(hessian)[-1])
    assert np.linalg.norm(problem.gradient(problem.minimum(), None)) < 1e-14


@pytest.mark.skipif(not (DATA / "a8a").is_file(), reason="the LIBSVM file a8a is not here")
def test_real_sparse_data():
    problem = prepared(agents=8, data=f"libsvm:{DATA / 'a8a'}", split="sorted-by-norm")
    assert problem.d == 123
    assert np.linalg.norm(problem.gradient(problem.minimum(), None)) < 1e-14


def test_large_problems_do_without_matrices():
    problem = prepared(rows=4100, dimension=4100, agents=1)
    assert problem.minimum() is problem.smoothness_matrix(0) is problem.strong_convexity() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l2": -1}, "$.l2: expected float >= 0.0; the value is -1"),
        ({"batch": 0}, "$.batch: expected int >= 1; the value is 0"),
        ({"noise": float("nan")}, "$.noise: expected float >= 0.0; the value is nan"),
        ({"noise": float("inf")}, "$.noise: expected a finite number; the value is inf"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError) as caught:
        build(Problem, {"id": "least-squares", **options})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"data": "digitz"},
            "$.problem.data: no data set is called 'digitz'; did you mean 'digits'?",
        ),
        ({"split": "idd"}, "$.problem.split: no split is called 'idd'; did you mean 'iid'?"),
        ({"rows": 3, "dimension": 2}, "$.problem.split: 3 rows do not go round 4 agents"),
        (
            {"rows": 5},
            "$.problem.data: synthetic data needs as many rows as columns, "
            "got 5 rows and 20 columns",
        ),
        (
            {"batch": 251},
            "$.problem.batch: a batch of 251 rows is more than the 250 rows that an agent has",
        ),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ConfigError) as caught:
        prepared(**options)
    assert str(caught.value) == message


def test_synthetic_recipe_is_the_problems_options():
    wanted = load("synthetic", 5, Recipe(30, 4, 3.0, 0.0))
    problem = prepared(agents=1, seed=5, rows=30, dimension=4, kappa=3.0, noise=0.0)
    assert problem.loss(np.zeros(4)) == pytest.approx(0.5 * np.mean(wanted.labels**2))


@pytest.mark.parametrize("data", ["gaussian", "heavy-tailed", "concentrated"])
def test_drawn_data_take_their_size_from_the_options(data):
    problem = prepared(agents=1, seed=5, data=data, rows=30, dimension=9, noise=0.2)
    wanted = load(data, 5, Recipe(30, 9, noise=0.2))
    assert problem.d == 9
    best = np.linalg.lstsq(wanted.features, wanted.labels, rcond=None)[0]
    np.testing.assert_allclose(problem.minimum(), best, rtol=1e-8, atol=1e-12)


def test_a_random_start_is_drawn_from_the_seed_alone():
    one, again, other = (
        prepared(at="random", seed=s, kappa=k) for s, k in [(1, 2), (1, 3), (2, 2)]
    )
    assert np.array_equal(one.start(), again.start())
    assert not np.array_equal(one.start(), other.start())
    assert not prepared().start().any()
    long = prepared(agents=1, at="random", data="gaussian", rows=1, dimension=4000).start()
    assert np.sum(long * long) == pytest.approx(4000, abs=5.5 * np.sqrt(8000))
