"""DCGD, DIANA, their '+' forms, ADIANA and EF21: they are their boxes, and where they go."""

from __future__ import annotations

import numpy as np
import pytest
from algorithms.smoothness import BOXES, PROBLEMS, Box, N, every, make, plus

from netopt.algorithms.adiana import chance
from netopt.network.lockstep import Lockstep


def follow(experiment, box, first=1):
    """Play both, and compare all agents' estimates after every round."""
    network = Lockstep(experiment)
    network.setup()
    for k, x in enumerate(box(Box(experiment, first))):
        network.play(k)
        for mine in network.estimates():
            np.testing.assert_allclose(mine, x, rtol=1e-9, atol=1e-11)


@every
@PROBLEMS
def test_a_run_is_its_box(name, problem):
    follow(make(name, problem), BOXES[name])


@every
def test_a_hub_that_works_is_worker_0(name):
    follow(make({"id": name, "hub_works": True}, size=N), BOXES[name], first=0)


@every
@pytest.mark.parametrize("up", ["natural", "ternary", "randk"])
def test_other_codecs_fit_the_same_boxes(name, up):
    if name == "ef21" and up != "natural":
        up = {"id": "topk", "fraction": 0.3}
    follow(make(name, up=up), BOXES[name])


# ---- where they go ----


def errors(experiment, rounds, every=50):
    """||x - x*||^2 / ||x_0 - x*||^2 after 0, every, 2 every, ... rounds."""
    best, network = experiment.problem.minimum(), Lockstep(experiment)
    network.setup()
    found = [1.0]
    whole = np.sum((network.estimates()[0] - best) ** 2)
    for k in range(rounds):
        network.play(k)
        if (k + 1) % every == 0:
            found.append(float(np.sum((network.estimates()[0] - best) ** 2) / whole))
    return found


@pytest.mark.parametrize("name", ["diana", "diana-plus"])
@PROBLEMS
def test_learning_the_shifts_leads_to_the_solution(name, problem):
    assert min(errors(make(name, problem), 900)) <= 1e-25


@pytest.mark.parametrize("name", ["dcgd", "dcgd-plus"])
@PROBLEMS
def test_without_shifts_a_floor_remains(name, problem):
    late = errors(make(name, problem), 900)[10:]
    assert min(late) > 1e-6
    assert max(late) < 0.5


def test_ef21_leads_to_the_solution():
    up = {"id": "topk", "fraction": 0.4}
    assert min(errors(make("ef21", up=up), 700)) <= 1e-25


def test_adiana_leads_to_the_solution_and_overtakes_diana_where_the_condition_is_bad():
    """With omega = 1/8, kappa = 10^4: DIANA shrinks by 1 - 1/kappa, ADIANA by 1 - O(kappa^-1/2)."""
    flat = {"id": "quadratic", "dimension": 10, "kappa": 1e4}
    slow, fast = (errors(make(m, flat, up="natural"), 1000)[-1] for m in ("diana", "adiana"))
    assert fast < slow / 5
    assert min(errors(make("adiana", up="natural"), 800)) <= 1e-25


@pytest.mark.parametrize("name", ["diana", "diana-plus"])
def test_the_hub_keeps_the_mean_of_the_workers_shifts(watch, name):
    network, states = watch(make(name))
    network.setup()
    for k in range(200):
        network.play(k)
        shifts = [s.h if name == "diana" else s.root @ s.shift for s in states[1:]]
        mean, scale = np.mean(shifts, 0), np.abs(shifts).max()
        np.testing.assert_allclose(states[0].mean, mean, rtol=0, atol=1e-13 * scale)


def test_the_shifts_of_ef21_average_to_the_hubs(watch):
    network, states = watch(make("ef21"))
    for k in range(200):
        network.play(k)
        mean = np.mean([s.g for s in states[1:]], 0)
        np.testing.assert_allclose(states[0].mean, mean, rtol=0, atol=1e-12)


def test_if_mu_is_0_steps_are_half_as_long(monkeypatch, watch):
    wide = {"id": "varying-steps", "steps": "uniform"}
    runs = [make(m, up=wide) for m in ("dcgd", "diana", "dcgd-plus", "diana-plus")]
    whole = [rate(watch, run) for run in runs]
    for run in runs:
        run.problem.__dict__["strong_convexity"] = lambda: None
    assert [rate(watch, run) for run in runs] == [lr / 2 for lr in whole]


@plus
@PROBLEMS
def test_steps_are_those_of_the_exact_matrices(watch, name, problem):
    """gamma = 1/(L + 2 or 6 calL_max / n); for DCGD+ calL = n tr(L_i)/d, the closed form."""
    problem = make(name, problem).problem
    n, d = problem.agents, problem.d
    curved = [problem.curvature_of(i) for i in range(n)]
    top = np.linalg.eigvalsh(np.mean([c.matrix for c in curved], 0))[-1]
    if name == "dcgd-plus":
        gamma = 1 / (top + 2 * max(np.trace(c.matrix) for c in curved) / d)
    else:
        a = [np.hypot(1, c.diagonal / (n * problem.strong_convexity())) for c in curved]
        h = [n / d * np.sqrt(v.sum() / v) for v in a]
        pairs = zip(h, curved, strict=True)
        gamma = 1 / (top + 6 / n * max(np.linalg.norm(v * c.diagonal) for v, c in pairs))
    assert rate(watch, make(name, problem.config())) == pytest.approx(gamma, rel=1e-6)


def rate(watch, experiment):
    network, states = watch(experiment)
    network.setup()
    return states[0].lr


@every
def test_rates_may_be_numbers(watch, name):
    algorithm = {"id": name, "lr": 0.01}
    if "diana" in name and name != "adiana":
        algorithm["alpha"] = 0.1
    up = "sign" if name != "adiana" else "natural"  # without an omega there is no ADIANA
    network, states = watch(make(algorithm, up=up))
    network.setup()
    network.play(0)
    assert states[0].lr == 0.01
    assert [getattr(s, "alpha", 0.1) for s in states] == [0.1] * (N + 1)


def test_the_chance_of_adiana_is_1_without_noise_and_grows_with_the_workers():
    assert chance(0.0, 4) == 1.0
    assert chance(4.0, 4) == 1 / 10
    assert chance(4.0, 128 * 9) == pytest.approx(2 / 10)
    assert chance(0.1, 10**6) == 1.0
