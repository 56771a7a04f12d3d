"""The strict saddle against its formula, its spectrum, and the memory that it may take."""

import itertools
import tracemalloc

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem
from netopt.problems.strict_saddle import StrictSaddle
from netopt.registry import build


def prepared(agents=3, seed=4, **options):
    problem = StrictSaddle(**options)
    problem.prepare(agents, seed)
    return problem


def eigenvalues(problem, x):
    columns = [problem.hessian_vector(x, v) for v in np.eye(problem.d)]
    return np.linalg.eigvalsh(np.array(columns))


def test_the_formula_written_out():
    problem = prepared(dimension=5, directions=2, curvature=0.5, spread=9.0)
    x = np.array([0.5, -2.0, 1.0, 2.0, -3.0])
    up = 0.5 * (1.0 * 1 + 3.0 * 4 + 9.0 * 9)
    down = 0.125 * (0.5**4 - 2 * 0.5**2) + 0.125 * (16 - 2 * 4)
    assert problem.loss(x) == pytest.approx(up + down, rel=1e-15)
    wanted = [0.5 * (0.125 - 0.5), 0.5 * (-8 + 2), 1.0, 6.0, -27.0]
    np.testing.assert_allclose(problem.grad(1, x, None), wanted, rtol=1e-14)


def test_the_saddle_has_the_eigenvalues_asked_for():
    problem = prepared(dimension=6, directions=2, curvature=0.3, spread=8.0)
    values = eigenvalues(problem, np.zeros(6))
    np.testing.assert_allclose(values, [-0.3, -0.3, 1, 2, 4, 8], rtol=1e-14)
    assert not problem.grad(0, np.zeros(6), None).any()


def test_every_corner_is_a_minimum_of_the_same_depth():
    problem = prepared(dimension=5, directions=3, curvature=0.2)
    rows = problem.minimisers()
    corners = {(*signs, 0.0, 0.0) for signs in itertools.product((1.0, -1.0), repeat=3)}
    assert {tuple(row) for row in rows.tolist()} == corners
    assert rows[0].tolist() == problem.minimum().tolist()
    for row in rows:
        assert problem.loss(row) == pytest.approx(-3 * 0.2 / 4, rel=1e-15)
        np.testing.assert_allclose(eigenvalues(problem, row), [0.4, 0.4, 0.4, 1, 1], rtol=1e-14)


def test_exact_gradients_end_at_the_saddle_and_stay():
    problem = prepared(directions=2)
    x = problem.start()
    for _ in range(300):
        x -= 0.2 * problem.grad(0, x, None)
    assert not x[:2].any()
    assert np.linalg.norm(x) < 1e-20
    assert problem.metrics(x) == {"escape": 0.0}


def test_a_nudge_ends_at_the_nearest_minimum():
    problem = prepared(directions=2)
    x = problem.start() + np.eye(10)[0] * 1e-9 - np.eye(10)[1] * 1e-9
    for _ in range(1000):
        x -= 0.2 * problem.grad(0, x, None)
    np.testing.assert_allclose(x, [1, -1] + 8 * [0], atol=1e-12)
    assert problem.metrics(x)["escape"] == pytest.approx(1.0)


def test_starts():
    first, other = prepared(radius=3.0), prepared(radius=3.0, seed=5)
    assert np.linalg.norm(first.start()) == pytest.approx(3.0, rel=1e-15)
    assert first.start()[0] == 0
    assert not np.array_equal(first.start(), other.start())
    assert not prepared(at="saddle").start().any()


def test_noise_has_the_total_variance_asked_for():
    """200 draws of 1000 coordinates: a sum of 2e5 squares is within 6 of its deviations."""
    problem = prepared(dimension=1000, noise=0.5)
    x = problem.start()
    exact = problem.grad(1, x, None)
    keys = [Key(1, Purpose.BATCH, k) for k in range(200)]
    noise = np.array([problem.grad(1, x, key) - exact for key in keys])
    assert abs(np.square(noise).sum(axis=1).mean() / 0.25 - 1) < 6 * np.sqrt(2 / 2e5)
    assert abs(noise.mean()) < 6 * 0.5 / np.sqrt(1000 * 2e5)
    assert not np.array_equal(problem.grad(1, x, keys[0]), problem.grad(2, x, keys[0]))
    assert np.array_equal(problem.grad(1, x, keys[0]), problem.grad(1, x, keys[0]))


def test_the_gradient_of_f_averages_the_agents_noise():
    problem, key = prepared(noise=1.0), Key(1, Purpose.BATCH)
    x = problem.start()
    mean = np.mean([problem.grad(rank, x, key) for rank in range(3)], axis=0)
    np.testing.assert_allclose(problem.gradient(x, key), mean, rtol=1e-12)
    assert np.array_equal(problem.gradient(x, None), problem.grad(0, x, None))


@pytest.mark.parametrize("options", [{}, {"noise": 1.0}, {"directions": 10**6 - 1}])
def test_a_gradient_allocates_the_vector_that_it_returns_and_pieces(options):
    problem = prepared(dimension=10**6, **options)
    x, key = problem.start(), Key(1, Purpose.BATCH)
    problem.grad(0, x, key)
    for call, vectors in [
        (lambda: problem.grad(0, x, key), 1),
        (lambda: problem.hessian_vector(x, x), 1),
        (lambda: problem.loss(x), 0),
        (lambda: problem.metrics(x), 0),
    ]:
        tracemalloc.start()
        kept = call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < vectors * 8 * 10**6 + 2**20
        del kept


def test_pieces_are_seamless():
    d, k = 3 * 2**15 + 5, 2**15 + 3
    problem = prepared(dimension=d, directions=k, spread=4.0)
    x = np.random.default_rng(0).standard_normal(d)
    up = np.geomspace(1, 4, d - k)
    whole = np.concatenate([0.25 * (x[:k] ** 3 - x[:k]), up * x[k:]])
    np.testing.assert_allclose(problem.grad(0, x, None), whole, rtol=1e-11, atol=1e-14)
    bends = np.concatenate([0.25 * (3 * x[:k] ** 2 - 1), up])
    np.testing.assert_allclose(problem.hessian_vector(x, x), bends * x, rtol=1e-11, atol=1e-14)
    total = np.sum(x[:k] ** 4 / 16 - x[:k] ** 2 / 8) + np.sum(up * x[k:] ** 2 / 2)
    assert problem.loss(x) == pytest.approx(total, rel=1e-10)


def test_too_many_minimisers_are_not_listed():
    assert prepared(dimension=40, directions=30).minimisers() is None
    assert prepared(dimension=2**20).minimisers() is None
    assert prepared(dimension=2**19).minimisers().shape == (2, 2**19)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"directions": 11},
            "$: strict-saddle: 'directions' is at most 'dimension', 10, got 11",
        ),
        (
            {"curvature": 0},
            "$.curvature: expected `float` > 0.0; the value is 0",
        ),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ConfigError) as caught:
        build(Problem, {"id": "strict-saddle", **options})
    assert str(caught.value) == message.replace("`", "")


def test_a_manifold_that_is_a_point_is_refused():
    with pytest.raises(ConfigError) as caught:
        prepared(dimension=2, directions=2)
    assert str(caught.value) == (
        "$.problem.at: all coordinates lead down, so the stable manifold is the saddle alone; "
        "use 'saddle'"
    )
    assert prepared(dimension=2, directions=2, at="saddle").d == 2
