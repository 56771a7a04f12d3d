"""Rand-tau: the closed forms of its probabilities, how often a coordinate comes, what it costs."""

from __future__ import annotations

import math

import laws
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq

from netopt.codecs import Codec, Tuning, _indices, nbytes
from netopt.codecs.rand_tau import joined, parted, smooth
from netopt.errors import ConfigError, FrameError
from netopt.registry import build

RNG = np.random.default_rng(6)
X = RNG.standard_normal(60)
DIAGONAL = np.geomspace(1e-3, 10, 60)
ALLOWED = 4e-7
"""The share of all choices of the seeds for which one bound fails; no test has more than two."""


def make(name, **options):
    return build(Codec, {"id": name, **options})


def sent(codec, x, key):
    return codec.decode(codec.encode(x, key), len(x), key)


def tuned(workers=5, aim="diana", mu=0.05, **options):
    codec, tuning = make("rand-tau", **options), Tuning(workers, DIAGONAL, mu, aim)
    p = codec.tune(tuning)
    return codec.tuned(tuning._replace(diagonal=None), 60, p), p


def test_smooth_probabilities_are_those_of_the_closed_form():
    for aim, a in [("diana", DIAGONAL / (5 * 0.05) + 1), ("dcgd", DIAGONAL)]:
        codec, p = tuned(aim=aim)
        rho = brentq(lambda r, a=a: (a / (a + r)).sum() - 12, 1e-9, 1e9, xtol=1e-14)
        assert_allclose(p, a / (a + rho), rtol=1e-7, atol=2.0**-33)
        assert abs(p.sum() - 12) < 1e-6
        assert_array_equal(p, p.astype(np.float32))
        assert_array_equal(p, codec.chances(60))
        worst = ((1 / p - 1) * a).max()
        for trial in range(20):  # no other probabilities of the same sum do better
            other = np.clip(p * np.exp(np.random.default_rng(trial).normal(0, 0.1, 60)), 0, 1)
            assert ((1 / (other * 12 / other.sum()) - 1) * a).max() > worst
        assert codec.omega(60) == (1 / p - 1).max()
        assert codec.cal_l(DIAGONAL, 99.0) == ((1 / p - 1) * DIAGONAL).max()
    assert_array_equal(smooth(DIAGONAL, 60), np.ones(60))
    assert_allclose(smooth(np.full(60, 1e-9), 7), 7 / 60, rtol=1e-12)


def test_uniform_probabilities_are_tau_of_d():
    even = make("rand-tau", probabilities="uniform")
    assert even.tune(Tuning(5, DIAGONAL, 0.05)) is None
    for codec, p in [
        (make("rand-tau"), 15 / 60),
        (make("rand-tau", tau=7), 7 / 60),
        (make("rand-tau", tau=99), 1.0),
        (even.tuned(Tuning(7), 60), 8 / 60),
        (make("rand-tau", probabilities="uniform", tau=3).tuned(Tuning(700), 60), 3 / 60),
    ]:
        assert_allclose(codec.chances(60), p, atol=2.0**-33)
        assert codec.omega(60) == pytest.approx(1 / p - 1, rel=1e-6)


def test_tuning_changes_neither_config_nor_fingerprint():
    codec, _ = tuned(tau=9)
    plain = make("rand-tau", tau=9)
    assert codec.config() == plain.config()
    assert codec.fingerprint() == plain.fingerprint()
    assert codec.chances(60).mean() == pytest.approx(9 / 60)
    assert_allclose(plain.chances(60), 9 / 60, atol=2.0**-33)


