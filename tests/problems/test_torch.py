"""Problems with PyTorch modules, against numpy and against PyTorch used the plain way."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from netopt import config
from netopt.engine import lockstep
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem
from netopt.registry import build

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'netopt[torch]'")
KEY = Key(3, Purpose.BATCH, 5)
MLP = {"id": "classifier", "model_options": {"hidden": [6]}, "rows": 300}


def prepared(agents=3, seed=1, **spec):
    problem = build(Problem, spec)
    problem.prepare(agents, seed)
    return problem


def refusal(path="$.problem", **spec):
    with pytest.raises(ConfigError) as caught:
        build(Problem, spec, path).prepare(5, 1)
    return str(caught.value)


def looked_at(problem, rank):
    """Return the images, in [0, 1], and classes that agent ``rank``'s loss is of."""
    part = problem._train.of(problem._looked[rank])
    return part.pixels / part.white, part.classes


def test_the_networks_loss_and_gradient_are_those_of_numpy():
    """A layer of tanh and one of scores, differentiated by hand."""
    problem = prepared(**MLP, dtype="float64")
    x = problem.start()
    w1, b1, w2, b2 = np.split(x, np.cumsum(problem.tensors())[:-1])
    w1, w2 = w1.reshape(6, 64), w2.reshape(10, 6)
    for rank in range(3):
        a, y = looked_at(problem, rank)
        a = a.reshape(len(y), 64)
        h = np.tanh(a @ w1.T + b1)
        scores = h @ w2.T + b2
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        assert problem.agent_loss(rank, x) == pytest.approx(
            -np.mean(np.log(p[np.arange(len(y)), y])), rel=1e-12
        )
        p[np.arange(len(y)), y] -= 1
        p /= len(y)
        back = (p @ w2) * (1 - h * h)
        wanted = [back.T @ a, back.sum(axis=0), p.T @ h, p.sum(axis=0)]
        got = problem.grad(rank, x, None)
        np.testing.assert_allclose(got, np.concatenate([g.ravel() for g in wanted]), atol=1e-14)


def test_the_linear_autoencoder_is_best_at_the_principal_components():
    problem = prepared(
        id="autoencoder", model="linear", model_options={"code": 5}, rows=200, dtype="float64"
    )
    rows = np.concatenate([looked_at(problem, i)[0].reshape(-1, 64) for i in range(3)])
    assert len({len(looked_at(problem, i)[1]) for i in range(3)}) == 2  # 160 do not go round 3
    weights = np.concatenate([np.full(n, 1 / (3 * n)) for n in map(len, problem._looked)])
    mean = weights @ rows
    centred = (rows - mean) * np.sqrt(weights)[:, np.newaxis]
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:5]
    best = np.concatenate([axes.ravel(), -axes @ mean, axes.T.ravel(), mean])
    assert problem.loss(best) == pytest.approx(np.sum(sizes[5:] ** 2) / 64, rel=1e-10)
    assert np.linalg.norm(problem.gradient(best, None)) < 1e-12


def test_zero_with_the_mean_image_is_a_saddle_of_the_linear_autoencoder():
    """There the Hessian is -2 C / 64 between the two weights: C is the images' covariance."""
    problem = prepared(
        id="autoencoder",
        model="linear",
        model_options={"code": 2},
        scale=0.0,
        rows=100,
        dtype="float64",
        agents=2,
    )
    x = problem.start()
    assert not x.any()
    rows = np.concatenate([looked_at(problem, i)[0].reshape(-1, 64) for i in range(2)])
    x[-64:] = rows.mean(axis=0)
    assert np.linalg.norm(problem.gradient(x, None)) < 1e-14
    values, axes = np.linalg.eigh(np.cov(rows.T, bias=True))
    v = np.zeros(problem.d)
    v[:64], v[2 * 64 + 2 : -64 : 2] = axes[:, -1], axes[:, -1]  # the code's first row and column
    np.testing.assert_allclose(problem.hessian_vector(x, v), -2 * values[-1] / 64 * v, atol=1e-14)


