"""The toy against the numbers that its paper reports and that follow from its formula."""

import math

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.problems.saddle import Saddle
from netopt.registry import build


@pytest.fixture
def saddle():
    problem = Saddle()
    problem.prepare(5, 0)
    return problem


def test_loss_at_the_papers_start(saddle):
    assert round(saddle.loss(np.array([0.016719, -0.050976])), 6) == 0.693717


def test_optimum(saddle):
    best = saddle.minimum()
    np.testing.assert_allclose(best, [1.4823, 1.4823], atol=5e-5)
    assert round(saddle.loss(best), 5) == 0.32508
    np.testing.assert_array_equal(saddle.minimisers(), [best, -best])


def test_origin_is_a_saddle(saddle):
    origin = np.zeros(2)
    assert saddle.loss(origin) == math.log(2)
    assert not saddle.grad(0, origin, None).any()
    up, down = np.array([1.0, -1.0]), np.array([1.0, 1.0])
    assert up @ saddle.hessian_vector(origin, up) > 0
    assert down @ saddle.hessian_vector(origin, down) < 0


def test_gradient_descent_from_the_default_start_stays_on_the_stable_manifold(saddle):
    x = saddle.start()
    for _ in range(1000):
        x -= 0.1 * saddle.grad(0, x, None)
    assert x[0] == -x[1]
    assert np.linalg.norm(x) < 1e-9


@pytest.mark.parametrize("point", [[1e3, 1e3], [1e3, -1e3], [1e154, 0.0], [-40.0, 40.0]])
def test_nothing_overflows(saddle, point):
    x = np.array(point)
    values = [saddle.loss(x) / (1 + x @ x), *saddle.grad(0, x, None)]
    assert np.isfinite(values).all()
    assert np.isfinite(saddle.hessian_vector(x, np.ones(2))).all()


def test_any_start_is_allowed():
    problem = build(Problem, {"id": "saddle", "at": [0.5, "-5e-1"]})
    assert problem.start().tolist() == [0.5, -0.5]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ([1.0], "$.at: expected list of length 2, got 1; the value is [1.0]"),
        ([1.0, float("inf")], "$: saddle: 'at' needs two finite numbers, got [1.0, inf]"),
    ],
)
def test_a_start_that_is_no_point_is_refused(at, message):
    with pytest.raises(ConfigError) as caught:
        build(Problem, {"id": "saddle", "at": at})
    assert str(caught.value) == message
