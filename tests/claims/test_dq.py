"""Lin, Kostina and Hassibi 2022: the contraction factors of the differentially quantized methods.

Theory is max{sigma, rho 2^(-R)} for DQ-GD, sigma + eta L rho 2^(-R) for NQ-GD, and max{sigma,
lambda_+} with momentum; measured is the tail factor of ``claims.dq``. Where the quantizer decides,
the range sets the pace and all digits agree; elsewhere the factor is off by the n-th root of how
the last error happens to compare with an earlier one.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from claims.dq import (
    DQ_AND_NQ,
    GAUSSIAN,
    LEAST_SQUARES,
    MOMENTUM,
    Bowl,
    bound,
    distances,
    experiment,
    lattice,
    least_squares,
    measured,
    tail,
    uniform,
)

from netopt.algorithms import _dq

SIGMA = 9 / 11  # kappa = 10
PRINTED = 5e-5  # half of the last digit that was printed
slow = pytest.mark.slow


@pytest.mark.parametrize(("name", "bits", "theory", "published"), DQ_AND_NQ)
def test_the_table_of_dq_and_nq(name, bits, theory, published):
    facts = np.sqrt(16) * 2.0**-bits, 2 / (1 + 1 / 10)
    factor = _dq.factor_nq(SIGMA, facts[1], 1.0, facts[0])
    if name == "dq-gd":
        factor = _dq.factor_dq(SIGMA, facts[0])
    assert factor == pytest.approx(theory, abs=PRINTED)
    found = measured(name, uniform(bits), kappa=10, rounds=200)
    if theory >= 1:
        assert found == pytest.approx(published, abs=PRINTED)
    elif name == "dq-gd":
        assert found == pytest.approx(theory, abs=3e-3)
    else:
        assert theory - 1e-2 < found < theory + 4e-3  # a guarantee; sigma is the least there is


@pytest.mark.parametrize(("algorithm", "kappa", "bits", "rounds", "published"), MOMENTUM)
def test_the_table_of_momentum(algorithm, kappa, bits, rounds, published):
    found = measured(algorithm, uniform(bits), kappa, rounds)
    exact = published > 1
    assert found == pytest.approx(published, abs=PRINTED if exact else 1e-3)
    if exact:
        root = math.sqrt(kappa)
        beta = (root - 1) / (root + 1)
        beta **= 1 if algorithm != "dq-hb" else 2
        assert found == pytest.approx(_dq.lambda_plus(4 * 2.0**-bits, beta), abs=PRINTED)
    else:  # nothing is lost: as many bits as a float has give the same
        assert found == pytest.approx(measured(algorithm, uniform(32), kappa, rounds), abs=1e-3)


def test_gaussian_least_squares_are_as_published_of_another_draw():
    """Two draws differ by a standard deviation of 0.014 at most, where nothing is quantized."""
    for name, bits, published in LEAST_SQUARES:
        assert abs(least_squares(name, bits, seed=0) - published) < 0.02


@slow
@pytest.mark.timeout(600)
def test_gaussian_least_squares_are_as_published_within_the_spread_of_24_draws():
    """Published of one draw: at most 2.5 standard deviations, and half a digit, from the mean."""
    for name, bits, published in LEAST_SQUARES:
        found = [least_squares(name, bits, seed) for seed in range(24)]
        print(name, bits, f"{np.mean(found):.4f} +- {np.std(found):.4f}, published {published}")
        digit = 0.005 if published > 1 else 0.0005
        assert abs(np.mean(found) - published) <= 2.5 * np.std(found) + digit


def holds(d, steps):
    """The factor of DQ-GD with floor(dR) = k bits is theory's, on both sides of 1 and of sigma.

    Where rho 2^(-R) is nearly sigma, i sigma^i shows as it does with momentum.
    """
    for k in steps:
        made = experiment("dq-gd", uniform(k / d), Bowl(kappa=10, d=d))
        a = made.codecs[0].covering(d)
        assert found_near(tail(distances(made, 300), 150), _dq.factor_dq(SIGMA, a))
        if k % d == 0:  # between whole bits the uniform's rho is a little larger
            assert (a < 1) == (k / d > math.log2(math.sqrt(d)))
            assert (a <= SIGMA) == (k / d >= math.log2(math.sqrt(d) / SIGMA))


def found_near(found, theory):
    """The luck of the two rounds differs by at most 3, and the factor is on theory's side of 1."""
    return abs(math.log(found / theory)) < math.log(3) / 150 and (found > 1 + 1e-4) == (theory > 1)


