"""A problem's operations are those that numpy does in a gradient, and grow with what it is of."""

from __future__ import annotations

import importlib.util
import math
import sys

import numpy as np
import pytest

from netopt.keys import Key, Purpose
from netopt.problems import Problem
from netopt.problems._torch import ImageProblem
from netopt.registry import build, discover

from .counting import counting, operations

AGENTS = 4
KEY = Key(1, Purpose.BATCH)
KNOWN = discover(Problem)
TORCH = [name for name, cls in KNOWN.items() if issubclass(cls, ImageProblem)]
ANY = [
    pytest.param(name, marks=pytest.mark.skipif(
        name in TORCH and not importlib.util.find_spec("torch"), reason="PyTorch is not installed"
    ))
    for name in KNOWN
]  # fmt: skip


def prepared(spec, agents=AGENTS):
    problem = build(Problem, spec)
    problem.prepare(agents, 1)
    return problem


@pytest.mark.parametrize("name", ANY)
def test_every_problem_says_how_much_work_a_gradient_is(name):
    problem = prepared(name)
    for rank in range(AGENTS):
        found = problem.flops(rank)
        assert isinstance(found, float)
        assert math.isfinite(found)
        assert found >= problem.d, "each coordinate takes an operation at least"
        assert found == problem.flops(rank)


@pytest.mark.parametrize("name", ANY)
def test_every_shipped_problem_counts_for_itself(name):
    assert KNOWN[name].flops is not Problem.flops
    assert "operations" in KNOWN[name].flops.__doc__


@pytest.mark.parametrize("name", [p for p in ANY if hasattr(KNOWN[p.values[0]], "batch")])
def test_a_batch_takes_its_share_of_the_work(name):
    options = {"id": name, "split": "iid"} if hasattr(KNOWN[name], "split") else {"id": name}
    whole = prepared(options).flops(0)
    one, two, eight = (prepared({**options, "batch": size}).flops(0) for size in (1, 2, 8))
    assert one < two < eight < whole
    assert eight - two == pytest.approx(6 * (two - one)), "so much a row, and so much for all"


def counted(problem, rank=0, key=None):
    """Return the operations of a gradient as they happen; whatever meets x counts itself."""
    x = problem.start() + np.random.default_rng(2).standard_normal(problem.d)
    model = getattr(problem, "_model", None)
    if model is not None and hasattr(model(rank), "_work"):
        model(rank)._work = counting(model(rank)._work)
    return operations(problem, rank, x, key)


EXACT = {
    "quadratic": {"dimension": 37},
    "least-squares": {"rows": 90, "dimension": 7},
    "least-squares ": {"rows": 90, "dimension": 7, "batch": 5, "l2": 0.1},
    "logistic": {"rows": 80},
    "logistic ": {"rows": 400, "split": "dirichlet:0.5"},
    "logistic  ": {"data": "breast-cancer"},
    "logistic   ": {"data": "digits", "batch": 3, "split": "iid"},
    "phase-retrieval": {"dimension": 9, "measurements": 31},
    "phase-retrieval ": {"dimension": 9, "measurements": 31, "batch": 4},
    "matrix-factorization": {"rows": 23, "columns": 11, "rank": 4},
    "tucker": {"size": [6, 7, 8], "rank": [3, 4, 2]},
    "robust-pca": {"frames": 9, "pixels": [5, 6], "rank": 2},
    "strict-saddle": {"dimension": 20, "directions": 3, "spread": 4},
    "strict-saddle ": {"dimension": 20, "directions": 20, "at": "saddle", "spread": 4},
}


@pytest.mark.parametrize("name", EXACT)
def test_it_is_what_numpy_does(name):
    problem = prepared({"id": name.strip(), **EXACT[name]})
    for rank in range(AGENTS):
        # Formulas leave out scalars such as a norm's root; what never met x is counted by nobody.
        found = counted(problem, rank, KEY)
        assert found > 4 * problem.d or name.startswith(("quadratic", "strict"))
        assert problem.flops(rank) == pytest.approx(found, rel=0.01, abs=problem.d + 4)


def test_sparse_rows_count_what_they_store(tmp_path):
    rng = np.random.default_rng(1)
    lines = []
    for label in (1, -1) * 40:
        columns = sorted(rng.choice(300, 5, replace=False))
        lines.append(f"{label} " + " ".join(f"{c + 1}:1.5" for c in columns))
    file = tmp_path / "data.libsvm"
    file.write_text("\n".join(lines) + "\n")
    problem = prepared({"id": "logistic", "data": f"libsvm:{file}", "test_fraction": 0})
    rows = 20
    assert problem.flops(0) == 4 * rows * (5 + 1) + 4 * rows + 2 * problem.d


def test_uneven_shares_take_uneven_time():
    problem = prepared({"id": "logistic", "split": "dirichlet:0.3"})
    rows = [len(problem._parts[rank].labels) for rank in range(AGENTS)]
    found = [problem.flops(rank) - 2 * problem.d for rank in range(AGENTS)]
    assert len(set(rows)) > 1
    assert found == pytest.approx([n * found[0] / rows[0] for n in rows])


def test_more_rows_take_as_much_more():
    few, many = (prepared({"id": "least-squares", "rows": n, "dimension": 5}) for n in (400, 4000))
    assert many.flops(0) / few.flops(0) == pytest.approx(10, rel=0.02)


class TestTorch:
    """Products with matrices, of which a dense layer has three, and the first one two."""

    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("torch", reason="PyTorch is not installed")

    @pytest.mark.parametrize("batch", [None, 5])
    def test_an_mlp_takes_six_operations_a_weight_and_image(self, batch):
        options = {"model_options": {"hidden": [40, 30]}, "rows": 400}
        problem = prepared({"id": "classifier", **options, "batch": batch})
        weights = [64 * 40, 40 * 30, 30 * 10]
        images = batch or len(problem._shares[0])
        assert problem.flops(0) == images * (6 * sum(weights) - 2 * weights[0])

    def test_a_convolution_takes_them_at_every_place(self):
        problem = prepared({"id": "autoencoder", "model": "cnn", "rows": 400})
        per_image = problem.flops(0) / len(problem._shares[0])
        assert per_image > 12 * problem.d

    def test_a_module_of_which_pytorch_counts_nothing_counts_its_parameters(
        self, tmp_path, monkeypatch
    ):
        (tmp_path / "scaled.py").write_text(
            "import torch\n"
            "class Scaled(torch.nn.Module):\n"
            "    def __init__(self):\n"
            "        super().__init__()\n"
            "        self.scale = torch.nn.Parameter(torch.ones(64))\n"
            "    def forward(self, x):\n"
            "        return (x.flatten(1) * self.scale)[:, :10]\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        problem = prepared({"id": "classifier", "model": "scaled:Scaled", "rows": 400})
        assert problem.flops(0) == 4 * 64 * len(problem._shares[0])
        sys.modules.pop("scaled")

    def test_counting_leaves_the_gradient_alone(self):
        problem = prepared({"id": "classifier", "rows": 400})
        x = problem.start()
        before = problem.grad(0, x, KEY)
        problem.flops(0)
        assert np.array_equal(problem.grad(0, x, KEY), before)
