"""Curvatures against numpy's linear algebra, and what is said of a singular L_i."""

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.problems import _curvature
from netopt.problems.least_squares import LeastSquares
from netopt.problems.logistic import Logistic
from netopt.problems.quadratic import Quadratic


def prepared(problem, agents=4, seed=2):
    problem.prepare(agents, seed)
    return problem


def test_the_root_of_a_matrix_with_known_eigenvectors():
    basis = np.linalg.qr(np.random.default_rng(1).standard_normal((9, 9)))[0]
    values = 10.0 ** -np.arange(9)
    wanted = (basis * np.sqrt(values)) @ basis.T
    got = _curvature.decompose((basis * values) @ basis.T, 0)
    np.testing.assert_allclose(got.root, wanted, atol=1e-12)
    assert (got.top, got.bottom) == pytest.approx((1.0, 1e-8), rel=1e-6)


def test_a_diagonal_is_not_decomposed_and_equal_to_what_a_decomposition_gives():
    values = np.array([3.0, 0.25, 16.0, 1.0])
    quick, slow = _curvature.diagonal(values), _curvature.decompose(np.diag(values), 0)
    for one, two in zip(quick, slow, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-14)
    assert np.array_equal(np.diag(quick.root), [3.0**0.5, 0.5, 4.0, 1.0])


def test_lanczos_finds_the_largest_eigenvalue():
    factor = np.random.default_rng(2).standard_normal((50, 30))
    gram = factor.T @ factor
    wanted = np.linalg.eigvalsh(gram)[-1]
    assert _curvature.largest(lambda v: gram @ v, 30) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("data", ["breast-cancer", "libsvm"])
def test_top_of_equal_parts_is_the_formula_over_all_rows(data, tmp_path):
    """L = lambda_max(A'A)/(4 N) + mu where all agents have as many rows."""
    rng = np.random.default_rng(3)
    table = np.where(rng.random((60, 15)) < 0.2, rng.standard_normal((60, 15)), 0.0)
    if data == "libsvm":
        file = tmp_path / "rows.svm"
        file.write_text(
            "".join(
                f"{row % 2} "
                + " ".join(f"{j + 1}:{float(v)!r}" for j, v in enumerate(values) if v)
                + "\n"
                for row, values in enumerate(table)
            )
        )
        data = f"libsvm:{file}"
    problem = prepared(Logistic(data=data, test_fraction=0, intercept=False), agents=1)
    rows = problem._parts[0].features
    rows = rows if isinstance(rows, np.ndarray) else rows.toarray()
    wanted = np.linalg.norm(rows, 2) ** 2 / (4 * len(rows)) + 1e-3
    assert problem.top() == pytest.approx(wanted, rel=1e-12)


def test_top_above_the_dense_limit_is_the_dense_one(monkeypatch):
    dense = prepared(LeastSquares(l2=0.5)).top()
    monkeypatch.setattr("netopt.problems._rows.DENSE_LIMIT", 19)
    assert prepared(LeastSquares(l2=0.5)).top() == pytest.approx(dense, rel=1e-12)


def test_top_is_below_the_agents_where_they_differ():
    problem = prepared(Quadratic(curvature="shuffled", kappa=100.0))
    whole = np.mean([problem.smoothness_matrix(rank) for rank in range(4)], axis=0)
    assert problem.top() == np.diag(whole).max() < problem.smoothness(0)


def test_a_curvature_is_computed_once_an_agent():
    problem = prepared(LeastSquares())
    assert problem.curvature_of(1) is problem.curvature_of(1)
    assert problem.curvature_of(1) is not problem.curvature_of(2)


def test_large_problems_do_without_curvatures():
    assert prepared(Quadratic(dimension=4001)).curvature_of(0) is None
    wide = LeastSquares(data="gaussian", rows=1, dimension=4001)
    assert prepared(wide, agents=1).curvature_of(0) is None


def test_a_singular_matrix_names_the_agent_and_the_cure():
    problem = prepared(LeastSquares(data="digits"))  # three pixels are always 0
    with pytest.raises(ConfigError) as caught:
        problem.curvature_of(2)
    text = str(caught.value)
    start = "$.problem.l2: agent 2: the smoothness matrix L_i is singular (its smallest eigenvalue"
    assert text.startswith(start)
    assert text.endswith("); a larger l2 makes it regular")
    assert prepared(LeastSquares(data="digits", l2=1e-6)).curvature_of(2).bottom >= 0.999e-6
