"""The two-class loss against its textbook form, a softmax of two, and dense rows."""

import os
from pathlib import Path

import numpy as np
import pytest

from netopt.data import classify, load
from netopt.problems import _softmax, _two_classes
from netopt.problems._rows import Part
from netopt.problems.logistic import Logistic

DATA = Path(os.environ.get("NETOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def prepared(agents=5, seed=2, **options):
    problem = Logistic(**options)
    problem.prepare(agents, seed)
    return problem


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