def test_the_knee_is_where_the_theory_has_it():
    holds(16, [16, 26, 31, 32, 33, 38, 40, 44, 48])
    assert _dq.thresholds_dq(SIGMA, 4.0) == (2.0, pytest.approx(math.log2(4 / SIGMA)))


@slow
@pytest.mark.parametrize("d", [9, 16, 36, 64])
def test_the_knee_is_where_the_theory_has_it_for_every_bit(d):
    middle = math.log2(math.sqrt(d))
    holds(d, range(math.ceil(d * max(middle - 1, 0.2)), math.ceil(d * (middle + 2))))


def test_nq_needs_log2_kappa_bits_more():
    assert _dq.thresholds_nq(SIGMA, 2 / 1.1, 1.0, 4.0).converges == pytest.approx(math.log2(40))
    assert measured("nq-gd", uniform(5), 10, 200) == pytest.approx(1.0455, abs=2e-3)
    assert measured("nq-gd", uniform(6), 10, 200) < 0.94
    assert measured("dq-gd", uniform(3), 10, 200) < 0.83


def test_e8_converges_with_two_bits_and_the_scalar_does_not():
    assert measured("dq-gd", uniform(2), 10, 200) == pytest.approx(1, abs=1e-4)
    assert measured("dq-gd", lattice("e8", 2), 10, 200) == pytest.approx(SIGMA, abs=3e-3)


@pytest.mark.parametrize(("name", "d"), [("e8", 16), ("leech", 24)])
def test_a_lattice_is_nearer_to_the_lower_bound_than_the_scalar(name, d):
    """At each R where the scalar loses: the lattice loses less, and nothing with fewer bits."""
    lossless = {}
    for bits in (3, 2, 1):
        least, factors = _dq.lower_bound(SIGMA, bits), {}
        for kind, codec in (("scalar", uniform(bits)), ("lattice", lattice(name, bits))):
            made = experiment("dq-gd", codec, Bowl(kappa=10, d=d))
            factors[kind] = tail(distances(made, 160), 80)
            assert least - 4e-3 < factors[kind] < max(SIGMA, made.codecs[0].covering(d)) + 4e-3
            if factors[kind] < SIGMA + 4e-3:
                lossless[kind] = bits
        if factors["scalar"] > SIGMA + 4e-3:
            assert factors["lattice"] - least < 0.75 * (factors["scalar"] - least)
    assert lossless == {"scalar": 3, "lattice": 2}


@slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("data", ["heavy-tailed", "gaussian"])
def test_every_error_of_the_papers_sweep_is_below_its_bound(data):
    """R = 0.1, 0.3, ..., 5, m = 500, n = 116, x_0 = N(0, I), T = 60, 5 draws."""
    problem = {**GAUSSIAN, "data": data, "dimension": 116}
    for seed in range(5):
        for bits in np.arange(0.1, 5.0, 0.2).round(1).tolist():
            for name in ("dq-gd", "nq-gd"):
                made = experiment(name, uniform(bits), problem, seed)
                found = distances(made, 60)
                assert (found <= bound(made, 60) * (1 + 1e-9)).all()


def test_every_error_is_below_its_bound():
    problem = {**GAUSSIAN, "data": "heavy-tailed", "rows": 200, "dimension": 24}
    for bits in (0.5, 2.3, 4, 6):
        for name in ("dq-gd", "nq-gd"):
            made = experiment(name, uniform(bits), problem)
            assert (distances(made, 40) <= bound(made, 40) * (1 + 1e-9)).all()
