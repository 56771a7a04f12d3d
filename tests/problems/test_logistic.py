"""Logistic regression on two classes and many: its data, its batches, its options and errors."""

import math
import subprocess
import sys

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem, _softmax
from netopt.problems.logistic import Logistic
from netopt.registry import build

LONG = {"data": "breast-cancer", "test_fraction": 0.0, "l2": 0.1}


def prepared(agents=5, seed=2, **options):
    problem = Logistic(**options)
    problem.prepare(agents, seed)
    return problem


def test_the_shape_follows_the_data():
    assert prepared().d == 10 * 65
    assert prepared(data="breast-cancer").d == 31
    assert prepared(data="breast-cancer", intercept=False).d == 30
    assert prepared(data="synthetic").d == 21


@pytest.mark.parametrize("data", ["synthetic", "gaussian", "heavy-tailed", "concentrated"])
def test_drawn_data_take_their_size_from_the_options(data):
    problem = prepared(4, data=data, rows=40, dimension=16, intercept=False, test_fraction=0)
    assert problem.d == 16
    assert sum(len(part.labels) for part in problem._parts) == 40


@pytest.mark.parametrize(
    ("data", "loss"), [("digits", math.log(10)), ("breast-cancer", math.log(2))]
)
def test_at_zero_every_class_is_equally_likely(data, loss):
    problem = prepared(data=data)
    assert problem.loss(np.zeros(problem.d)) == pytest.approx(loss, rel=1e-14)


@pytest.mark.parametrize("data", ["digits", "breast-cancer"])
def test_nothing_overflows(data):
    problem = prepared(data=data)
    x = 1e5 * np.random.default_rng(0).standard_normal(problem.d)
    assert np.isfinite(problem.loss(x))
    assert np.isfinite(problem.gradient(x, None)).all()
    assert np.isfinite(problem.hessian_vector(x, x)).all()


def test_by_class_agents_see_few_classes():
    seen = [len(np.unique(part.labels)) for part in prepared()._parts]
    assert max(seen) <= 3
    assert min(len(np.unique(part.labels)) for part in prepared(split="iid")._parts) == 10


def test_accuracy_counts_the_held_out_rows():
    problem = prepared(data="breast-cancer", intercept=False)
    assert len(problem._test.labels) == int(0.2 * 569)
    x = np.random.default_rng(0).standard_normal(30)
    right = [y * (a @ x) >= 0 for a, y in zip(*problem._test, strict=True)]
    assert problem.metrics(x) == {"accuracy": np.mean(right)}
    assert prepared(**LONG).metrics(np.zeros(31)) == {}


def test_seeds_differ():
    x = np.zeros(650)
    assert not np.array_equal(prepared(seed=1).grad(0, x, None), prepared(seed=2).grad(0, x, None))


def test_batches_average_to_the_gradient():
    """Hoeffding: 4000 draws fail a correct program with probability below 1e-6 in all."""
    draws = 4000
    problem = prepared(batch=8, **LONG)
    x = 0.1 * np.random.default_rng(0).standard_normal(31)
    part = problem._parts[3]
    rows = part.features  # y a of every row
    each = -rows / (1 + np.exp(rows @ x))[:, np.newaxis] + 0.1 * x
    span = np.ptp(each, axis=0)
    mean = np.mean([problem.grad(3, x, Key(5, Purpose.BATCH, t)) for t in range(draws)], axis=0)
    allowed = span * math.sqrt(math.log(2 * 31 / 1e-6) / (2 * draws))
    assert (np.abs(mean - problem.grad(3, x, None)) <= allowed).all()


def test_a_batch_is_drawn_by_round_and_rank_whatever_the_keys_purpose():
    problem = prepared(batch=8, split="iid")
    x = np.zeros(650)
    first = problem.grad(0, x, Key(5, Purpose.BATCH, round=1))
    assert np.array_equal(first, problem.grad(0, x, Key(5, Purpose.DITHER, round=1)))
    assert not np.array_equal(first, problem.grad(0, x, Key(5, Purpose.BATCH, round=2)))
    assert not np.array_equal(first, problem.grad(1, x, Key(5, Purpose.BATCH, round=1)))


def test_a_batch_of_all_rows_is_the_gradient():
    exact = prepared(agents=1, **LONG)
    whole = prepared(agents=1, batch=569, **LONG)
    x = np.ones(31)
    got = whole.grad(0, x, Key(0, Purpose.BATCH))
    np.testing.assert_allclose(got, exact.grad(0, x, None), rtol=1e-12)


def test_sparse_rows_of_three_classes(tmp_path):
    file = tmp_path / "three.svm"
    file.write_text("".join(f"{row % 3} {row % 9 + 1}:{row + 1}\n" for row in range(30)))
    problem = prepared(agents=2, data=f"libsvm:{file}", split="iid", solve=True, batch=4)
    assert problem.d == 3 * 10
    part = problem._parts[1]
    x = 0.1 * np.random.default_rng(0).standard_normal(30)
    sparse = _softmax.Model(part)
    dense = _softmax.Model(part._replace(features=part.features.toarray()))
    np.testing.assert_allclose(sparse.loss(x), dense.loss(x), rtol=1e-12)
    np.testing.assert_allclose(sparse.grad(x), dense.grad(x), rtol=1e-12)
    assert problem.grad(0, x, Key(0, Purpose.BATCH)).shape == (30,)
    assert problem.certificate() <= 1e-14
    assert problem.metrics(problem.minimum())["accuracy"] >= 0


def test_large_problems_do_without_matrices(monkeypatch):
    monkeypatch.setattr("netopt.problems.logistic.DENSE_LIMIT", 600)
    assert prepared().smoothness_matrix(0) is None


def test_without_l2_convexity_is_not_strong():
    assert prepared(data="breast-cancer", l2=0.0).strong_convexity() is None


def test_a_rank_imports_neither_scikit_learn_nor_scipy():
    code = (
        "import sys\n"
        "from netopt.registry import build\n"
        "from netopt.problems import Problem\n"
        "p = build(Problem, 'logistic'); p.prepare(8, 1)\n"
        "p.grad(0, p.start(), None); p.loss(p.start()); p.smoothness(0)\n"
        "assert not {'sklearn', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_fraction": 1.0}, "$.test_fraction: expected float < 1.0; the value is 1.0"),
        ({"l2": "1e-3x"}, "$.l2: expected float, got str; the value is '1e-3x'"),
        (
            {"solve": True, "l2": 0},
            "$: logistic: 'solve' needs l2 > 0; separable classes have no minimiser without it",
        ),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError) as caught:
        build(Problem, {"id": "logistic", **options})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("agents", "options", "message"),
    [
        (
            5,
            {"data": "digitz"},
            "$.problem.data: no data set is called 'digitz'; did you mean 'digits'?",
        ),
        (
            5,
            {"split": "random"},
            "$.problem.split: no split is called 'random'; "
            "choose from iid, by-class, sorted-by-norm, pairs, dirichlet",
        ),
        (2000, {}, "$.problem.split: 1438 rows do not go round 2000 agents"),
        (
            100,
            {"batch": 15},
            "$.problem.batch: a batch of 15 rows is more than the 14 rows that an agent has",
        ),
    ],
)
def test_what_does_not_fit_is_refused(agents, options, message):
    with pytest.raises(ConfigError) as caught:
        prepared(agents, **options)
    assert str(caught.value) == message
