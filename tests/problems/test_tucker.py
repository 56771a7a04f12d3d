"""Tucker decomposition against the sum over all indices, written out, and files of a user's."""

import numpy as np
import pytest

from netopt import config
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.problems.tucker import Tucker
from netopt.registry import build

SIZE, RANK = (4, 5, 6), (2, 3, 3)


def prepared(agents=3, seed=4, **options):
    problem = Tucker(**{"size": SIZE, "rank": RANK, **options})
    problem.prepare(agents, seed)
    return problem


def tensors(x, size=SIZE, rank=RANK):
    """G, U1, U2, U3, cut out of x by hand."""
    core, rest = np.split(x, [np.prod(rank)])
    ends = np.cumsum(np.multiply(size, rank))[:-1]
    factors = np.split(rest, ends)
    shapes = zip(factors, size, rank, strict=True)
    return core.reshape(rank), *(u.reshape(n, r) for u, n, r in shapes)


def approximation(x, size=SIZE, rank=RANK):
    return np.einsum("pqr,ip,jq,kr->ijk", *tensors(x, size, rank))


def saved(tmp_path, array, name="t.npy"):
    np.save(tmp_path / name, array)
    return str(tmp_path / name)


@pytest.fixture
def tensor():
    return np.random.default_rng(0).standard_normal(SIZE)


def test_the_formula_written_out(tmp_path, tensor):
    problem = prepared(data=saved(tmp_path, tensor), l2=0.3)
    x = np.random.default_rng(1).standard_normal(problem.d)
    _, *factors = tensors(x)
    misfit = np.linalg.norm(tensor - approximation(x))
    ridge = sum(np.linalg.norm(u) ** 2 for u in factors)
    assert problem.loss(x) == pytest.approx(misfit + 0.3 * ridge, rel=1e-14)
    size = np.linalg.norm(tensor)
    assert problem.metrics(x) == pytest.approx(
        {"relative_error": misfit / size, "relative_loss": (misfit + 0.3 * ridge) / size}
    )


def test_the_gradient_written_out(tmp_path, tensor):
    problem = prepared(data=saved(tmp_path, tensor), l2=0.3)
    x = np.random.default_rng(1).standard_normal(problem.d)
    core, a, b, c = tensors(x)
    r = approximation(x) - tensor
    r /= np.linalg.norm(r)
    wanted = [
        np.einsum("ijk,ip,jq,kr->pqr", r, a, b, c),
        np.einsum("ijk,pqr,jq,kr->ip", r, core, b, c) + 0.6 * a,
        np.einsum("ijk,pqr,ip,kr->jq", r, core, a, c) + 0.6 * b,
        np.einsum("ijk,pqr,ip,jq->kr", r, core, a, b) + 0.6 * c,
    ]
    flat = np.concatenate([part.ravel() for part in wanted])
    np.testing.assert_allclose(problem.grad(2, x, None), flat, rtol=1e-12, atol=1e-13)
    assert np.array_equal(problem.grad(2, x, None), problem.grad(0, x, None))


def test_a_planted_tensor_has_the_rank_asked_for_and_the_noise():
    problem = prepared()
    exact = problem._tensor
    unfolded = [np.moveaxis(exact, n, 0).reshape(SIZE[n], -1) for n in range(3)]
    assert tuple(np.linalg.matrix_rank(part) for part in unfolded) == RANK
    change = prepared(noise=0.2)._tensor - exact
    assert np.linalg.norm(change) == pytest.approx(0.2 * np.linalg.norm(exact))
    assert not np.array_equal(prepared(seed=5)._tensor, exact)


def test_at_an_exact_fit_only_the_regulariser_is_left():
    problem = prepared(rank=(1, 1, 1), l2=0.5)
    x = np.concatenate([[1.0], np.ones(15)])
    problem._tensor = np.ones(SIZE)
    assert problem.loss(x) == 0.5 * 15
    assert problem.grad(0, x, None).tolist() == [0.0] + 15 * [1.0]
    assert problem.hessian_vector(x, x).tolist() == [0.0] + 15 * [1.0]


