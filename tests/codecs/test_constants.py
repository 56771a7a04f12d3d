"""Constants of codecs: bounds against exact errors; dithering's refusals, and what it allocates."""

from __future__ import annotations

import math
import tracemalloc

import laws
import numpy as np
import pytest

from netopt.codecs import Codec, Tuning
from netopt.core import packing
from netopt.errors import ConfigError, FrameError, RangeError
from netopt.registry import build

RNG = np.random.default_rng(2)
SIZES = (1, 2, 3, 9, 64, 300)


def many(n):
    """Vectors of all shapes: even, spread over decades, peaked, sparse."""
    spread = [RNG.standard_normal(n) * 10 ** RNG.uniform(-s, s, n) for s in (0, 1, 3)]
    near = [np.r_[1.0, np.full(n - 1, t)] for t in np.geomspace(1e-3, 1, 7)]
    return [*spread, *near, laws.peaked(n), np.ones(n), np.eye(1, n)[0]]


def exact_error(x, levels, norm):
    """E||Q(x) - x||^2 of unbiased rounding to multiples of ||x|| / l, coordinate by coordinate."""
    delta = np.linalg.norm(x, 2 if norm == "l2" else np.inf) / levels
    u = np.abs(x) / delta % 1
    return float(np.sum(u * (1 - u)) * delta**2)


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("levels", [1, 2, 10, 100])
def test_qsgd_without_a_floor(levels, norm):
    codec = build(Codec, {"id": "qsgd", "levels": levels, "norm": norm, "floor": 1e-30})
    for n in SIZES:
        assert all(exact_error(x, levels, norm) <= codec.omega(n) * (x @ x) for x in many(n))
    if norm == "l2":
        assert codec.omega(100) == min(100 / levels**2, 10 / levels)
    assert build(Codec, {"id": "qsgd", "norm": norm}).omega(9) is None


def test_the_bound_for_linf_is_within_a_factor_of_what_occurs():
    for levels, n in ((1, 300), (2, 300), (2, 2000), (5, 2000)):
        codec = build(Codec, {"id": "qsgd", "levels": levels, "norm": "linf", "floor": 1e-30})
        x = laws.peaked(n)
        assert exact_error(x, levels, "linf") >= 0.6 * codec.omega(n) * (x @ x)


def test_ternary_reaches_its_constant():
    codec = build(Codec, "ternary")
    for n in SIZES:
        assert math.isclose(codec.omega(n), (math.sqrt(n) - 1) / 2, rel_tol=1e-5, abs_tol=1e-6)
        assert all(exact_error(x, 1, "linf") <= codec.omega(n) * (x @ x) for x in many(n))
        x = laws.peaked(n)
        assert exact_error(x, 1, "linf") >= (1 - 1e-5) * (math.sqrt(n) - 1) / 2 * (x @ x)
    assert build(Codec, {"id": "ternary", "block": 64}).omega(300) == codec.omega(64)
    assert build(Codec, {"id": "ternary", "floor": 0.1}).omega(9) is None


def error(codec, x):
    found = codec.decode(codec.encode(x, laws.key()), len(x), laws.key()) - x
    return float(found @ found)


DETERMINISTIC = [
    {"id": "sign"},
    {"id": "sign", "block": 64},
    *({"id": "min-max", "bits": b} for b in (1, 2, 4, 8)),
    {"id": "min-max", "bits": 3, "block": 64},
    {"id": "raw"},
    {"id": "raw", "dtype": "float32"},
]


@pytest.mark.parametrize("spec", DETERMINISTIC, ids=str)
def test_what_is_not_random_contracts_every_vector(spec):
    codec = build(Codec, spec)
    for n in SIZES:
        alpha = codec.contraction(n)
        if alpha is not None:
            assert 0 < alpha <= 1
            assert all(error(codec, x) <= (1 - alpha) * (x @ x) * (1 + 1e-12) for x in many(n))


def test_sign_reaches_its_constant():
    codec = build(Codec, "sign")
    for n in SIZES:
        x = np.eye(1, n)[0]
        assert error(codec, x) >= (1 - codec.contraction(n)) - 1e-12
        assert math.isclose(codec.contraction(n), 1 / n)


def test_min_max_is_a_contraction_while_its_steps_are_small():
    codec = build(Codec, {"id": "min-max", "bits": 2})
    assert [codec.contraction(n) is None for n in (9, 17, 18, 19)] == [False, False, True, True]
    assert build(Codec, {"id": "min-max", "rounding": "fast"}).omega(2) > 0
    assert codec.omega(9) is None


def test_raw_numbers_are_as_good_as_their_format():
    omegas = {"float64": 0.0, "float32": 2.0**-48, "float16": None}
    for dtype, omega in omegas.items():
        assert build(Codec, {"id": "raw", "dtype": dtype}).omega(5) == omega
    x = np.full(9, 1 + 2.0**-24)  # half-way between two float32
    assert error(build(Codec, {"id": "raw", "dtype": "float32"}), x) >= 0.999 * 2.0**-48 * (x @ x)


