"""The differentially quantized methods: what they promise to rounding, and what they refuse."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from netopt import config
from netopt.algorithms import _dq, _ranges
from netopt.algorithms._momentum import nesterov, polyak
from netopt.errors import ConfigError, NumericalError, RangeError
from netopt.network.lockstep import Lockstep

METHODS = ["nq-gd", "dq-gd", "dq-nag", {"id": "dq-nag", "suppose": "quadratic"}, "dq-hb"]
SHADOWS = METHODS[1:]
FIT = {"id": "least-squares", "rows": 64, "dimension": 16, "at": "random"}
LOGISTIC = {"id": "logistic", "data": "synthetic", "l2": 0.02, "solve": True}
every = pytest.mark.parametrize("algorithm", METHODS, ids=str)
every_shadow = pytest.mark.parametrize("algorithm", SHADOWS, ids=str)


def make(algorithm, bits=4, problem=FIT, codec="uniform", size=2):
    run = {"problem": problem, "topology": {"id": "star", "size": size}, "algorithm": algorithm}
    return config.make({**run, "codecs": {"up": {"id": codec, "bits": bits}}, "seed": 1})


def refusal(*arguments, **options):
    with pytest.raises(ConfigError) as caught:
        make(*arguments, **options)
    return str(caught.value)


def unquantized(name, problem, rounds):
    """Gradient descent, NAG or the heavy ball by hand: the points where gradients are taken."""
    top, mu, x = problem.top(), problem.strong_convexity(), problem.start()
    y, points = x, [x]
    for _ in range(rounds):
        g = problem.gradient(x, None)
        if name == "dq-gd":
            x = x - 2 / (top + mu) * g
        elif name == "dq-nag":
            step = x - g / top
            x, y = step + nesterov(top, mu) * (step - y), step
        else:
            x, y = x - 4 / (top**0.5 + mu**0.5) ** 2 * g + polyak(top, mu) * (x - y), x
        points.append(x)
    return points


def shadow(name, worker):
    """z = x + eta e, with NAG x + eta ((1 + beta) e - beta e_before)."""
    beta = worker.plan.beta if name == "dq-nag" else 0.0
    return worker.x + worker.plan.lr * ((1 + beta) * worker.error - beta * worker.older)


@every_shadow
@pytest.mark.parametrize("bits", [4, 6.5, 8])
def test_the_gradients_are_taken_where_the_unquantized_method_takes_them(watch, algorithm, bits):
    made = make(algorithm, bits)
    name, best = made.algorithm.id, made.problem.minimum()
    scale = np.linalg.norm(made.problem.start()) + np.linalg.norm(best)
    network, (_, worker) = watch(made)
    for k, z in enumerate(unquantized(name, made.problem, 150)):
        assert np.linalg.norm(shadow(name, worker) - z) < 4e-15 * scale
        network.play(k)


@every
def test_both_ends_hold_the_same_bits_and_arrive_without_overflow(algorithm):
    made = make(algorithm, bits=8)
    network, best = Lockstep(made), made.problem.minimum()
    for k in range(700):  # some hundred of them at the minimum, where only rounding is left
        network.play(k)
        server, worker = network.estimates()
        assert server.tobytes() == worker.tobytes()
    assert np.linalg.norm(server - best) < 1e-14 * np.linalg.norm(best)


@every
@pytest.mark.parametrize("bits", [0.4, 1, 2.3, 6])
def test_a_round_is_floor_nr_bits_up_and_nothing_down(algorithm, bits):
    network = Lockstep(make(algorithm, bits))
    for k in range(5):
        network.play(k)
    sent = network.books()[0]
    counts = dict(zip(sent.edges, sent.counts.tolist(), strict=True))
    assert not any(counts[0, 1])
    assert counts[1, 0][:2] == [5, 5 * int(16 * bits)]
    assert network.totals()[2] == 0


@every
def test_a_codecs_own_range_changes_nothing(algorithm):
    ends = []
    for own in (1.0, 1024.0):
        codec = {"id": "uniform", "bits": 5, "range": own}
        run = {"problem": FIT, "topology": {"id": "star", "size": 2}, "algorithm": algorithm}
        network = Lockstep(config.make({**run, "codecs": {"up": codec}}))
        for k in range(20):
            network.play(k)
        ends.append(network.estimates().tobytes())
    assert ends[0] == ends[1]


@pytest.mark.parametrize("kappa", [1.5, 10, 300])
@pytest.mark.parametrize("method", ["nag", "heavy ball"])
def test_momentums_bound_holds_on_every_eigenvector(kappa, method):
    """p_i(lambda) by its recursion, from p_0 = 1 and the method's first step, L = 1."""
    values, rounds = np.linspace(1 / kappa, 1, 301), 200
    if method == "nag":
        beta, s = nesterov(1, 1 / kappa), 1 - values
        trace, product, one = (1 + beta) * s, beta * s, (1 + beta) * s - beta
        sigma = 1 - kappa**-0.5
    else:
        beta, lr = polyak(1, 1 / kappa), 4 / (1 + kappa**-0.5) ** 2
        trace, product, one = 1 + beta - lr * values, beta, 1 - lr * values
        sigma = beta**0.5
    bounds = np.array(list(islice(_ranges.transient(1.0, sigma, beta), rounds)))
    before, now = np.ones_like(values), one
    for bound in bounds[1:]:
        largest = np.abs(now).max()
        assert largest <= bound * (1 + 1e-9)
        if method == "heavy ball":
            assert largest == pytest.approx(bound, rel=1e-9)  # at lambda = L
        before, now = now, trace * now - product * before