@pytest.mark.parametrize("model", ["mlp", "logistic", "cnn"])
def test_a_gradient_of_float32_is_that_of_plain_pytorch(model):
    """One tensor at a time, with the optimizer's own parameters, on the same batch."""
    options = {"cnn": {"channels": [3], "hidden": 7}}.get(model, {})
    problem = prepared(
        id="classifier", model=model, model_options=options, batch=8, split="by-class", scale=2.0
    )
    x = problem.start() + 0.01
    for rank in range(3):
        got = problem.grad(rank, x, KEY)
        rows = problem._drawn(rank, KEY)
        assert len(set(rows)) == 8
        assert set(rows) <= set(problem._shares[rank])
        plain = type(problem._flat.module)(*problem._flat.module)  # the same layers
        tensors = torch.split(torch.tensor(x, dtype=torch.float32), problem.tensors())
        named = dict(zip(dict(plain.named_parameters()), tensors, strict=True))
        for name, parameter in plain.named_parameters():
            named[name] = named[name].reshape(parameter.shape).requires_grad_()
        inputs = torch.tensor(problem._train.pixels[rows] / 16, dtype=torch.float32)
        scores = torch.func.functional_call(plain, named, inputs)
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor(problem._train.classes[rows]))
        loss.backward()
        wanted = torch.cat([parameter.grad.reshape(-1) for parameter in named.values()])
        np.testing.assert_allclose(got, wanted.numpy(), rtol=1e-4, atol=1e-6)


def test_parameters_and_gradients_are_views_of_two_flat_arrays():
    problem = prepared(**MLP)
    flat = problem._flat
    for _ in range(2):
        problem.grad(0, problem.start(), KEY)
    for parameter in flat.module.parameters():
        assert np.shares_memory(parameter.detach().numpy(), flat.values)
        assert np.shares_memory(parameter.grad.numpy(), flat._slopes)
    assert problem.tensors() == (384, 6, 60, 10)
    assert sum(problem.tensors()) == problem.d


