"""Logistic regression against scikit-learn's optimum, its batches, and its options and errors."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netopt.data import classify, load
from netopt.errors import ConfigError, NumericalError
from netopt.keys import Key, Purpose
from netopt.problems import Problem, _reference, _softmax, _two_classes
from netopt.problems._rows import Part
from netopt.problems.logistic import Logistic
from netopt.registry import build

DATA = Path(os.environ.get("NETOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))
PAPER = {"split": "sorted-by-norm", "scale": "row-max", "equal": True, "intercept": False}
LONG = {"data": "breast-cancer", "test_fraction": 0.0, "l2": 0.1}


def prepared(agents=5, seed=2, **options):
    problem = Logistic(**options)
    problem.prepare(agents, seed)
    return problem


@pytest.mark.parametrize(("data", "l2"), [("breast-cancer", 0.05), ("digits", 0.1)])
@pytest.mark.parametrize("intercept", [False, True])
def test_minimum_is_scikit_learns(data, l2, intercept):
    from sklearn.linear_model import LogisticRegression

    rows = load(data, 0)
    ones = [np.ones((len(rows.labels), 1))] * intercept
    table = np.hstack([rows.features, *ones])
    strength = 1 / (l2 * len(rows.labels))
    oracle = LogisticRegression(C=strength, fit_intercept=False, tol=1e-8, max_iter=500)
    oracle.fit(table, rows.labels)
    ours = prepared(1, data=data, l2=l2, intercept=intercept, test_fraction=0.0, solve=True)
    np.testing.assert_allclose(ours.minimum(), oracle.coef_.ravel(), rtol=1e-4, atol=1e-5)
    theirs = ours.loss(oracle.coef_.ravel())
    assert theirs - 1e-9 <= ours.loss(ours.minimum()) <= theirs + 1e-14


@pytest.mark.parametrize("data", ["breast-cancer", "digits"])
def test_the_minimum_is_one(data):
    problem = prepared(data=data, solve=True)
    best = problem.minimum()
    assert problem.certificate() <= 1e-15
    assert np.array_equal(best, problem.minimum())
    assert problem.metrics(best)["accuracy"] > 0.95


@pytest.mark.parametrize(("name", "agents"), [("splice", 6), ("a8a", 8), ("w8a", 8)])
def test_the_papers_minima_are_zeros_of_the_gradient_to_rounding(name, agents):
    file = DATA / name
    if not file.is_file():
        pytest.skip(f"the LIBSVM file {name} is not here")
    problem = prepared(agents, data=f"libsvm:{file}", solve=True, test_fraction=0.0, **PAPER)
    assert problem.certificate() <= 1e-15


def test_the_tolerance_is_rounding_error_of_the_terms():
    """Reached, and so small that a step of 1e-10 from the minimum is seen."""
    problem = prepared(solve=True, **LONG)
    best = problem.minimum()
    allowed = _reference.tolerance(problem, best)
    assert problem.certificate() <= allowed < 1e-13
    assert np.linalg.norm(problem.gradient(best + 1e-10, None)) > allowed


def test_without_solve_no_minimum_is_claimed():
    assert prepared(data="breast-cancer").minimum() is None


def test_a_solver_that_fails_says_so(monkeypatch):
    monkeypatch.setattr(_reference, "ROUNDINGS", 0.0)
    with pytest.raises(NumericalError) as caught:
        prepared(solve=True, **LONG).minimum()
    start, end = str(caught.value).split(" is ")
    assert start == "problem logistic: no minimiser found; the gradient's norm"
    assert end.endswith(", wanted 0e+00; a larger l2 makes it easier")


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


def test_concentrated_agents_share_no_curvature():
    """Sorted by norm, each of n agents has its own block: L is nearly n times below L_i."""
    options = {"data": "concentrated", "rows": 800, "dimension": 64, "split": "sorted-by-norm"}
    problem = prepared(8, l2=1e-4, intercept=False, test_fraction=0, **options)
    for rank in range(8):
        wanted = np.full(64, 2.0**-12 + 1e-4)
        wanted[8 * rank : 8 * rank + 8] = 0.25 + 1e-4
        np.testing.assert_allclose(problem.curvature_of(rank).diagonal, wanted, rtol=1e-14)
    largest = max(problem.smoothness(rank) for rank in range(8))
    assert largest / 8 < problem.top() < largest / 7


@pytest.mark.parametrize(
    ("data", "loss"), [("digits", math.log(10)), ("breast-cancer", math.log(2))]
)
def test_at_zero_every_class_is_equally_likely(data, loss):
    problem = prepared(data=data)
    assert problem.loss(np.zeros(problem.d)) == pytest.approx(loss, rel=1e-14)


def test_two_classes_as_a_softmax_of_two():
    rows = classify(load("breast-cancer", 0))
    part = Part(rows.features, rows.labels)
    x = np.random.default_rng(0).standard_normal(30)
    both = np.concatenate([-x, x]) / 2
    one = _softmax.Model(part._replace(labels=(rows.labels + 1) // 2))
    two = _two_classes.Model(_two_classes.fold(part))
    assert one.loss(both) == pytest.approx(two.loss(x), rel=1e-13)
    slope = one.grad(both)
    np.testing.assert_allclose(slope[30:] - slope[:30], 2 * two.grad(x), rtol=1e-11, atol=1e-14)
    assert np.array_equal(
        _softmax.predict(rows.features, both) * 2 - 1, _two_classes.predict(rows.features, x)
    )


def test_two_classes_against_the_textbook():
    rows = classify(load("breast-cancer", 0))
    y = rows.labels.astype(float)
    model = _two_classes.Model(_two_classes.fold(Part(rows.features, y)))
    for size in (0.1, 1.0, 30.0):
        x = size * np.random.default_rng(1).standard_normal(30)
        t = y * (rows.features @ x)
        p = np.where(t > 0, np.exp(-np.abs(t)), 1.0) / (1 + np.exp(-np.abs(t)))
        assert model.loss(x) == pytest.approx(np.mean(np.logaddexp(0, -t)), rel=1e-13)
        wanted = -rows.features.T @ (y * p) / len(y)
        np.testing.assert_allclose(model.grad(x), wanted, rtol=1e-10, atol=1e-15)
        bent = rows.features.T @ (p * (1 - p) * (rows.features @ x)) / len(y)
        np.testing.assert_allclose(model.hessian_vector(x, x), bent, rtol=1e-10, atol=1e-14)


def test_a_row_far_on_the_wrong_side_pulls_with_all_its_weight():
    model = _two_classes.Model(Part(np.array([[1.0, -2.0], [0.5, 3.0]]), np.ones(2)))
    x = np.array([1e4, 0.0])
    assert np.array_equal(model.grad(-x), [-0.75, -0.5])  # minus the mean row
    assert np.abs(model.grad(x)).max() < 1e-300
    assert model.loss(-x) == 7500.0


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


@pytest.mark.skipif(not (DATA / "a8a").is_file(), reason="the LIBSVM file a8a is not here")
def test_sparse_rows_give_the_dense_results():
    problem = prepared(agents=8, data=f"libsvm:{DATA / 'a8a'}", split="sorted-by-norm")
    x = np.random.default_rng(0).standard_normal(124)
    part = problem._parts[5]
    assert not isinstance(part.features, np.ndarray)
    table = part.features.toarray()
    sparse, dense = _two_classes.Model(part), _two_classes.Model(part._replace(features=table))
    assert sparse.loss(x) == pytest.approx(dense.loss(x), rel=1e-12)
    np.testing.assert_allclose(sparse.grad(x), dense.grad(x), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(sparse.hessian(x), dense.hessian(x), rtol=1e-10, atol=1e-14)
    top = np.linalg.eigvalsh(table.T @ table)[-1] / len(table)
    assert problem.smoothness(5) == pytest.approx(top / 4 + 1e-3)


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


@pytest.mark.parametrize("sparse", [False, True])
def test_the_papers_preprocessing(sparse, tmp_path):
    """Scaled by the largest entry, sorted by norm, cut into equal parts, the remainder dropped."""
    rng = np.random.default_rng(7)
    share = 0.1 if sparse else 0.9
    table = np.where(rng.random((26, 40)) < share, rng.standard_normal((26, 40)), 0.0)
    table[:, 0], table[0, -1] = 3 * rng.standard_normal(26), 1.0
    labels = np.where(rng.random(26) < 0.5, -1, 1)
    lines = [
        " ".join([str(y), *(f"{j + 1}:{float(v)!r}" for j, v in enumerate(row) if v)])
        for y, row in zip(labels, table, strict=True)
    ]
    file = tmp_path / "rows.svm"
    file.write_text("\n".join(lines))
    problem = prepared(4, data=f"libsvm:{file}", test_fraction=0.0, **PAPER)
    scaled = table / np.abs(table).max(axis=1, keepdims=True)
    order = np.argsort(np.linalg.norm(scaled, axis=1))
    for rank in range(4):
        mine = order[6 * rank : 6 * rank + 6]
        x = rng.standard_normal(40)
        slope = -labels[mine] / (1 + np.exp(labels[mine] * (scaled[mine] @ x)))
        wanted = slope @ scaled[mine] / 6 + 1e-3 * x
        np.testing.assert_allclose(problem.grad(rank, x, None), wanted, rtol=1e-11, atol=1e-15)
        assert isinstance(problem._parts[rank].features, np.ndarray) != sparse
    whole = scaled[order[:24]]
    top = np.linalg.norm(whole, 2) ** 2 / (4 * 24) + 1e-3
    assert problem.top() == pytest.approx(top, rel=1e-12)


def test_sparse_input_is_never_densified(tmp_path, monkeypatch):
    from scipy import sparse

    file = tmp_path / "rows.svm"
    file.write_text("".join(f"{row % 2} {row % 30 + 1}:{row + 1}\n" for row in range(90)))

    def refuse(self, *args, **kwargs):
        raise AssertionError("a sparse matrix was made dense")

    for form in (sparse.csr_array, sparse.csc_array, sparse.coo_array):
        monkeypatch.setattr(form, "toarray", refuse)
        monkeypatch.setattr(form, "todense", refuse)
    for split in ("iid", "by-class", "sorted-by-norm"):
        problem = prepared(2, data=f"libsvm:{file}", **{**PAPER, "split": split, "intercept": True})
        x = np.ones(problem.d)
        problem.grad(0, x, None)
        problem.loss(x)
        problem.hessian_vector(x, x)
        problem.metrics(x)
        for part in problem._parts:
            assert isinstance(part.features, sparse.csr_array)


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
            "choose from iid, by-class, sorted-by-norm",
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
