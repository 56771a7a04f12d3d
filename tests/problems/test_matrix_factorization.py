"""Matrix factorization against its formula, its spectrum at 0, and an SVD."""

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.problems.matrix_factorization import MatrixFactorization
from netopt.registry import build


def prepared(agents=3, seed=4, **options):
    problem = MatrixFactorization(**options)
    problem.prepare(agents, seed)
    return problem


def factors(problem, x):
    cut = problem.rows * problem.rank
    return x[:cut].reshape(problem.rows, -1), x[cut:].reshape(problem.columns, -1)


def matrix(problem):
    """M, read off the gradient by V at U with U'U = I and V = 0: there it is (balance V) - M'U."""
    found = np.zeros((problem.rows, problem.columns))
    for begin in range(0, problem.rows, problem.rank):
        u = np.eye(problem.rows, problem.rank, -begin)
        x = np.concatenate([u.ravel(), np.zeros(problem.columns * problem.rank)])
        by_v = factors(problem, problem.gradient(x, None))[1]
        found += u @ -by_v.T
    return found


def test_the_formula_written_out():
    problem = prepared(rows=7, columns=5, rank=2, noise=0.3, balance=0.7)
    m, x = matrix(problem), np.random.default_rng(0).standard_normal(24)
    u, v = factors(problem, x)
    lean = 0.7 / 4 * np.linalg.norm(u.T @ u - v.T @ v) ** 2
    assert problem.loss(x) == pytest.approx(np.linalg.norm(u @ v.T - m) ** 2 / 2 + lean)
    miss = [np.linalg.norm((u @ v.T - m)[rows]) ** 2 for rows in (range(2), range(2, 4))]
    assert problem.agent_loss(0, x) == pytest.approx(3 / 2 * miss[0] + lean)
    assert problem.agent_loss(1, x) == pytest.approx(3 / 2 * miss[1] + lean)


def test_data_tell_an_agent_about_its_own_rows_alone():
    problem = prepared(rows=9, balance=0.0)
    by_u = factors(problem, problem.grad(1, np.ones(problem.d), None))[0]
    assert by_u.any(axis=1).tolist() == 3 * [False] + 3 * [True] + 3 * [False]


def test_zero_is_a_saddle_with_the_planted_spectrum():
    problem = prepared(rows=6, columns=4, rank=2, condition=4.0, at="saddle")
    x = problem.start()
    assert not x.any()
    assert not problem.gradient(x, None).any()
    hessian = np.array([problem.hessian_vector(x, v) for v in np.eye(problem.d)])
    planted = [-1, -1, -0.25, -0.25, *(12 * [0]), 0.25, 0.25, 1, 1]
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), planted, atol=1e-14)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_minimum_is_the_best_approximation_of_that_rank(noise):
    problem = prepared(noise=noise)
    u, v = factors(problem, problem.minimum())
    values = np.linalg.svd(matrix(problem), compute_uv=False)
    assert problem.loss(problem.minimum()) == pytest.approx(np.sum(values[3:] ** 2) / 2, abs=1e-15)
    np.testing.assert_allclose(u.T @ u, np.diag(values[:3]), atol=1e-14)
    np.testing.assert_allclose(v.T @ v, np.diag(values[:3]), atol=1e-14)
    assert problem.minimisers() is None
    assert problem.metrics(problem.minimum())["excess"] == pytest.approx(0, abs=1e-15)


def test_procrustes_is_zero_on_the_whole_manifold_and_the_distance_off_it():
    problem = prepared()
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    turned = np.concatenate([(part @ turn).ravel() for part in factors(problem, problem.minimum())])
    assert problem.loss(turned) == pytest.approx(0, abs=1e-15)
    assert problem.metrics(turned)["procrustes"] < 1e-14
    assert problem.metrics(1.01 * turned)["procrustes"] == pytest.approx(
        0.01 * np.linalg.norm(turned)
    )
    assert problem.metrics(turned)["relative_error"] < 1e-14
    assert problem.metrics(np.zeros(problem.d))["relative_error"] == 1.0


def test_gradient_descent_from_near_the_saddle_finds_the_matrix():
    problem = prepared()
    x = problem.start()
    assert 0 < np.abs(x).max() < 0.01
    for _ in range(400):
        x -= 0.3 * problem.gradient(x, None)
    assert problem.metrics(x)["relative_error"] < 1e-6
    assert problem.metrics(x)["procrustes"] < 1e-5


def test_tensors_add_up():
    assert prepared().tensors() == (60, 45)
    assert prepared().d == 105


def test_what_is_refused():
    with pytest.raises(ConfigError) as caught:
        build(Problem, {"id": "matrix-factorization", "rank": 16})
    assert str(caught.value) == (
        "$: matrix-factorization: 'rank' is at most the smaller side of M, 15, got 16"
    )
    with pytest.raises(ConfigError) as caught:
        prepared(agents=21)
    assert str(caught.value) == (
        "$.problem.rows: 20 rows are too few for 21 agents; expected at least 21"
    )
