"""Laws that every registered problem obeys, found by itself, with its defaults and five agents."""

import hashlib
import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem
from netopt.problems._torch import ImageProblem
from netopt.registry import build, discover

AGENTS = 5
KEY = Key(1, Purpose.BATCH)
TORCH = {name for name, cls in discover(Problem).items() if issubclass(cls, ImageProblem)}
"""The problems that need PyTorch."""
IDS = sorted(discover(Problem))
HERE = [name for name in IDS if name not in TORCH or importlib.util.find_spec("torch")]


def prepared(spec, seed=1):
    if isinstance(spec, str) and spec in TORCH:
        spec = {"id": spec, "dtype": "float64"}  # finite differences need the digits
    problem = build(Problem, spec)
    problem.prepare(AGENTS, seed)
    return problem


def directions(problem, count=3, seed=3):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield problem.start() + rng.standard_normal(problem.d), rng.standard_normal(problem.d)


@pytest.fixture(params=IDS)
def problem(request):
    if request.param not in HERE:
        pytest.skip("PyTorch is not installed: pip install 'netopt[torch]'")
    return prepared(request.param)


def test_the_expected_problems_are_found():
    assert set(IDS) >= {"least-squares", "logistic", "quadratic", "saddle"}


def test_config_builds_the_same_problem(problem):
    again = build(Problem, json.loads(json.dumps(problem.config())))
    assert again == problem
    assert again.config() == problem.config()


def test_docstring_and_reference_say_what_it_is(problem):
    assert problem.summary().endswith(".")
    assert problem.reference


def test_start_is_a_fresh_float64_vector(problem):
    start = problem.start()
    assert start.shape == (problem.d,)
    assert start.dtype == np.float64
    start[:] = 9.0
    assert not np.array_equal(problem.start(), start)


def test_gradient_of_each_agent_is_the_slope_of_its_loss(problem):
    for x, v in directions(problem):
        h = 1e-5
        for rank in range(AGENTS):
            slope = problem.agent_loss(rank, x + h * v) - problem.agent_loss(rank, x - h * v)
            assert problem.grad(rank, x, None) @ v == pytest.approx(slope / (2 * h), rel=1e-6)


def test_loss_is_the_mean_of_the_agents_losses(problem):
    for x, _ in directions(problem):
        mean = np.mean([problem.agent_loss(rank, x) for rank in range(AGENTS)])
        assert problem.loss(x) == pytest.approx(mean, rel=1e-12)


def test_gradient_is_the_mean_of_the_agents_gradients(problem):
    for x, _ in directions(problem):
        mean = np.mean([problem.grad(rank, x, None) for rank in range(AGENTS)], axis=0)
        np.testing.assert_allclose(problem.gradient(x, KEY), mean, rtol=1e-12, atol=1e-14)


def test_grad_is_a_new_array_and_leaves_x_alone(problem):
    x, _ = next(directions(problem))
    before = x.copy()
    first = problem.grad(0, x, KEY)
    kept = first.copy()
    first[:] = 7.0
    assert np.array_equal(x, before)
    assert np.array_equal(problem.grad(0, x, KEY), kept)
    assert kept.shape == (problem.d,)
    assert kept.dtype == np.float64


def test_gradient_vanishes_at_every_minimiser(problem):
    minimisers = problem.minimisers()
    for best in () if minimisers is None else minimisers:
        scale = np.linalg.norm(problem.gradient(problem.start(), None)) + 1
        assert np.linalg.norm(problem.gradient(best, None)) <= 1e-12 * scale
        for _, v in directions(problem):
            assert problem.loss(best + 1e-3 * v) > problem.loss(best)


def test_minimum_is_a_copy(problem):
    best = problem.minimum()
    if best is not None:
        kept = best.copy()
        best[:] = 7.0
        assert np.array_equal(problem.minimum(), kept)


def test_hessian_vector_is_the_slope_of_the_gradient_and_symmetric(problem):
    h = min(1e-5, 1e-4 / np.sqrt(problem.d))  # a long v bends the slope more
    for x, v in directions(problem):
        slope = (problem.gradient(x + h * v, None) - problem.gradient(x - h * v, None)) / (2 * h)
        product = problem.hessian_vector(x, v)
        np.testing.assert_allclose(product, slope, rtol=1e-5, atol=1e-7 * np.abs(slope).max())
        w = np.roll(v, 1) + 0.5
        within = 1e-6 if problem.products() == "finite-difference" else 1e-10
        assert w @ product == pytest.approx(v @ problem.hessian_vector(x, w), rel=within)


