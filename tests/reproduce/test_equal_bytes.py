"""The comparison at equal bytes: its table of methods, its budgets, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from netopt import config
from netopt.errors import ConfigError
from netopt.reproduce import _study
from netopt.reproduce._cases import Request
from netopt.reproduce.baselines import equal_bytes
from netopt.reproduce.baselines._equal import AGENTS, GRID, METHODS

NAME = "baselines/equal-bytes"
DIGITS = 650  # ten classes of 64 pixels and a one


def test_the_methods_have_names_of_their_own_and_pairs_are_among_them():
    names = [method.series for method in METHODS]
    assert len(set(names)) == len(names)
    assert {name for pair in equal_bytes.PAIRS for name in pair} <= set(names)
    for method in METHODS:
        assert any(np.isclose(method.lr, step * method.scale) for step in GRID)


def test_budgets_are_in_proportion_to_the_model():
    assert equal_bytes.dimension("fashion-mnist") == equal_bytes.dimension("mnist") == 7850
    assert equal_bytes.dimension("digits") == DIGITS
    full = equal_bytes.budgets(Request(None, False), 7850)
    assert full == (0.25e6, 1e6, 4e6)
    assert equal_bytes.budgets(Request(None, True), DIGITS) == pytest.approx(
        [0.0625e6 * DIGITS / 7850, 0.25e6 * DIGITS / 7850, 1e6 * DIGITS / 7850]
    )


@pytest.mark.parametrize("quick", [True, False])
def test_the_rounds_of_every_method_pay_for_the_largest_budget(quick):
    request = Request("digits", quick)
    most = equal_bytes.budgets(request, DIGITS)[-1]
    rounds = {case.series: case.run["rounds"] for case in _study.find(NAME).cases(request)}
    for method in METHODS:
        assert (rounds[method.series] - 2) * method.bits * DIGITS / 8 < most
        assert rounds[method.series] * method.bits * DIGITS / 8 > most


def test_a_run_has_eight_agents_with_data_whether_there_is_a_hub_or_not():
    cases = {case.series: case for case in _study.find(NAME).short()}
    for series, size in (("SGD", AGENTS + 1), ("DGD", AGENTS)):
        experiment = config.make(cases[series].run)
        assert experiment.topology.size == size
        assert experiment.problem.agents == AGENTS


def test_data_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError) as refused:
        _study.find(NAME).cases(Request("digit", True))
    assert str(refused.value) == (
        "$.problem.data: no data set is called 'digit'; did you mean 'digits'?"
    )
