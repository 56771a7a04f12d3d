"""The quadratic against dense linear algebra."""

import time

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.problems.quadratic import Quadratic
from netopt.registry import build


def prepared(agents=4, seed=2, **options):
    problem = Quadratic(**options)
    problem.prepare(agents, seed)
    return problem


@pytest.mark.parametrize("curvature", ["same", "shuffled"])
def test_minimum_solves_the_normal_equations(curvature):
    problem = prepared(curvature=curvature, kappa=50.0)
    matrices = [problem.smoothness_matrix(rank) for rank in range(4)]
    pulls = [-problem.grad(rank, np.zeros(problem.d), None) for rank in range(4)]
    best = np.linalg.solve(sum(matrices), sum(pulls))
    np.testing.assert_allclose(problem.minimum(), best, rtol=1e-12)


@pytest.mark.parametrize("curvature", ["same", "shuffled"])
def test_every_agent_has_exactly_the_condition_number_asked_for(curvature):
    problem = prepared(curvature=curvature, kappa=64.0, dimension=7)
    for rank in range(4):
        values = np.linalg.eigvalsh(problem.smoothness_matrix(rank))
        assert (values[0], values[-1]) == (1.0, 64.0)
        np.testing.assert_allclose(values, 2.0 ** np.arange(7), rtol=1e-12)
        assert problem.smoothness(rank) == 64.0


def test_only_equal_curvatures_leave_the_whole_as_ill_conditioned():
    assert prepared(curvature="same").strong_convexity() == 1.0
    assert prepared(curvature="shuffled").strong_convexity() > 1.5


def test_without_heterogeneity_all_agents_agree():
    problem = prepared(heterogeneity=0.0)
    assert problem.loss(problem.minimum()) == pytest.approx(0, abs=1e-28)
    x = np.ones(problem.d)
    assert np.array_equal(problem.grad(0, x, None), problem.grad(3, x, None))


def test_heterogeneity_spreads_the_centres():
    one, ten = prepared(heterogeneity=1.0), prepared(heterogeneity=10.0)
    assert ten.loss(ten.minimum()) == pytest.approx(100 * one.loss(one.minimum()))


def test_seeds_differ_and_agents_differ():
    x = np.zeros(10)
    one, two = prepared(seed=1), prepared(seed=2)
    assert not np.array_equal(one.grad(0, x, None), two.grad(0, x, None))
    assert not np.array_equal(one.grad(0, x, None), one.grad(1, x, None))


def test_an_agents_data_do_not_depend_on_who_else_was_asked():
    x = np.zeros(10)
    alone, late = prepared(), prepared()
    late.loss(x)
    assert np.array_equal(alone.grad(3, x, None), late.grad(3, x, None))


def test_one_coordinate_has_curvature_one():
    assert prepared(dimension=1).smoothness(0) == 1.0


def test_a_million_coordinates_are_practical():
    began = time.process_time()
    problem = prepared(dimension=10**6)
    problem.grad(0, problem.start(), None)
    problem.loss(problem.start())
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kappa": 0.5}, "$.kappa: expected float >= 1.0; the value is 0.5"),
        ({"dimension": 0}, "$.dimension: expected int >= 1; the value is 0"),
        ({"heterogeneity": -1}, "$.heterogeneity: expected float >= 0.0; the value is -1"),
        (
            {"curvature": "samr"},
            "$.curvature: expected one of same, shuffled; the value is 'samr'; "
            "did you mean 'same'?",
        ),
        ({"kapa": 2}, "$.kapa: quadratic has no option 'kapa'; did you mean 'kappa'?"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError) as caught:
        build(Problem, {"id": "quadratic", **options})
    assert str(caught.value) == message
