"""Bo and Wang, PNAS 2024: what the two quantizers of QGD promise, exactly.

With u the place of a coordinate between two points of the even grid, 0 <= u <= 1/2 (or mirrored),
the even rounding has variance u (1 - u) and the odd one (1/2 + u) (1/2 - u), in units of Delta^2.
Their sum is 1/4 + u - 2 u^2: 1/4 at u = 0 and u = 1/2, at most 3/8 (u = 1/4).
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt.codecs import Codec
from netopt.core import grid, packing, streams
from netopt.keys import Key, Purpose
from netopt.registry import build

LEVELS = (1, 2, 10, 32, 64, 1100)
PLACES = [*np.linspace(-2, 2, 33), 0.1, 1 / 3, -0.499, 1e-9]
UNIT = build(Codec, {"id": "switching", "levels": 100_000, "floor": 1e5})  # Delta = 1, not ||x||
COUNT = 4096


def key(round_, seed=1):
    return Key(seed, Purpose.ROUNDING, round_, sender=3)


def sent(codec, x, k):
    return codec.decode(codec.encode(x, k), len(x), k)


def sixteenths(place):
    """A place on the grid is a multiple of 2^-16 of a level, and so is u."""
    return np.rint(place * 65536) / 65536


def uniforms(k, size):
    return packing.random16(k, "fast", size) / 65536


def q_even(x, u, n, levels):
    """The paper's sign(x) Delta (floor(l |x| / n) + Bernoulli); u draws upwards, so |x| mirrors."""
    delta, place = n / levels, sixteenths(levels * np.abs(x) / n)
    low, rest = np.floor(place), place - np.floor(place)
    away = np.where(x >= 0, u >= 1 - rest, u < rest)
    return np.sign(x) * delta * (low + away) + 0.0


def q_odd(x, u, n, levels):
    """The paper's (n / 2 l) p or (n / 2 l) (p + 2), p the largest odd integer <= s = 2 l x / n."""
    s = 2 * sixteenths(levels * x / n)
    p = 2 * np.floor((s + 1) / 2) - 1
    return n / (2 * levels) * np.where(u >= 1 - (s - p) / 2, p + 2, p)


def scale(x):
    """max(||x||_2, 0.1), rounded up to float32; math.hypot is correctly rounded."""
    norm = max(math.hypot(*x), 0.1)
    near = np.float32(norm)
    return float(near if float(near) >= norm else np.nextafter(near, np.float32(np.inf)))


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("size", [1, 2, 5, 64])
def test_decoding_gives_the_formulas_values_to_the_last_bit(levels, size):
    codec = build(Codec, {"id": "switching", "levels": levels})
    rng = np.random.default_rng(size)
    for k in range(40):
        x = rng.standard_normal(size) * 10.0 ** rng.integers(-3, 4)
        u = uniforms(key(k), size)
        wanted = (q_odd if k % 2 else q_even)(x, u, scale(x), levels)
        assert sent(codec, x, key(k)).tobytes() == wanted.tobytes()
    qsgd = build(Codec, {"id": "qsgd", "levels": levels})
    assert (
        sent(qsgd, x, key(1)).tobytes()
        == q_even(x, uniforms(key(1), size), scale(x), levels).tobytes()
    )


def outcomes(place, round_, monkeypatch):
    """Round one coordinate under COUNT evenly spaced uniforms: values and their frequencies."""
    numbers = ((np.arange(COUNT) + 0.5) / COUNT * 2**16).astype(np.uint16)
    with monkeypatch.context() as patch:
        patch.setattr(streams, "random16", lambda key, stream, n: numbers[:n])
        patch.setattr(packing, "Grid", grid.Grid)
        unit = build(Codec, UNIT.config())
        got = sent(unit, np.full(COUNT, place), key(round_))
    values, counts = np.unique(got, return_counts=True)
    return values, counts / COUNT


@pytest.mark.parametrize("place", PLACES)
def test_two_outcomes_are_unbiased_and_their_variances_sum_as_derived(place, monkeypatch):
    total = 0.0
    for round_ in (0, 1):
        values, frequency = outcomes(place, round_, monkeypatch)
        low = np.floor(place - round_ / 2) + round_ / 2
        assert set(values) <= {low, low + 1}
        upper = place - low
        assert abs(frequency @ (values == low + 1) - upper) <= 1 / COUNT
        total += upper * (1 - upper)
        assert upper * (1 - upper) <= 1 / 4
    assert 1 / 4 - 1e-12 <= total <= 3 / 8 + 1e-12


@pytest.mark.parametrize("place", PLACES)
def test_measured_variances_sum_to_between_a_quarter_and_three_eighths(place):
    """Hoeffding for 2 x 65 536 squares in [0, 1]: a false alarm in fewer than 1 of 10^8 seeds."""
    draws = 65_536
    x = np.full(draws, place)
    total = sum(np.mean((sent(UNIT, x, key(round_)) - x) ** 2) for round_ in (0, 1))
    slack = 2 * math.sqrt(math.log(4 / 1e-8) / (2 * draws))
    assert 1 / 4 - slack <= total <= 3 / 8 + slack


@pytest.mark.parametrize("levels", LEVELS)
def test_even_of_zero_is_zero_and_odd_of_zero_is_half_a_step_either_way(levels):
    codec = build(Codec, {"id": "switching", "levels": levels})
    zero, half = np.zeros(64), float(np.float32(0.1)) / levels / 2
    assert not sent(codec, zero, key(0)).any()
    got = sent(codec, zero, key(1))
    assert set(np.abs(got)) == {half}
    assert set(np.sign(got)) == {-1, 1}


def symbols_of(codec, x, round_, seed):
    payload = np.frombuffer(codec.encode(x, key(round_, seed)), np.uint8)
    numbers = np.zeros(len(x), np.uint32)
    packing.unpack_into(payload, codec.width(), numbers, 4)
    return set(numbers.tolist())


@pytest.mark.parametrize("levels", [1, 2, 10, 32])
@pytest.mark.parametrize(
    ("name", "round_", "extra"), [("qsgd", 0, 1), ("switching", 0, 1), ("switching", 1, 2)]
)
def test_exactly_2l_plus_1_or_2_symbols_occur(name, round_, extra, levels):
    """Coordinates at |x_j| = n drive the outermost; a symbol of chance 1/2 is missed by 2^-40."""
    codec = build(Codec, {"id": name, "levels": levels})
    seen = set()
    for m in range(-levels, levels + 1):
        rest = math.sqrt(levels**2 - m**2)
        for seed in range(40):
            seen |= symbols_of(codec, np.array([m, rest]), round_, seed)
    assert seen == set(range(2 * levels + extra))