@pytest.mark.parametrize("name", ["switching", "uniform", "qsgd"])
def test_what_has_no_relative_error_says_so(name):
    codec = build(Codec, name)
    found = (codec.omega(9), codec.contraction(9), codec.cal_l(np.ones(9), 1.0))
    assert found == (None, None, None)


# ---- what cannot be tuned, and what is refused ----

TOLD = Tuning(4, np.ones(60), 1e-3)
DITHERS = ("dithering", "varying-steps", "blocks")


@pytest.mark.parametrize(
    ("spec", "change", "message"),
    [
        (
            "dithering",
            {"workers": 8},
            "dithering: n = 8 workers are more than sqrt(d) = 7.75 of d = 60 coordinates, which "
            "leaves no level to send; use at most 7 workers, or the codec dithering with its "
            "option levels",
        ),
        (
            "varying-steps",
            {"diagonal": None},
            "varying-steps: steps: smooth needs a method that preconditions with its smoothness "
            "matrix (dcgd-plus, diana-plus); use steps: uniform with others",
        ),
        (
            "blocks",
            {"diagonal": np.r_[np.ones(3), 0.0, np.ones(56)]},
            "blocks: coordinate 3 has the smoothness 0, and no step fits it; it has to be "
            "positive: add a regulariser, or drop the feature if it is constant",
        ),
        (
            "varying-steps",
            {"mu": 0.0},
            "varying-steps: steps: smooth for DIANA+ needs a strongly convex problem, got "
            "mu = 0.0; add a regulariser, or use steps: uniform",
        ),
        (
            {"id": "blocks", "blocks": 61},
            {},
            "blocks: 61 blocks of 60 coordinates would be empty; give blocks: at most 60",
        ),
    ],
)
def test_what_cannot_be_tuned_says_why(spec, change, message):
    codec, told = build(Codec, spec), TOLD._replace(**change)
    with pytest.raises(ConfigError) as caught:
        codec.tuned(told, 60, codec.tune(told))
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["varying-steps", "blocks"])
def test_steps_that_no_worker_sends_are_refused(name):
    codec = build(Codec, name)
    good = codec.tune(TOLD)
    count = len(good)
    for bad in (np.nan, np.inf, 0.0, -1.0, 1e-12):
        steps = good.copy()
        steps[1] = bad
        with pytest.raises(FrameError) as caught:
            codec.tuned(TOLD, 60, steps)
        assert str(caught.value) == f"{name}: step 1 is {bad:g}, expected [2^-30, 3.4e38]"
    for steps, got in ((None, "none"), (good[1:], count - 1)):
        with pytest.raises(FrameError) as caught:
            codec.tuned(TOLD, 60, steps)
        assert str(caught.value) == f"{name}: {count} steps expected, got {got}"
    with pytest.raises(FrameError, match="budget is 15 non-zeros, and they spend 15"):
        codec.tuned(TOLD, 60, good / 1.01)
    with pytest.raises(ConfigError) as other:
        codec.tuned(TOLD, 60, good).encode(np.ones(61), laws.key())
    assert str(other.value) == f"{name}: tuned to 60 coordinates, got 61"


@pytest.mark.parametrize("name", DITHERS)
def test_scales_that_are_none_are_refused(name):
    codec = build(Codec, name)
    place = "block 0: " if name == "blocks" else ""
    for bad in (np.nan, np.inf, -1.0, 0.0, 1e-39):
        scale = np.float32(bad)
        with pytest.raises(FrameError) as caught:
            codec.decode(scale.tobytes() * codec.scales(5), 5, laws.key())
        assert str(caught.value) == (
            f"{name}: {place}{float(scale):.9g} is not a scale (finite, at least 1.17549e-38)"
        )
    need = 4 * codec.scales(5)
    with pytest.raises(FrameError) as caught:
        codec.decode(bytes(need - 1), 5, laws.key())
    assert str(caught.value) == f"{name}: at least {need} bytes are needed, got {need - 1}"
    for size in (1e39, np.nan):
        with pytest.raises(RangeError) as refused:
            codec.encode(np.full(5, size), laws.key())
        assert str(refused.value) == (
            f"{name}: {place}a vector of norm {size:g} has no float32 scale "
            "(the largest is 3.40282e+38)"
        )


@pytest.mark.skipif(packing.implementation != "c", reason="numpy's core allocates")
@pytest.mark.parametrize("name", DITHERS)
def test_a_message_allocates_no_vector(name):
    d = 100_000
    codec = build(Codec, name)
    told = Tuning(4, RNG.uniform(0.1, 1, d), 1e-3)
    codec = codec.tuned(told, d, codec.tune(told))
    x, out = RNG.standard_normal(d), np.zeros(d)
    buffer = np.zeros(laws.nbytes(codec.max_nbits(d)), np.uint8)

    def message():
        payload = buffer[: laws.nbytes(codec.encode_into(x, laws.key(), buffer))]
        codec.accumulate(payload, laws.key(), 0.5, out)

    message()
    tracemalloc.start()
    message()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < d / 10
