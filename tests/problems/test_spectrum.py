"""The smallest eigenvalue of F's Hessian: against dense eigenvalues and closed forms."""

from __future__ import annotations

import tracemalloc
from importlib.util import find_spec

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from netopt.problems import Problem, _spectrum
from netopt.problems._spectrum import lowest
from netopt.registry import build

PROBLEMS = [
    "saddle",
    {"id": "logistic", "data": "breast-cancer"},
    {"id": "least-squares", "dimension": 80, "rows": 90},
    {"id": "quadratic", "dimension": 90, "kappa": 1000, "curvature": "shuffled"},
    {"id": "strict-saddle", "dimension": 100, "directions": 3, "spread": 20},
    {"id": "matrix-factorization", "rows": 18, "columns": 7},
    {"id": "matrix-factorization", "rows": 30, "columns": 12, "at": "saddle"},
    {"id": "phase-retrieval", "dimension": 100, "measurements": 60},
    {"id": "phase-retrieval", "dimension": 70, "at": "zero"},
    {"id": "tucker", "size": [5, 5, 5], "rank": [3, 3, 3]},
    {"id": "robust-pca", "pixels": [4, 4], "frames": 8, "rank": 2},
]
"""Below and above the d up to which the Hessian is formed; eigenvalues in clusters, too."""


def prepared(spec):
    problem = build(Problem, spec)
    problem.prepare(3, 1)
    return problem


def rotated(values):
    """A problem whose Hessian has the eigenvalues ``values``, in directions that are no axes."""
    u = np.linalg.qr(np.random.default_rng(1).standard_normal((len(values), 3)))[0]

    def turn(v):
        return v - 2 * u @ (u.T @ v)

    problem = Problem()
    problem.d, problem.agents = len(values), 1
    problem.__dict__["hessian_vector"] = lambda x, v: turn(values * turn(v))
    return problem


def dense(problem, x):
    """All eigenvalues of the Hessian, made of its columns."""
    columns = np.array([problem.hessian_vector(x, e) for e in np.eye(problem.d)])
    return np.linalg.eigvalsh((columns + columns.T) / 2)


@pytest.mark.parametrize("spec", PROBLEMS, ids=str)
def test_it_is_the_smallest_of_all_eigenvalues(spec):
    problem = prepared(spec)
    rng = np.random.default_rng(2)
    for size in (0.0, 0.3):
        x = problem.start() + size * rng.standard_normal(problem.d)
        values = dense(problem, x)
        width = max(values[-1] - values[0], -values[0])
        found = lowest(problem, x, 7)
        assert found.residual <= 2 * _spectrum.TOLERANCE * width
        assert abs(found.value - values[0]) <= found.residual + 1e-12 * width
        assert found.value >= values[0] - 1e-12 * width, "a Rayleigh quotient is not below it"


@pytest.mark.skipif(find_spec("torch") is None, reason="there is no PyTorch")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_is_that_of_a_module(dtype):
    spec = {"id": "classifier", "rows": 60, "model_options": {"hidden": [1]}, "dtype": dtype}
    problem = prepared(spec)
    x = problem.start()
    values = dense(problem, x)
    found = lowest(problem, x, 0)
    assert problem.products() == "autograd"
    rounding = 1e-12 if dtype == "float64" else 1e-5
    assert found.residual <= 2 * _spectrum.TOLERANCE * np.ptp(values)
    assert abs(found.value - values[0]) <= found.residual + rounding * np.ptp(values)


@pytest.mark.parametrize("d", [2, 64, 65, 5000])
def test_it_is_the_curvature_at_a_strict_saddle(d):
    problem = prepared({"id": "strict-saddle", "dimension": d, "curvature": 0.125})
    found = lowest(problem, np.zeros(d), 0)
    assert found.value == pytest.approx(-0.125, rel=1e-12)
    assert found.products <= 90
    best = lowest(problem, problem.minimum(), 0)
    assert best.value == pytest.approx(0.25, rel=1e-9), "2 c at the minimum"


