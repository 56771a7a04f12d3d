"""The studies: their formulas against the methods themselves, their data, their claims."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from netopt import config, reproduce
from netopt.algorithms import _dq
from netopt.errors import ConfigError
from netopt.network.lockstep import Lockstep
from netopt.reproduce import _claims, _study
from netopt.reproduce._cases import Request
from netopt.reproduce.dq_gd import _sweep, momentum
from netopt.reproduce.smoothness import _methods

NAMES = tuple(_study.names())
FOLDER = Path(reproduce.__file__).parent


def test_every_study_is_found_by_its_file():
    files = [file.relative_to(FOLDER) for file in FOLDER.glob("*/[!_]*.py")]
    assert list(NAMES) == sorted(f.with_suffix("").as_posix().replace("_", "-") for f in files)
    assert {"dq-gd/contraction", "qgd/toy", "smoothness/blocks"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("quick", [True, False])
def test_a_study_says_what_it_is_and_its_cases_differ(name, quick):
    study = _study.find(name)
    assert study.name == name
    assert all((study.shows, study.paper, study.reference, study.data))
    cases = study.cases(Request(None, quick))
    assert len({case.name for case in cases}) == len(cases)
    assert len({case.seed for case in cases}) == study.seeds[quick]
    assert study.deviations(Request(None, quick))


def test_a_wrong_name_is_answered_by_the_right_one():
    with pytest.raises(ConfigError) as refused:
        _study.find("smoothness/block")
    assert str(refused.value) == (
        "no study is called 'smoothness/block'; did you mean 'smoothness/blocks'?"
    )


METHODS = [
    *(_methods.DCGD, _methods.DCGD_SMOOTH, _methods.DIANA, _methods.DIANA_UNIFORM),
    *(_methods.DIANA_SMOOTH, _methods.DIANA_BLOCKS, _methods.PLUS_BLOCKS),
    *(_methods.SMOOTH_BLOCKS, _methods.DCGD_BLOCKS, _methods.RAND_TAU),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.series)
def test_the_step_size_of_theory_is_the_one_that_the_method_takes(method):
    """The hub finds it from what travelled in float32, theory here from the problem."""
    (case, *_) = _methods.cases([method], Request("breast-cancer", True))
    experiment = config.make(case.run)
    network = Lockstep(experiment)
    network.setup()
    found = _methods.theory(experiment)
    assert network._states[0].lr == pytest.approx(found.gamma, rel=1e-5)
    if not math.isnan(found.alpha):
        assert network._states[1].alpha == pytest.approx(found.alpha, rel=1e-5)


@pytest.mark.parametrize(("beta", "error"), [(0.5, 1.0), (0.8, 0.25), (0.0, 0.3)])
def test_the_formulas_of_differential_quantization_are_those_of_the_methods(beta, error):
    """Written twice, from the paper and in the methods' warnings."""
    assert momentum.lambda_plus(error, beta) == pytest.approx(_dq.lambda_plus(error, beta))
    known = _sweep.Facts(10.0, 1.0, 16)
    assert known.sigma == pytest.approx(9 / 11)
    assert known.naive(error) == pytest.approx(_dq.factor_nq(9 / 11, 2 / 11, 10.0, error))


@pytest.mark.parametrize(("rate", "expected"), [(1.0, 2.0), (2.0, 1.0), (2.5, 10**0.5 / 4)])
def test_the_covering_of_fractional_bits(rate, expected):
    """d = 16: at R = 2.5 half of the widths is 2 and half 3: sqrt(8/16 + 8/64)."""
    wanted = math.sqrt(8 / 16 + 8 / 64) if rate == 2.5 else expected
    assert _sweep.covering("uniform", rate, 16) == pytest.approx(wanted)


def test_workers_come_from_the_files_name_or_from_sqrt_d(tmp_path):
    assert _methods.workers_for("breast-cancer") == 5
    file = tmp_path / "splice"
    file.write_text("1 1:0.5 60:1\n-1 2:1\n")
    assert _methods.workers_for(f"libsvm:{file}") == 6


def test_too_few_columns_for_the_workers_are_refused(tmp_path):
    file = tmp_path / "german"
    file.write_text("1 1:0.5 9:1\n-1 2:1\n")
    with pytest.raises(ConfigError) as refused:
        _study.find("smoothness/improvement").cases(Request(f"libsvm:{file}", True))
    assert str(refused.value) == (
        f"'libsvm:{file}' has d = 9 columns, and the levels floor(sqrt(d) / n) of n = 4 workers "
        "need n <= sqrt(d) = 3; take data with more columns"
    )


def test_claims_are_judged():
    assert _claims.near("a", 2.0, [1.9, 2.1], 0.01).held
    assert not _claims.near("a", 2.0, [1.9, 1.9], 0.01).held
    assert _claims.at_most("a", 2.0, [1.0, 3.0]) == ("a", "<= 2", 2.0, pytest.approx(2**0.5), True)
    assert not _claims.at_least("a", 2.1, [1.0, 3.0]).held
    assert _claims.near("a", 1.0, [1.0], 0.1).spread is None


def test_what_json_does_not_know_becomes_words():
    row = _claims.Claim("a", math.inf, 1.0, None, False).row()
    assert row == {"claim": "a", "expected": "inf", "measured": 1.0, "spread": None, "held": False}


def test_a_knee_is_where_both_see_it():
    rates = [1.0, 2.0, 3.0]
    assert _sweep.knee("a", rates, lambda r: r >= 2, lambda r: r > 1.5).held
    off = _sweep.knee("a", rates, lambda r: r >= 2, lambda r: False)
    assert (off.expected, off.measured, off.held) == (2.0, math.inf, False)
