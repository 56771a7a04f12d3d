"""Natural compression: powers of two, the chance of each, its variance, and nine bits."""

from __future__ import annotations

import contextlib
import math
from fractions import Fraction

import laws
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from netopt.codecs import Codec, Segment
from netopt.codecs.natural import BLOCK, VALUES, rounded
from netopt.core import packing
from netopt.errors import FrameError, RangeError
from netopt.registry import build

CODEC = build(Codec, "natural")
RNG = np.random.default_rng(3)
X = np.concatenate(
    [
        RNG.standard_normal(60),
        np.ldexp(RNG.uniform(1, 2, 60), RNG.integers(-140, 127, 60)),
        2.0 ** np.arange(-126, 128, 23),
        [0.0, -0.0, 1.0, -1.0, 4 / 3, np.nextafter(1, 0), np.nextafter(-1, -2), 2.0**127],
        [-(2.0**-126), 1.5 * 2.0**-127, 2.0**-150, 5e-324, -5e-310, np.nextafter(2.0**127, 0)],
    ]
)


def around(value):
    """Return the powers of two around |value| (0 below the least), and the place between them."""
    size = Fraction(abs(float(value)))
    if size < Fraction(2) ** -126:
        low, high = Fraction(0), Fraction(2) ** -126
    else:
        low = Fraction(2) ** (math.frexp(abs(float(value)))[1] - 1)
        high = 2 * low
    return low, high, (size - low) / (high - low)


@pytest.mark.parametrize("word", [0, 1, 2**31, 2**32 - 1, *RNG.integers(0, 2**32, 5).tolist()])
def test_a_coordinate_goes_up_exactly_where_place_and_word_reach_one(word):
    symbols = rounded(X, np.full(len(X), word, np.uint32))
    for x, got in zip(X.tolist(), VALUES[symbols].tolist(), strict=True):
        low, high, place = around(x)
        wanted = high if math.floor(place * 2**32) + word >= 2**32 else low
        assert got == math.copysign(float(wanted), x) or (wanted == 0 and got == 0)


def test_the_mean_is_the_vector_and_the_variance_at_most_an_eighth_of_the_square():
    for x in X.tolist():
        low, high, place = around(x)
        size, chance = Fraction(abs(x)), Fraction(math.floor(place * 2**32), 2**32)
        mean = low + chance * (high - low)
        assert 0 <= size - mean <= (high - low) / 2**32
        variance = (size - low) * (high - size)
        assert variance == place * (1 - place) * (high - low) ** 2
        if size >= Fraction(2) ** -126:
            assert 8 * variance <= size**2
    third = Fraction(4, 3)
    assert 8 * (third - 1) * (2 - third) == third**2  # so no smaller omega will do
    assert CODEC.omega(5) == 1 / 8
    assert CODEC.contraction(5) == 7 / 8
    assert CODEC.cal_l(np.array([1.0, 4.0]), 9.0) == 0.5


@pytest.mark.parametrize("stream", ["fast", "philox"])
def test_the_measured_mean_and_error_are_those_of_the_closed_form(stream):
    """By Hoeffding's inequality fewer than one in 10^6 choices of the seeds would fail."""
    x = np.array([4 / 3, -4 / 3, 1.1, 1.9, 1.0, -3.0, 0.3])
    codec, draws = build(Codec, {"id": "natural", "stream": stream}), 4000
    keys = [laws.key(seed=seed) for seed in range(draws)]
    got = np.array([codec.decode(codec.encode(x, k), len(x), k) for k in keys])
    low, high = np.array([list(map(float, around(v)[:2])) for v in x]).T
    wanted = ((np.abs(x) - low) * (high - np.abs(x))).sum()
    most = (np.maximum(np.abs(x) - low, high - np.abs(x)) ** 2).sum()
    slack = math.sqrt(math.log(2 * (len(x) + 1) / 1e-6) / (2 * draws))
    assert (np.abs(got.mean(axis=0) - x) <= (high - low) * slack).all()
    assert abs(((got - x) ** 2).sum(axis=1).mean() - wanted) <= most * slack
    assert wanted > 3 * most * slack  # so that a variance off by a third would be seen


def test_powers_of_two_arrive_unchanged():
    x = np.concatenate([2.0 ** np.arange(-126, 128), -(2.0 ** np.arange(-126, 128)), [0.0, -0.0]])
    got = CODEC.decode(CODEC.encode(x, laws.key()), len(x), laws.key())
    assert got.tolist() == x.tolist()


def test_blocks_of_coordinates_make_one_stream():
    x = np.random.default_rng(1).standard_normal(2 * BLOCK + 5)
    symbols, payload = np.empty(len(x), np.uint16), CODEC.encode(x, laws.key())
    packing.unpack_into(payload, 9, symbols)
    numbers = packing.random16(laws.key(), "fast", 2 * len(x)).astype(np.uint32)
    assert_array_equal(symbols, rounded(x, numbers[::2] + (numbers[1::2] << np.uint32(16))))
    assert_array_equal(CODEC.decode(payload, len(x), laws.key()), VALUES[symbols])


@pytest.mark.parametrize("n", [1, 2, 7, 8, 300])
def test_a_coordinate_takes_nine_bits(n):
    assert CODEC.nbits(n) == CODEC.max_nbits(n) == 9 * n
    assert CODEC.layout(n) == (Segment("symbol", n, 9, "symbol"),)
    assert len(CODEC.encode(np.ones(n), laws.key())) == math.ceil(9 * n / 8)


def test_symbols_are_float32s_sign_and_exponent():
    x = np.array([1.0, -2.0, 0.0, 2.0**-126, -(2.0**127)])
    symbols = np.empty(5, np.uint16)
    packing.unpack_into(CODEC.encode(x, laws.key()), 9, symbols)
    assert symbols.tolist() == (x.astype(np.float32).view(np.uint32) >> 23).tolist()


@pytest.mark.parametrize("bad", [np.nextafter(2.0**127, np.inf), -1e300, np.inf, np.nan])
def test_what_is_above_the_largest_power_is_refused(bad):
    with pytest.raises(RangeError) as caught:
        CODEC.encode(np.array([1.0, bad]), laws.key())
    assert str(caught.value) == (
        f"natural: a coordinate of size {abs(bad):g} is above the largest power of two that can be "
        "sent, 2^127 = 1.70141e+38; use a smaller step size"
    )


def message_of(payload, n):
    out = np.empty(n)
    with pytest.raises(FrameError) as caught:
        CODEC.decode_into(np.frombuffer(payload, np.uint8), laws.key(), out)
    return str(caught.value)


@pytest.mark.parametrize("symbol", [255, 256, 511])
def test_a_symbol_that_is_never_sent_is_refused(symbol):
    assert message_of(symbol.to_bytes(2, "little"), 1) == f"natural: symbol {symbol} is never sent"


def test_a_payload_that_is_too_short_or_not_padded_with_zeros_is_refused():
    assert message_of(b"\1", 1) == "natural: payload needs 2 bytes after offset 0, got 1"
    assert message_of(b"\1\2", 1) == ("natural: the 7 pad bits after 1 values must be zero, got 1")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(payload=st.binary(max_size=40), n=st.integers(0, 30))
def test_random_bytes_are_survived(payload, n):
    for count in (n, 8 * len(payload) // 9):  # the second is right for the length
        with contextlib.suppress(FrameError):
            assert np.isfinite(CODEC.decode(payload, count, laws.key())).all()
