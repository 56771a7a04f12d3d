"""What a payload decodes to: the point of the grid that the codec's definition names."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from netopt.codecs import Codec
from netopt.core.norms import l2
from netopt.errors import ConfigError, RangeError
from netopt.keys import Key, Purpose
from netopt.registry import build

KEYS = [Key(seed, Purpose.ROUNDING, round_) for seed in range(20) for round_ in (0, 1)]
LEVELS = (1, 2, 10, 32, 64, 1100)
RANDOM = np.random.default_rng(1).standard_normal(50)


def sent(codec, x, key=KEYS[0]):
    return codec.decode(codec.encode(x, key), len(x), key)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_raw_rounds_as_numpy_does(dtype):
    x = np.concatenate([RANDOM, [0.0, -0.0, 5e-324, -1e-7, 65504.0, 1 / 3]])
    got = sent(build(Codec, {"id": "raw", "dtype": dtype}), x)
    assert got.tobytes() == x.astype(dtype).astype(np.float64).tobytes()


@pytest.mark.parametrize("bits", range(1, 33))
@pytest.mark.parametrize("radius", [1.0, 0.3, 1e-300, 1e300])
def test_uniform_gives_the_nearest_midpoint(bits, radius):
    x = np.clip(RANDOM / 3, -1, 1) * radius
    x[:3] = radius, -radius, 0
    got = sent(build(Codec, {"id": "uniform", "bits": bits, "range": radius}), x)
    half_cell = Fraction(radius) / 2**bits
    for a, b in zip(x, got, strict=True):
        number = (Fraction(b) + Fraction(radius)) / half_cell  # midpoints are the odd numbers
        assert round(number) % 2 == 1
        assert abs(number - round(number)) < Fraction(2**bits, 2**50)
        assert abs(Fraction(b) - Fraction(a)) <= half_cell * (1 + Fraction(2**bits, 2**50))


@pytest.mark.parametrize("name", ["qsgd", "switching"])
@pytest.mark.parametrize("levels", LEVELS)
def test_a_scaled_grid_gives_one_of_the_two_neighbours(name, levels):
    codec = build(Codec, {"id": name, "levels": levels})
    delta = float(scale_of(codec, RANDOM)) / levels
    for key in KEYS:
        shift = 0.5 * (key.round % 2) if name == "switching" else 0.0
        got = sent(codec, RANDOM, key)
        place = got / delta - shift
        assert np.abs(place - np.round(place)).max() < 1e-9
        assert (np.abs(got - RANDOM) < delta * (1 + 1e-12)).all()


def scale_of(codec, x):
    return np.frombuffer(codec.encode(x, KEYS[0])[:4], "<f4")[0]


@pytest.mark.parametrize("name", ["qsgd", "switching"])
@pytest.mark.parametrize("x", [RANDOM, RANDOM * 1e-3, RANDOM * 1e30, np.array([0.1]), np.zeros(4)])
def test_the_scale_is_the_least_float32_not_below_norm_and_floor(name, x):
    got = scale_of(build(Codec, name), x)
    wanted = max(l2(x), 0.1)
    assert float(got) >= wanted
    assert float(np.nextafter(got, np.float32(0))) < wanted


@pytest.mark.parametrize("name", ["qsgd", "switching"])
def test_the_floor_is_an_option(name):
    codec = build(Codec, {"id": name, "levels": 2, "floor": 8.0})
    assert scale_of(codec, np.ones(4)) == 8
    assert set(sent(codec, np.full(99, 0.001))) <= {-4.0, 0.0, 4.0}


@pytest.mark.parametrize("name", ["qsgd", "switching"])
def test_a_vector_on_the_even_grid_arrives_unchanged(name):
    x = np.array([3.0, -4.0, 0.0, 1.0, -1.0, 0.0, 0.0, 3.0])  # norm 6, Delta 1
    codec = build(Codec, {"id": name, "levels": 6})
    for key in KEYS[::2]:
        assert_array_equal(sent(codec, x, key), x)


@pytest.mark.parametrize(
    ("spec", "x", "message"),
    [
        (
            {"id": "raw"},
            [1.0, np.nan],
            "raw float64: a coordinate of size nan does not fit (the largest is 1.79769e+308); "
            "use a wider dtype or a smaller step size",
        ),
        (
            {"id": "raw", "dtype": "float32"},
            [1.0, -1e39],
            "raw float32: a coordinate of size 1e+39 does not fit (the largest is 3.40282e+38); "
            "use a wider dtype or a smaller step size",
        ),
        (
            {"id": "raw", "dtype": "float16"},
            [65520.0],
            "raw float16: a coordinate of size 65520 does not fit (the largest is 65504); "
            "use a wider dtype or a smaller step size",
        ),
        (
            {"id": "qsgd"},
            [1e39, 0.0],
            "qsgd: a vector of norm 1e+39 has no float32 scale (the largest is 3.40282e+38)",
        ),
        (
            {"id": "switching"},
            [np.inf, 0.0],
            "switching: a vector of norm inf has no float32 scale (the largest is 3.40282e+38)",
        ),
        (
            {"id": "switching"},
            [1e200, 1e200],
            "switching: a vector of norm inf has no float32 scale (the largest is 3.40282e+38)",
        ),
        (
            {"id": "uniform", "range": 2},
            [0.0, -2.5],
            "uniform: a coordinate of size 2.5 is outside [-2, 2]; give a larger range",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_size(spec, x, message):
    with pytest.raises(RangeError) as caught:
        build(Codec, spec).encode(np.array(x), KEYS[0])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("levels", 0, "$.levels: expected int >= 1; the value is 0"),
        ("levels", 2**20, "$.levels: expected int <= 1048575; the value is 1048576"),
        ("floor", 0, "$.floor: expected float >= 1e-30; the value is 0"),
        ("floor", 1e31, "$.floor: expected float <= 1e+30; the value is 1e+31"),
    ],
)
def test_options_out_of_bounds_are_refused(option, value, message):
    with pytest.raises(ConfigError) as caught:
        build(Codec, {"id": "qsgd", option: value})
    assert str(caught.value) == message
