"""Phase retrieval against its formula, its known points, and what runs of it find."""

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem
from netopt.problems.phase_retrieval import PhaseRetrieval
from netopt.registry import build


def prepared(agents=3, seed=4, **options):
    problem = PhaseRetrieval(**options)
    problem.prepare(agents, seed)
    return problem


def descend(problem, steps, lr=0.05):
    x = problem.start()
    for _ in range(steps):
        x -= lr * problem.gradient(x, None)
    return x


def test_the_formula_written_out():
    """One row an agent: f_i(0) tells b, the gradient's direction and b = (a'x*)^2 tell a."""
    problem = prepared(measurements=1, dimension=3)
    best, x = problem.minimum(), np.array([0.3, -1.0, 2.0])
    for rank in range(3):
        b = 2 * np.sqrt(problem.agent_loss(rank, np.zeros(3)))
        along = problem.grad(rank, np.ones(3), None)
        a = along * np.sqrt(b) / abs(along @ best)
        miss = (a @ x) ** 2 - b
        assert problem.agent_loss(rank, x) == pytest.approx(miss**2 / 4, rel=1e-12)
        np.testing.assert_allclose(problem.grad(rank, x, None), miss * (a @ x) * a, rtol=1e-12)


def test_measurements_are_squares_of_the_signal():
    problem, noisy = prepared(), prepared(noise=0.1)
    for rank in range(3):
        part, other = problem._part(rank), noisy._part(rank)
        assert np.array_equal(part.squares, np.square(part.rows @ problem.minimum()))
        assert np.array_equal(part.rows, other.rows)
        assert 0.05 < np.std(part.squares - other.squares) < 0.2
    assert noisy.minimum() is noisy.minimisers() is None


def test_known_points():
    problem = prepared()
    best = problem.minimum()
    assert np.linalg.norm(best) == pytest.approx(1, rel=1e-15)
    assert np.array_equal(problem.minimisers(), [best, -best])
    for point in (best, -best):
        assert problem.loss(point) == 0
        assert problem.metrics(point) == {"relative_error": 0.0}
    hessian = np.array([problem.hessian_vector(np.zeros(10), v) for v in np.eye(10)])
    assert np.linalg.eigvalsh(hessian)[-1] < 0  # 0 is a local maximum
    assert not problem.gradient(np.zeros(10), None).any()
    assert not prepared(at="zero").start().any()


@pytest.mark.parametrize("seed", range(5))
def test_gradient_descent_finds_the_signal_or_its_negative(seed):
    problem = prepared(seed=seed)
    assert np.linalg.norm(problem.start()) == pytest.approx(1e-2)
    assert problem.metrics(descend(problem, 600))["relative_error"] < 1e-6


def test_a_batch_is_an_unbiased_choice_of_rows():
    """Over all batches of 1 of 4 rows the gradient is exact; 64 keys miss a row with p < 1e-7."""
    problem = prepared(measurements=4, batch=1)
    x = problem.minimum() + 0.1
    keys = [Key(1, Purpose.BATCH, k) for k in range(64)]
    drawn = {problem.grad(1, x, key).tobytes() for key in keys}
    assert len(drawn) == 4
    mean = np.mean([np.frombuffer(row) for row in drawn], axis=0)
    np.testing.assert_allclose(mean, problem.grad(1, x, None), rtol=1e-12)
    assert problem.grad(1, x, keys[0]).tobytes() == problem.grad(1, x, keys[0]).tobytes()


def test_an_agents_rows_do_not_depend_on_who_else_was_asked():
    alone, late = prepared(), prepared()
    x = np.ones(10)
    late.loss(x)
    assert np.array_equal(alone.grad(2, x, None), late.grad(2, x, None))


def test_a_batch_of_more_rows_than_there_are_is_refused():
    with pytest.raises(ConfigError) as caught:
        build(Problem, {"id": "phase-retrieval", "batch": 41})
    assert str(caught.value) == (
        "$: phase-retrieval: 'batch' is at most 'measurements', 40, got 41"
    )