def test_the_cnn_of_the_qgd_paper_has_302566_parameters(tmp_path):
    records = np.random.default_rng(1).integers(0, 256, (20, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(20) % 10
    records.tofile(tmp_path / "data_batch_1.bin")
    records[:10].tofile(tmp_path / "test_batch.bin")
    problem = prepared(id="classifier", model="cnn", data=f"cifar10:{tmp_path}", agents=5)
    assert problem.d == 302_566
    assert len(problem.tensors()) == 10
    assert len(problem._train.classes) == 20
    assert len(problem._test.classes) == 10


@pytest.mark.parametrize("side", [(28, 28), (9, 14), (7, 5)])
def test_the_convolutional_autoencoder_gives_images_of_any_size_back(side):
    from netopt.problems._torch_models import CnnCoder

    for channels in ([4], [4, 6], [4, 6, 8]):
        module = CnnCoder(channels=channels, code=3).build((2, *side), 0)
        assert module(torch.zeros(2, 2, *side)).shape == (2, 2, *side)


def test_the_start_is_drawn_by_the_seed_alone_and_leaves_pytorchs_own_stream():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one = prepared(**MLP).start()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    assert np.array_equal(prepared(**MLP).start(), one)
    assert not np.array_equal(prepared(**MLP, seed=2).start(), one)
    np.testing.assert_allclose(prepared(**MLP, scale=0.01).start(), 0.01 * one)


def test_batches_depend_on_key_and_agent_and_average_to_the_gradient():
    """Five thousand batches of 2 of 8 images, against all 28 pairs: see the bound in the test."""
    problem = prepared(id="classifier", model="logistic", rows=32, batch=2, agents=3)
    x = problem.start()
    pairs = np.array([problem._drawn(0, KEY._replace(round=k)) for k in range(5000)])
    assert np.array_equal(problem._drawn(0, KEY), problem._drawn(0, KEY))
    assert not np.array_equal(problem._drawn(0, KEY), problem._drawn(1, KEY))
    values, counts = np.unique(pairs, return_counts=True)
    assert set(values) == set(problem._shares[0])
    # Hoeffding: each image's share misses 2/9 or 2/8 by 0.045 for one seed in 10^7.
    assert np.abs(counts / 5000 - 2 / len(values)).max() < 0.045
    batches = [problem.grad(0, x, KEY._replace(round=k)) for k in range(20)]
    assert len({batch.tobytes() for batch in batches}) > 10


def test_evaluate_bounds_what_a_row_looks_at_and_nothing_else():
    few = prepared(**MLP, evaluate=30, test_fraction=0.5)
    whole = prepared(**MLP, test_fraction=0.5)
    assert [len(rows) for rows in few._looked] == [10, 10, 10]
    assert len(few._test.classes) == 30
    assert len(whole._test.classes) == 150
    x = few.start()
    assert few.loss(x) != whole.loss(x)
    assert np.array_equal(few.grad(1, x, KEY), whole.grad(1, x, KEY))  # a key: all of them
    everything = prepared(**MLP, test_fraction=0.0)
    assert everything.metrics(x) == {}
    assert sum(len(rows) for rows in everything._shares) == 300


def test_a_short_run_learns_digits_over_quantized_messages():
    run = {
        "problem": {"id": "classifier", "batch": 32, "split": "dirichlet:1"},
        "topology": "ring-5",
        "algorithm": {"id": "dgd", "lr": 0.5},
        "codecs": {"mix": {"id": "per-tensor", "codec": {"id": "switching", "levels": 1100}}},
        "rounds": 60,
        "record": {"every": 60},
        "seed": 1,
    }
    outcome = lockstep(config.make(run), None)
    each = sum(32 + 12 * size for size in (4096, 64, 640, 10))
    assert outcome.sent.total().payload_bits == 60 * 10 * each
    assert outcome.rows[-1]["accuracy"] > 0.6 > 0.3 > outcome.rows[0]["accuracy"]
    again = lockstep(config.make(run), None)
    assert outcome.x.tobytes() == again.x.tobytes()


MODULES = """
from torch import nn
class Mine(nn.Sequential):
    def __init__(self, inside=4):
        super().__init__(nn.Flatten(), nn.Linear(64, inside), nn.LayerNorm(inside),
                         nn.Linear(inside, 10))
class Drops(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))
class Norms(nn.Sequential):
    def __init__(self):
        super().__init__(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 10))
class Keeps(nn.Sequential):
    def __init__(self):
        super().__init__(nn.InstanceNorm2d(1, track_running_stats=True), nn.Flatten(),
                         nn.Linear(64, 10))
class Wide(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(64, 11))
class Empty(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten())
class Other:
    pass
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "modules_of_mine.py").write_text(MODULES)
    monkeypatch.syspath_prepend(tmp_path)
    yield "modules_of_mine"
    sys.modules.pop("modules_of_mine", None)


def test_a_users_module_comes_by_its_path(mine):
    problem = prepared(id="classifier", model=f"{mine}:Mine", model_options={"inside": 3})
    assert problem.d == 64 * 3 + 3 + 6 + 3 * 10 + 10
    slope = problem.gradient(problem.start(), None)
    assert np.isfinite(slope).all()
    assert slope.any()


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (
            "Drops",
            "has a Dropout, which draws from a generator of its own, so that a run would not "
            "repeat; leave it out",
        ),
        (
            "Norms",
            "has a BatchNorm2d, which keeps statistics that no agent sends; use GroupNorm or "
            "LayerNorm",
        ),
        (
            "Keeps",
            "has a InstanceNorm2d, which keeps statistics that no agent sends; use GroupNorm or "
            "LayerNorm",
        ),
        (
            "Wide",
            "gives the shape (2, 11) for two images of shape (1, 8, 8); classifier needs 10 "
            "numbers for each",
        ),
        ("Empty", "has no parameters to train"),
        ("Other", "is not a torch.nn.Module"),
    ],
)
def test_modules_that_do_not_fit_are_refused(mine, member, message):
    name = f"{mine}:{member}"
    assert refusal(id="classifier", model=name) == f"$.problem.model: '{name}' {message}"


def test_other_errors_name_the_option(mine):
    assert refusal(id="classifier", model="mpl") == (
        "$.problem.model: no module is called 'mpl'; did you mean 'mlp'?"
    )
    assert refusal(id="classifier", model_options={"hiden": [3]}) == (
        "$.problem.model_options.hiden: mlp has no option 'hiden'; did you mean 'hidden'?"
    )
    assert refusal(id="classifier", model_options={"hidden": [0]}) == (
        "$.problem.model_options.hidden: expected int >= 1; the value is [0]"
    )
    assert refusal(id="classifier", model="cnn") == (
        "$.problem.model: nothing is left of an image of 8 x 8 pixels after 3 convolutions and "
        "poolings; give model_options.channels fewer entries"
    )
    assert refusal(id="classifier", model="nowhere:Net") == (
        "$.problem.model: no module 'nowhere:Net': No module named 'nowhere'; name a class as "
        "package.module:Class, where Python finds it (PYTHONPATH)"
    )
    assert refusal(id="classifier", model=f"{mine}:Mine", model_options={"x": 1}).startswith(
        "$.problem.model_options: 'modules_of_mine:Mine' cannot be made: TypeError: "
    )
    assert refusal(id="classifier", batch=500) == (
        "$.problem.batch: a batch of 500 images is more than the 287 that an agent has"
    )
    assert refusal(id="classifier", data="breast-cancer") == (
        "$.problem.data: data 'breast-cancer' are no images; choose from cifar10, digits, "
        "fashion-mnist, mnist"
    )
    assert refusal(id="autoencoder", split="pears") == (
        "$.problem.split: no split is called 'pears'; did you mean 'pairs'?"
    )


def command(tmp_path, code, *words):
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


RUN = "import sys; from netopt.__main__ import main; main()"
BLOCK = "import sys; sys.modules['torch'] = None; from netopt.__main__ import main; main()"


def test_without_pytorch_one_line_names_the_cure(tmp_path):
    (tmp_path / "run.yaml").write_text(
        "problem: {id: classifier}\ntopology: ring-5\nalgorithm: dgd\nnetwork: {driver: lockstep}\n"
    )
    done = command(tmp_path, BLOCK, "run", "run.yaml")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "netopt: error: $.problem: problem 'classifier' needs PyTorch, which cannot be imported ("
    )
    assert line.endswith("pip install 'netopt[torch]'")
    assert not (tmp_path / "runs").exists()


def test_pytorch_is_imported_by_the_problems_that_use_it_alone(tmp_path):
    """Also where all components are listed, or a run that needs none is planned."""
    seen = (
        "import contextlib, io, sys\nfrom netopt.__main__ import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main()\n"
        "print('torch' in sys.modules)"
    )
    for words in (["list"], ["show", "classifier"], ["plan", "digits-dgd"]):
        done = command(tmp_path, seen, *words)
        assert done.stdout.split()[-1] == "False", (words, done.stdout, done.stderr)


def fingerprint():
    problem = prepared(**MLP, batch=16)
    parts = [problem.grad(rank, problem.start(), KEY).tobytes() for rank in range(3)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_another_process_gets_the_same_float32_bits(tmp_path):
    code = (
        "import importlib.util as u, sys\n"
        "spec = u.spec_from_file_location('tests', sys.argv[1])\n"
        "module = u.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "print(module.fingerprint())\n"
    )
    done = command(tmp_path, code, __file__)
    assert done.stdout.strip() == fingerprint(), done.stderr