def test_there_is_no_minimiser_for_the_core_may_grow():
    problem = prepared()
    x = problem.start()
    core = np.prod(RANK)
    for _ in range(5):
        shrunk = np.concatenate([8 * x[:core], x[core:] / 2])
        np.testing.assert_allclose(approximation(shrunk), approximation(x), rtol=1e-12)
        assert problem.loss(shrunk) < problem.loss(x)
        x = shrunk
    assert problem.minimum() is problem.minimisers() is None


def test_start_and_tensors():
    problem = prepared()
    x = problem.start()
    assert problem.tensors() == (18, 8, 15, 18)
    assert problem.d == len(x) == 59
    assert 0 <= x.min() < x.max() < 1


def test_gradient_descent_nears_the_planted_tensor():
    problem = prepared()
    x = problem.start()
    assert problem.metrics(x)["relative_error"] > 2
    for _ in range(1000):
        x -= 0.003 * problem.grad(0, x, None)
    assert problem.metrics(x)["relative_error"] < 0.2


def test_integers_are_numbers_too(tmp_path):
    whole = np.arange(120, dtype=np.int16).reshape(SIZE)
    assert prepared(data=saved(tmp_path, whole))._tensor.dtype == np.float64


def refused(name, reason):
    with pytest.raises(ConfigError) as caught:
        prepared(data=name)
    assert str(caught.value) == f"$.problem.data: {reason}"


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.ones((3, 3)), "has 2 axes; expected 3"),
        (np.ones(SIZE) * 1j, "has the type complex128; expected real numbers"),
        (np.full(SIZE, np.nan), "has entries that are not finite"),
        (np.zeros(SIZE), "has no entry but 0, so there is nothing to decompose"),
        (np.zeros((0, 3, 3)), "has no entry but 0, so there is nothing to decompose"),
    ],
)
def test_an_array_that_is_no_tensor_is_refused(tmp_path, array, reason):
    name = saved(tmp_path, array)
    refused(name, f"the tensor in '{name}' {reason}")


def test_a_file_that_is_none_is_refused(tmp_path):
    refused("video", "expected 'planted' or a file that ends in .npy, got 'video'")
    missing = str(tmp_path / "missing.npy")
    refused(missing, f"cannot read '{missing}': no such file or directory")
    for text in (b"", b"hello"):
        file = tmp_path / "bad.npy"
        file.write_bytes(text)
        refused(str(file), f"'{file}' is not a .npy file of numbers")
    objects = saved(tmp_path, np.array([None]), "objects.npy")
    refused(objects, f"'{objects}' is not a .npy file of numbers")
    with (tmp_path / "many.npy").open("wb") as stream:
        np.savez(stream, a=np.ones(3))
    name = str(tmp_path / "many.npy")
    refused(name, f"'{name}' is not a .npy file of numbers")


def test_a_rank_above_its_side_is_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        prepared(rank=(2, 6, 3))
    assert str(caught.value) == (
        "$.problem.rank: a rank of [2, 6, 3] does not fit a tensor of sides [4, 5, 6]; "
        "no rank is above its side"
    )
    with pytest.raises(ConfigError):
        build(Problem, {"id": "tucker", "rank": [2, 0, 3]})


def test_a_tensor_is_found_beside_the_run_file(tmp_path, tensor):
    name = saved(tmp_path, tensor)
    problem = {"id": "tucker", "data": "t.npy", "rank": list(RANK)}
    run = {"problem": problem, "topology": "w1", "algorithm": "dgd"}
    assert config.make(run, tmp_path).problem.data == name
    with pytest.raises(ConfigError, match=r"^\$\.problem\.data: cannot read 't\.npy'"):
        config.make(run)