@pytest.mark.parametrize("problem", [FIT, LOGISTIC], ids=str)
def test_nesterovs_bound_holds_on_convex_problems(problem):
    made = make("dq-nag", problem=problem)
    facts = made.algorithm.facts(made.problem, made.codecs[0])
    facts = facts._replace(a=0.0)  # so that the ranges are the bounds alone
    ranges = made.algorithm.ranges(facts, made.algorithm.plan(facts))
    for z, r in zip(unquantized("dq-nag", made.problem, 300), ranges, strict=False):
        assert np.linalg.norm(made.problem.gradient(z, None)) <= r


def test_the_recursion_of_ranges_is_its_closed_form():
    """r_i = sum_j a^(i-j) sigma^j without momentum: (sigma^(i+1) - a^(i+1))/(sigma - a)."""
    sigma, a = 0.8, 0.3
    found = list(islice(_ranges.recursion(_ranges.shrinking(1.0, sigma), a, 0.0), 40))
    i = np.arange(1, 41)
    assert found == pytest.approx((sigma**i - a**i) / (sigma - a), rel=1e-9)


def test_the_factors_turn_where_the_thresholds_say():
    sigma, beta, rho = 0.8, 0.5, 4.0
    converges, lossless = _dq.thresholds_dq(sigma, rho, beta)
    assert _dq.lambda_plus(rho * 2**-converges, beta) == pytest.approx(1)
    assert _dq.lambda_plus(rho * 2**-lossless, beta) == pytest.approx(sigma)
    converges, lossless = _dq.thresholds_dq(sigma, rho)
    assert (converges, lossless) == (pytest.approx(2), pytest.approx(np.log2(rho / sigma)))
    kappa, lr = 10, 2 / (1 + 0.1)
    least = _dq.thresholds_nq(9 / 11, lr, 1.0, rho).converges
    assert least == pytest.approx(np.log2(rho * kappa))
    assert _dq.factor_nq(9 / 11, lr, 1.0, rho * 2**-least) == pytest.approx(1)


def test_too_few_bits_are_warned_of_with_the_thresholds():
    text = "uniform with R = {} bits a coordinate and d = 16 has rho 2^-R = {}, and the contraction"
    assert make("dq-gd", bits=2).warnings == (
        f"dq-gd diverges: {text.format(2, 1)} factor is 1 >= 1; it converges for R above 2, and R "
        "of at least 2.29 loses nothing",
    )
    assert make("dq-gd", bits=2.25).warnings == (
        f"dq-gd loses: {text.format(2.25, 0.9014)} factor is 0.9014 instead of 0.8182; R of at "
        "least 2.39 loses nothing",
    )
    assert make("nq-gd", bits=5).warnings == (
        f"nq-gd diverges: {text.format(5, 0.125)} factor sigma + eta L rho 2^-R is 1.045 >= 1; it "
        "converges for R above 5.322, and dq-gd for R above 2",
    )
    assert make("dq-hb", bits=2).warnings == (
        f"dq-hb diverges: {text.format(2, 1)} factor is 1.455 >= 1; it converges for R above "
        "2.623, and R of at least 3.784 loses nothing",
    )
    assert [make(name, 6).warnings for name in ("nq-gd", "dq-gd", "dq-nag", "dq-hb")] == [()] * 4


