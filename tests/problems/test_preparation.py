"""How rows are prepared: the smoothness paper's way against plain numpy, and sparse rows."""

import numpy as np
import pytest

from netopt.problems.logistic import Logistic

PAPER = {"split": "sorted-by-norm", "scale": "row-max", "equal": True, "intercept": False}


def prepared(agents=5, seed=2, **options):
    problem = Logistic(**options)
    problem.prepare(agents, seed)
    return problem


@pytest.mark.parametrize("sparse", [False, True])
def test_the_papers_preprocessing(sparse, tmp_path):
    """Scaled by the largest entry, sorted by norm, cut into equal parts, the remainder dropped."""
    rng = np.random.default_rng(7)
    share = 0.1 if sparse else 0.9
    table = np.where(rng.random((26, 40)) < share, rng.standard_normal((26, 40)), 0.0)
    table[:, 0], table[0, -1] = 3 * rng.standard_normal(26), 1.0
    labels = np.where(rng.random(26) < 0.5, -1, 1)
    lines = [
        " ".join([str(y), *(f"{j + 1}:{float(v)!r}" for j, v in enumerate(row) if v)])
        for y, row in zip(labels, table, strict=True)
    ]
    file = tmp_path / "rows.svm"
    file.write_text("\n".join(lines))
    problem = prepared(4, data=f"libsvm:{file}", test_fraction=0.0, **PAPER)
    scaled = table / np.abs(table).max(axis=1, keepdims=True)
    order = np.argsort(np.linalg.norm(scaled, axis=1))
    for rank in range(4):
        mine = order[6 * rank : 6 * rank + 6]
        x = rng.standard_normal(40)
        slope = -labels[mine] / (1 + np.exp(labels[mine] * (scaled[mine] @ x)))
        wanted = slope @ scaled[mine] / 6 + 1e-3 * x
        np.testing.assert_allclose(problem.grad(rank, x, None), wanted, rtol=1e-11, atol=1e-15)
        assert isinstance(problem._parts[rank].features, np.ndarray) != sparse
    whole = scaled[order[:24]]
    top = np.linalg.norm(whole, 2) ** 2 / (4 * 24) + 1e-3
    assert problem.top() == pytest.approx(top, rel=1e-12)


def test_sparse_input_is_never_densified(tmp_path, monkeypatch):
    from scipy import sparse

    file = tmp_path / "rows.svm"
    file.write_text("".join(f"{row % 2} {row % 30 + 1}:{row + 1}\n" for row in range(90)))

    def refuse(self, *args, **kwargs):
        raise AssertionError("a sparse matrix was made dense")

    for form in (sparse.csr_array, sparse.csc_array, sparse.coo_array):
        monkeypatch.setattr(form, "toarray", refuse)
        monkeypatch.setattr(form, "todense", refuse)
    for split in ("iid", "by-class", "sorted-by-norm"):
        problem = prepared(2, data=f"libsvm:{file}", **{**PAPER, "split": split, "intercept": True})
        x = np.ones(problem.d)
        problem.grad(0, x, None)
        problem.loss(x)
        problem.hessian_vector(x, x)
        problem.metrics(x)
        for part in problem._parts:
            assert isinstance(part.features, sparse.csr_array)


def test_concentrated_agents_share_no_curvature():
    """Sorted by norm, each of n agents has its own block: L is nearly n times below L_i."""
    options = {"data": "concentrated", "rows": 800, "dimension": 64, "split": "sorted-by-norm"}
    problem = prepared(8, l2=1e-4, intercept=False, test_fraction=0, **options)
    for rank in range(8):
        wanted = np.full(64, 2.0**-12 + 1e-4)
        wanted[8 * rank : 8 * rank + 8] = 0.25 + 1e-4
        np.testing.assert_allclose(problem.curvature_of(rank).diagonal, wanted, rtol=1e-14)
    largest = max(problem.smoothness(rank) for rank in range(8))
    assert largest / 8 < problem.top() < largest / 7
