"""Bo and Wang, PNAS 2024: robust PCA and Tucker decomposition, small and at full length.

The short tests play small problems; the slow ones play one seed of ``netopt reproduce``.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from netopt import config, engine
from netopt.keys import Key, Purpose
from netopt.reproduce._cases import Request
from netopt.reproduce.qgd import robust_pca, tucker
from netopt.reproduce.qgd._compared import rates

SMALL = {"id": "robust-pca", "frames": 6, "pixels": [4, 4], "rank": 1}
PROBLEMS = [SMALL, {"id": "tucker", "size": [4, 5, 6], "rank": [2, 3, 3]}]
RAW = {"id": "raw", "dtype": "float64"}
ROUNDS = 150
each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem["id"])


def play(problem, algorithm, codec, rounds=ROUNDS, seed=1, **record):
    run = {"problem": problem, "topology": "w1", "algorithm": algorithm, "rounds": rounds}
    run |= {"seed": seed, "codecs": {"mix": codec}, "record": {"every": rounds, **record}}
    return engine.lockstep(config.make(run), None)


@each_problem
def test_without_rounding_it_is_the_recursion_with_the_papers_rates(problem):
    """The rates are written out: from t0 = 100 on they are held, for more than 50 rounds here."""
    algorithm = rates(0.03, 0.003, 80)
    run = {"problem": problem, "topology": "w1", "algorithm": algorithm, "seed": 1}
    made = config.make(run)
    weights, x = made.topology.weights, np.stack([made.problem.start()] * 5)
    for k in range(ROUNDS):
        t = min(k, 100)
        eps, alpha = 0.03 / (1 + 0.3 * t**0.6), 0.003 / (1 + 0.3 * t**0.9)
        slopes = [made.problem.grad(i, x[i], Key(1, Purpose.BATCH, k, 0, i)) for i in range(5)]
        x = (1 - eps) * x + eps * weights @ x - alpha * np.stack(slopes)
    np.testing.assert_allclose(play(problem, algorithm, RAW).x, x, rtol=1e-9, atol=1e-12)


@each_problem
@pytest.mark.parametrize(("levels", "bits"), [(4, 4), (32, 7), (64, 8)])
def test_the_payload_is_a_norm_and_two_symbols_more_than_twice_the_levels(problem, levels, bits):
    found = play(problem, rates(0.03, 0.003, 80), {"id": "switching", "levels": levels}, 10)
    d = found.x.shape[1]
    assert found.sent.total().payload_bits == 10 * 8 * (32 + d * bits)


@each_problem
def test_rounding_costs_next_to_no_loss(problem):
    algorithm = rates(0.03, 0.003, 80)
    exact = play(problem, algorithm, RAW).rows
    rounded = play(problem, algorithm, {"id": "switching", "levels": 64}).rows
    assert exact[-1]["loss"] < 0.7 * exact[0]["loss"]
    assert rounded[-1]["loss"] < 1.02 * exact[-1]["loss"]


def test_from_the_saddle_of_robust_pca_only_rounded_iterates_leave():
    """Where agents agree fast enough not to settle in different signs of the same background."""
    saddle = {**SMALL, "at": "saddle"}
    algorithm = {"id": "qgd", "schedule": {"id": "constant", "eps": 0.1, "alpha": 0.02}}
    first, last = play(saddle, algorithm, RAW, lambda_min=ROUNDS).rows
    assert first["lambda_min"] < -1
    assert last["lambda_min"] == first["lambda_min"]
    assert (last["grad_norm"], last["consensus"], last["loss"]) == (0, 0, first["loss"])
    for seed in range(2):
        first, last = play(saddle, algorithm, {"id": "switching", "levels": 32}, seed=seed).rows
        assert last["loss"] < 0.05 * first["loss"]


def test_from_a_strict_saddles_manifold_only_the_odd_grid_leaves():
    """The even grid leaves coordinates that are 0 at 0, and so do exact gradients."""
    problem = {"id": "strict-saddle", "directions": 2, "curvature": 1.0}
    algorithm = {"id": "qgd", "schedule": {"id": "constant", "eps": 0.5, "alpha": 0.1}}
    for codec in (RAW, {"id": "qsgd", "levels": 4, "floor": 0.1}):
        assert play(problem, algorithm, codec).rows[-1]["escape"] == 0
    for seed in range(2):
        rows = play(problem, algorithm, {"id": "switching", "levels": 4}, seed=seed).rows
        assert rows[-1]["escape"] > 0.5
        assert rows[-1]["loss"] < -0.25  # at the saddle it is 0, in a minimum -1/2


def test_the_studies_take_a_film_and_a_tensor_of_a_users(tmp_path):
    """Frames of 2 x 3 pixels have 256 / 6 times fewer numbers: steps grow by the root of that."""
    for n in range(100):
        Image.fromarray(np.full((2, 3, 3), n, np.uint8)).save(tmp_path / f"{n:03}.png")
    data = f"images:{tmp_path}"
    own, drawn = (robust_pca.RobustPcaStudy().cases(Request(name)) for name in (data, None))
    steps = [case.run["algorithm"]["lr"] for case in (own[0], drawn[0])]
    assert steps[0] == pytest.approx(steps[1] * np.sqrt(256 / 6), rel=1e-3)
    assert config.make(own[-1].run).problem.d == 5 * (20 + 18)
    np.save(tmp_path / "t.npy", np.ones((5, 6, 7)))
    case = tucker.TuckerStudy().cases(Request(str(tmp_path / "t.npy")))[0]
    assert config.make(case.run).problem.tensors() == (125, 25, 30, 35)


def whole(study, group, series):
    """Play a seed of a study's full version."""
    case = next(
        case
        for case in study.cases(Request())
        if (case.group, case.series) == (group, series.series)
    )
    made = config.make(case.run)
    return made.problem, engine.lockstep(made, None)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("study", "group", "exact", "rounded"),
    [
        (robust_pca.RobustPcaStudy(), robust_pca.SINGULAR, robust_pca.EXACT, robust_pca.FINE),
        (tucker.TuckerStudy(), tucker.START, tucker.EXACT, tucker.FINE),
    ],
    ids=["robust-pca", "tucker"],
)
def test_at_full_length_rounding_costs_less_than_1_percent(study, group, exact, rounded):
    ends = [whole(study, group, series)[1].rows[-1] for series in (exact, rounded)]
    assert ends[1]["loss"] < 1.01 * ends[0]["loss"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_at_full_length_every_agent_leaves_the_saddle_but_not_for_the_same_point():
    """U V is the same for other signs and mixtures of its factors, and agents mix slowly."""
    problem, played = whole(robust_pca.RobustPcaStudy(), robust_pca.SADDLE, robust_pca.FINE)
    first, last = played.rows[0], played.rows[-1]
    own = [problem.loss(x) for x in played.x]
    assert max(own) < 0.01 * first["loss"]
    assert max(own) < last["loss"] < 0.1 * first["loss"]
    assert last["consensus"] > 1