def test_a_step_that_diverges_without_a_quantizer_is_warned_of():
    algorithm = {"id": "dq-gd", "lr": 3.0}
    assert make(algorithm, problem={"id": "quadratic"}).warnings == (
        "dq-gd diverges with lr = 3, whatever the codec: L is 10, and unquantized the contraction "
        "factor is 29 >= 1",
    )


@every
def test_one_worker_is_all_it_has(algorithm):
    name = algorithm if isinstance(algorithm, str) else algorithm["id"]
    assert refusal(algorithm, size=5) == (
        f"$.topology: {name} has one worker, and 'star-5' has 4; use {{id: star, size: 2}}, or "
        "dq-shift for more"
    )


@every
def test_no_strong_convexity_is_refused(algorithm):
    name = algorithm if isinstance(algorithm, str) else algorithm["id"]
    flat = {"id": "least-squares", "data": "gaussian", "rows": 8, "dimension": 16}
    assert refusal(algorithm, problem=flat) == (
        f"$.problem: {name} needs a strongly convex problem, and least-squares has no mu > 0 that "
        "is known; give it an l2 above 0, or data of full rank"
    )


def test_a_codec_without_a_range_is_refused():
    assert refusal("dq-gd", codec="min-max") == (
        "$.codecs.up: dq-gd needs a codec with a range that both ends know, and min-max has no "
        "covering; use uniform or lattice"
    )


def test_nags_ranges_for_convex_problems_need_its_rates():
    assert refusal({"id": "dq-nag", "beta": 0.3}) == (
        "$.algorithm.suppose: dq-nag has ranges for every convex F only with lr and beta of "
        "theory; leave both out, or say suppose: quadratic if F is one"
    )
    assert make({"id": "dq-nag", "beta": 0.3, "suppose": "quadratic"}).warnings == ()


@every
def test_a_distance_that_is_too_small_is_an_error_and_not_a_clip(algorithm):
    options = {"id": algorithm} if isinstance(algorithm, str) else algorithm
    made = make({**options, "distance": 1e-3})
    with pytest.raises(RangeError) as caught:
        Lockstep(made).play(0)
    norm = np.linalg.norm(made.problem.gradient(made.problem.start(), None))
    facts = made.algorithm.facts(made.problem, made.codecs[0])
    r = next(made.algorithm.ranges(facts, made.algorithm.plan(facts)))
    assert str(caught.value) == (
        f"agent 1, round 0, exchange 0: {made.algorithm.id}: a vector of norm {norm:.4g} does not "
        f"fit the range {r:.4g} of this round: D or L is too small, or the gradients are not "
        "exact; give a larger distance"
    )


@every_shadow
def test_a_run_that_diverges_ends_before_float64_does(algorithm):
    network = Lockstep(make(algorithm, bits=1))
    with pytest.raises(NumericalError) as caught:
        play_on(network, 1200)
    assert "its range has grown to" in str(caught.value)
    assert str(caught.value).endswith(", as it diverges; give the codec more bits")


def play_on(network, rounds):
    for k in range(rounds):
        network.play(k)


def test_the_distance_is_the_minimums_or_bounded_by_the_gradient():
    far = []
    for solve in (True, False):
        made = make("dq-gd", problem={**LOGISTIC, "solve": solve})
        far.append(made.algorithm.facts(made.problem, made.codecs[0]).distance)
    assert far[0] == pytest.approx(
        np.linalg.norm(make("dq-gd", problem=LOGISTIC).problem.minimum())
    )
    assert far[0] < far[1]
    given = make({"id": "dq-gd", "distance": 7.0})
    assert given.algorithm.facts(given.problem, given.codecs[0]).distance == 7.0