def test_it_is_minus_04_at_the_saddle():
    assert lowest(prepared("saddle"), np.zeros(2), 0).value == pytest.approx(-0.4, rel=1e-15)


RNG = np.random.default_rng(0)
SPECTRA = {
    "all zero": np.zeros(200),
    "all equal": np.full(200, 3.0),
    "all equal and negative": np.full(200, -3.0),
    "zero many times": np.r_[np.zeros(300), np.linspace(1, 5, 200)],
    "a cluster": np.r_[np.linspace(-1.001, -1, 50), np.linspace(0, 5, 500)],
    "one below a bulk": np.r_[-0.5, RNG.exponential(0.05, 3000), np.logspace(-1, 2, 20)],
    "the edge of a bulk": np.r_[-RNG.exponential(0.05, 3000), np.logspace(-1, 2, 20)],
    "condition 1e5": np.logspace(-3, 2, 1000),
    "small and wide": 1e-9 * np.linspace(-1, 3, 300),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_it_is_found_in_a_spectrum_of_any_kind(name):
    values = SPECTRA[name]
    found = lowest(rotated(values), np.zeros(len(values)), 3)
    width = max(np.ptp(values), np.abs(values).max())
    assert found.residual <= 2 * _spectrum.TOLERANCE * width
    assert abs(found.value - values.min()) <= found.residual + 1e-12 * width


def test_what_is_not_found_has_no_value(monkeypatch):
    problem = rotated(np.logspace(-8, 2, 3000))
    monkeypatch.setattr(_spectrum, "MOST", 100)
    why = "it takes more than 100 Hessian-vector products"
    assert lowest(problem, np.zeros(3000), 0) == (None, None, 100, why)


@pytest.mark.parametrize("d", [3, 100])
def test_a_product_that_is_not_finite_ends_the_search(d):
    problem = rotated(np.array([np.nan, *range(1, d)]))
    why = "a Hessian-vector product is not finite"
    assert lowest(problem, np.zeros(d), 0) == (None, None, 1, why)


def test_the_bits_are_the_same_again_whatever_the_threads_and_the_seed_has_a_say():
    problem = prepared({"id": "matrix-factorization", "rows": 40, "columns": 20})
    x, found = problem.start(), []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(lowest(problem, x, 5))
    assert found[0] == found[1]
    assert found[0].residual != lowest(problem, x, 6).residual


def test_it_holds_some_ninety_vectors_and_never_a_matrix():
    problem = prepared({"id": "strict-saddle", "dimension": 20_000, "spread": 50})
    x = problem.start()
    lowest(problem, x, 0)  # scipy is imported
    tracemalloc.start()
    try:
        found = lowest(problem, x, 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert abs(found.value + 0.25) <= found.residual
    assert peak < 8 * problem.d * (2 * _spectrum.BASIS + 10)


class Slopes(Problem):
    """F = sum_j x_j^4 / 4 + x_1 x_2, with gradients only; without an id it is not registered."""

    def grad(self, rank, x, key):
        """Return the gradient."""
        slope = x**3
        slope[:2] += x[1::-1]
        return slope


@pytest.mark.parametrize("size", [0.0, 1.0, 1e3])
def test_a_problem_with_gradients_only_has_products_by_differences(size):
    problem = Slopes()
    problem.d, problem.agents = 6, 2
    rng = np.random.default_rng(1)
    for scale in (1.0, 1e-6, 1e6):
        x, v = size * rng.standard_normal(6), scale * rng.standard_normal(6)
        exact = 3 * x**2 * v
        exact[:2] += v[1::-1]
        error = np.abs(problem.hessian_vector(x, v) - exact).max()
        assert error <= 1e-8 * (1 + size**2) * scale
    assert not problem.hessian_vector(x, np.zeros(6)).any()
    assert lowest(problem, np.zeros(6), 0).value == pytest.approx(-1, abs=1e-9)


def test_a_problem_says_how_its_products_are_made():
    assert Slopes().products() == "finite-difference"
    assert {prepared(spec).products() for spec in PROBLEMS} == {"exact"}
