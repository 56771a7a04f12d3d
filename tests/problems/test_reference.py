"""The solved minimum against scikit-learn's, and its certificate against rounding error."""

import os
from pathlib import Path

import numpy as np
import pytest

from netopt.data import load
from netopt.errors import NumericalError
from netopt.problems import _reference
from netopt.problems.logistic import Logistic

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