def test_hessian_is_symmetric_and_its_products_are_hessian_vectors(problem):
    for x, v in directions(problem):
        hessian = problem.hessian(x)
        if hessian is not None:
            assert np.array_equal(hessian, hessian.T)
            product = problem.hessian_vector(x, v)
            np.testing.assert_allclose(hessian @ v, product, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
def test_smoothness_bounds_how_fast_a_gradient_changes(problem, size):
    for x, v in directions(problem):
        for rank in range(AGENTS):
            bound, matrix = problem.smoothness(rank), problem.smoothness_matrix(rank)
            change = problem.grad(rank, x + size * v, None) - problem.grad(rank, x, None)
            if bound is not None:
                assert np.linalg.norm(change) <= (1 + 1e-9) * bound * np.linalg.norm(size * v)
            if matrix is not None:
                assert matrix.shape == (problem.d, problem.d)
                assert change @ v <= (1 + 1e-9) * size * (v @ matrix @ v)


def test_smoothness_is_the_top_eigenvalue_of_the_smoothness_matrix(problem):
    from scipy.linalg import eigh

    matrix = problem.smoothness_matrix(0)
    if matrix is not None:
        top = problem.d - 1
        largest = eigh(matrix, eigvals_only=True, subset_by_index=[top, top])
        assert problem.smoothness(0) == pytest.approx(largest[0], rel=1e-9)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
def test_top_bounds_how_fast_the_gradient_changes(problem, size):
    top = problem.top()
    for x, v in directions(problem):
        if top is not None:
            change = problem.gradient(x + size * v, None) - problem.gradient(x, None)
            assert np.linalg.norm(change) <= (1 + 1e-9) * top * np.linalg.norm(size * v)


def test_top_is_the_top_eigenvalue_of_the_mean_smoothness_matrix(problem):
    matrices = [problem.smoothness_matrix(rank) for rank in range(AGENTS)]
    if matrices[0] is not None:
        assert problem.top() == pytest.approx(np.linalg.norm(np.mean(matrices, axis=0), 2))
        assert problem.top() <= (1 + 1e-12) * np.mean(
            [problem.smoothness(i) for i in range(AGENTS)]
        )
        assert problem.top() >= (1 - 1e-12) * problem.strong_convexity()


def test_curvature_belongs_to_the_smoothness_matrix(problem):
    for rank in (0, AGENTS - 1):
        curvature, matrix = problem.curvature_of(rank), problem.smoothness_matrix(rank)
        if matrix is None:
            assert curvature is None
            continue
        assert np.array_equal(curvature.matrix, matrix)
        assert np.array_equal(curvature.diagonal, np.diag(matrix))
        assert np.array_equal(curvature.root, curvature.root.T)
        assert curvature.top == pytest.approx(problem.smoothness(rank), rel=1e-12)
        size = curvature.top
        np.testing.assert_allclose(curvature.root @ curvature.root, matrix, atol=1e-13 * size)
        ends = np.linalg.eigvalsh(matrix)[[0, -1]]
        np.testing.assert_allclose([curvature.bottom, curvature.top], ends, atol=1e-13 * size)
        assert np.linalg.eigvalsh(curvature.root)[0] > 0


def test_preparing_again_forgets_what_was_computed(problem):
    before, top = problem.curvature_of(0), problem.top()
    problem.prepare(AGENTS, 9)
    after = problem.curvature_of(0)
    again = prepared(problem.config(), seed=9)
    assert problem.top() == again.top()
    if before is not None:
        assert np.array_equal(after.matrix, again.curvature_of(0).matrix)
    problem.prepare(AGENTS, 1)
    assert problem.top() == top


def test_certificate_is_the_gradients_norm_at_the_minimum(problem):
    best = problem.minimum()
    if best is None:
        assert problem.certificate() is None
    else:
        assert problem.certificate() == np.linalg.norm(problem.gradient(best, None))


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
def test_strong_convexity_bounds_how_slowly_the_gradient_changes(problem, size):
    mu = problem.strong_convexity()
    for x, v in directions(problem):
        if mu is not None:
            change = problem.gradient(x + size * v, None) - problem.gradient(x, None)
            assert change @ v >= (1 - 1e-9) * mu * size * (v @ v)


def test_metrics_are_finite_numbers_with_names(problem):
    for name, value in problem.metrics(problem.start()).items():
        assert isinstance(name, str)
        assert isinstance(value, float)
        assert np.isfinite(value)


def test_preparing_again_starts_afresh(problem):
    first = problem.loss(problem.start())
    problem.prepare(2, 9)
    problem.prepare(AGENTS, 1)
    assert problem.agents == AGENTS
    assert problem.loss(problem.start()) == first


def test_bits_do_not_depend_on_the_number_of_threads(problem):
    x, v = next(directions(problem))
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            parts = [problem.grad(rank, x, None) for rank in range(AGENTS)]
            parts += [np.array(problem.loss(x)), problem.hessian_vector(x, v)]
            results.append([part.tobytes() for part in parts])
    assert results[0] == results[1]


def fingerprint(name):
    problem = prepared(name)
    x, _ = next(directions(problem))
    parts = [problem.grad(rank, x, KEY).tobytes() for rank in range(AGENTS)]
    parts += [np.float64(problem.loss(x)).tobytes(), problem.start().tobytes()]
    best = problem.minimum()
    parts += [b"" if best is None else best.tobytes()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_another_process_gets_the_same_bits():
    code = (
        "import importlib.util as u, sys\n"
        "spec = u.spec_from_file_location('laws', sys.argv[1])\n"
        "laws = u.module_from_spec(spec); spec.loader.exec_module(laws)\n"
        "print(*[laws.fingerprint(name) for name in laws.HERE])\n"
    )
    there = subprocess.run(
        [sys.executable, "-c", code, __file__], capture_output=True, text=True, check=True
    )
    assert there.stdout.split() == [fingerprint(name) for name in HERE]


def test_what_a_problem_does_not_define_it_says():
    bare = Problem()
    bare.d, bare.agents = 2, 1
    x = np.zeros(2)
    for call, what in [
        (lambda: bare.loss(x), "a loss"),
        (lambda: bare.grad(0, x, None), "a gradient"),
        (lambda: bare.hessian_vector(x, x + 1), "a gradient"),
    ]:
        with pytest.raises(ConfigError) as caught:
            call()
        assert str(caught.value) == f"problem  does not define {what}"
    assert bare.minimisers() is None
    assert bare.smoothness(0) is bare.smoothness_matrix(0) is bare.strong_convexity() is None
    assert bare.curvature_of(0) is bare.top() is bare.certificate() is bare.hessian(x) is None