@pytest.mark.parametrize("unbiased", [True, False])
def test_coordinates_come_as_often_as_their_probabilities_say(unbiased):
    codec, p = tuned(unbiased=unbiased)
    draws, values = 4000, X / p if unbiased else X
    keys = [laws.key(seed=seed) for seed in range(draws)]
    got = np.array([sent(codec, X, key) for key in keys])
    often = (got != 0).mean(axis=0)
    slack = np.log(2 * 60 / ALLOWED) / draws  # Bernstein's inequality, with the variance p (1 - p)
    assert (np.abs(often - p) <= slack / 3 + np.sqrt(slack**2 / 9 + 2 * slack * p * (1 - p))).all()
    assert_allclose(got[got != 0], np.broadcast_to(values, got.shape)[got != 0], rtol=1e-7)
    # All squared errors lie in [0, most]: Hoeffding again, against the closed form.
    missed, kept = X**2, (values - X) ** 2
    wanted, most = ((1 - p) * missed + p * kept).sum(), np.maximum(missed, kept).sum()
    measured = ((got - X) ** 2).sum(axis=1).mean()
    assert abs(measured - wanted) <= most * math.sqrt(math.log(2 / ALLOWED) / (2 * draws))
    if not unbiased:
        assert codec.omega(60) is None
        assert codec.contraction(60) == p.min()


def test_rand_tau_counts_what_it_sends():
    codec, _ = tuned()
    for seed in range(40):
        out = np.empty(nbytes(codec.max_nbits(60)), np.uint8)
        bits = codec.encode_into(X, laws.key(seed=seed), out)
        chosen = np.flatnonzero(sent(codec, X, laws.key(seed=seed)))
        assert bits == 6 + 32 * len(chosen) + _indices.least_bits(chosen, 60)  # 6: counts to 60
        assert out[0] & 63 == len(chosen)
    assert codec.max_nbits(60) == 6 + 32 * 60 + 8 + 60


@pytest.mark.parametrize("width", range(26))
def test_a_count_goes_in_front_of_a_body_bit_by_bit(width):
    for bits in (8, 9, 15, 16, 40):
        body = np.frombuffer(RNG.bytes(nbytes(bits)), np.uint8).copy()
        body[-1] &= 0xFF >> (-bits % 8)
        count, out = (1 << width) * 2 // 3, np.full(20, 0xA5, np.uint8)
        total = joined(count, width, body, bits, out)
        assert total == width + bits
        whole = count | int.from_bytes(body.tobytes(), "little") << width
        assert out[: nbytes(total)].tobytes() == whole.to_bytes(nbytes(total), "little")
        assert (out[nbytes(total) :] == 0xA5).all()
        got, rest = parted(out[: nbytes(total)], width)
        assert got == count
        assert rest[: nbytes(bits)].tobytes() == body.tobytes()


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        (Tuning(5), "need the diagonal of a smoothness matrix, which only methods"),
        (Tuning(61, DIAGONAL, 1.0), "tau = floor(d / n) is 0 for d = 60 coordinates and n = 61 w"),
        (Tuning(5, DIAGONAL), "for DIANA+ need mu > 0, got None"),
        (Tuning(5, DIAGONAL, 0.0), "for DIANA+ need mu > 0, got 0.0"),
        (Tuning(5, -DIAGONAL, 1.0), "-0.001 on its diagonal at coordinate 0, which must be at lea"),
        (Tuning(5, 0 * DIAGONAL, 1.0, "dcgd"), "at coordinate 0, which must be positive; use pro"),
    ],
)
def test_what_cannot_be_tuned_is_refused_with_the_cure(tuning, message):
    with pytest.raises(ConfigError, match=r"^rand-tau: .*(give|use)") as caught:
        make("rand-tau").tune(tuning)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([0.5], "rand-tau: 2 probabilities expected, got 1"),
        ([0.5, 0.0], "rand-tau: 0 is no probability that is sent (coordinate 1)"),
        ([np.nan, 0.5], "rand-tau: nan is no probability that is sent (coordinate 0)"),
        ([0.5, 1.5], "rand-tau: 1.5 is no probability that is sent (coordinate 1)"),
    ],
)
def test_probabilities_that_are_never_sent_are_refused(p, message):
    with pytest.raises(FrameError) as caught:
        make("rand-tau").tuned(Tuning(1), 2, np.array(p))
    assert str(caught.value) == message


def test_a_tuned_codec_is_for_its_own_size_and_needs_its_parameters():
    with pytest.raises(ConfigError, match=r"^rand-tau is tuned to 60 coordinates, got 59$"):
        tuned()[0].encode(X[:59], laws.key())
    with pytest.raises(ConfigError, match=r"^rand-tau: smooth probabilities must be given"):
        make("rand-tau").tuned(Tuning(1), 60)
