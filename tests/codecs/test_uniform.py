"""Uniform quantization with a fraction of a bit: whole-bit codecs are the oracle."""

from __future__ import annotations

import math
from fractions import Fraction

import laws
import numpy as np
import pytest

from netopt.codecs import Codec, Segment
from netopt.core import grid, packing, reference
from netopt.errors import ConfigError, FrameError, RangeError
from netopt.registry import build

RATES = [0.1, 0.3, 0.5, 0.9, 1.5, 2.3, 3.7, 7.25, 8.5, 15.01, 31.9]
SIZES = (1, 2, 7, 33)
N = 116

each_rate = pytest.mark.parametrize("rate", RATES)
each_width = pytest.mark.parametrize("rate", [*RATES, *range(1, 33)])


def uniform(bits, radius=1.0):
    return build(Codec, {"id": "uniform", "bits": bits, "range": radius})


def sent(codec, x, key):
    return codec.decode(codec.encode(x, key), len(x), key)


def box(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, n)


@pytest.mark.parametrize("tenths", range(1, 51, 2))
@pytest.mark.parametrize("n", [1, 10, 16, N, 10_000])
def test_the_payload_is_floor_n_r_however_r_was_computed(tenths, n):
    rates = (tenths / 10, float(np.arange(0.1, 5.1, 0.2)[tenths // 2]), 0.1 * tenths)
    for rate in rates:
        codec = uniform(rate)
        assert codec.nbits(n) == n * tenths // 10
        assert len(codec.encode(np.zeros(n), laws.key())) == math.ceil((n * tenths // 10) / 8)


@pytest.mark.parametrize("bits", [1, 8, 13, 32])
def test_whole_bits_are_the_same_codec_however_they_are_written(bits):
    whole = uniform(bits)
    for written in (float(bits), bits * 0.1 / 0.1, str(bits)):
        codec = uniform(written)
        assert codec.config() == {"id": "uniform", "bits": bits, "range": 1.0}
        assert type(codec.bits) is int
        assert codec.fingerprint() == whole.fingerprint()
        assert codec.layout(7) == (Segment("symbol", 7, bits, "symbol"),)
        assert codec.encode(box(7), laws.key()) == whole.encode(box(7), laws.key())


@each_rate
@pytest.mark.parametrize("radius", [1.0, 0.3, 1e-300, 1e300])
def test_a_subset_has_one_more_bit_and_the_others_are_of_the_coarse_codec(rate, radius):
    x, key, low = box(N) * radius, laws.key(5), math.floor(rate)
    got = sent(uniform(rate, radius), x, key)
    fine = sent(uniform(low + 1, radius), x, key)
    coarse = sent(uniform(low, radius), x, key) if low else np.zeros(N)
    count = math.floor(N * Fraction(str(rate))) - N * low
    assert np.count_nonzero(np.abs(got - fine) <= 1e-15 * radius) == count
    assert np.count_nonzero(np.abs(got - coarse) <= 1e-15 * radius) == N - count


@pytest.mark.parametrize(("rate", "payload"), [(0.7, "244d5c"), (2.3, "65996699a659a6696e03")])
def test_the_bytes_are_those_once_written_down(rate, payload):
    x = (np.arange(33) * 37 % 101 - 50) / 101
    assert uniform(rate).encode(x, laws.key()).hex() == payload


def more_precise(codec, n, round_):
    """Return which coordinates have the one more bit: zero is decoded nearer to zero there."""
    error = np.abs(sent(codec, np.zeros(n), laws.key(round_)))
    return error < 2.0**-1.5


def test_the_subset_changes_with_the_round_and_every_coordinate_is_as_likely():
    codec, rounds, n = uniform(1.3), 3000, 10
    taken = np.array([more_precise(codec, n, r) for r in range(rounds)])
    assert (taken.sum(axis=1) == 3).all()
    assert len({row.tobytes() for row in taken}) == math.comb(10, 3)  # misses one: below 1e-9
    bound = math.sqrt(math.log(2 * n / 1e-7) / (2 * rounds))  # Hoeffding, Bonferroni: below 1e-7
    assert (np.abs(taken.mean(axis=0) - 0.3) < bound).all()


@pytest.mark.parametrize("rate", [*RATES, 1, 2, 3, 6])
@pytest.mark.parametrize("n", [1, 16, N])
def test_covering_is_the_largest_error_and_is_attained(rate, n):
    codec = uniform(rate, 2.0)
    bound, slack = codec.covering(n), 1 + 1e-9
    axes = [np.eye(1, n, j)[0] for j in range(n)]
    ball = np.random.default_rng(n).standard_normal((100, n))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    errors = [np.linalg.norm(sent(codec, 2 * x, laws.key()) - 2 * x) / 2 for x in (*ball, *axes)]
    assert max(errors) <= bound * slack
    zero = np.linalg.norm(sent(codec, np.zeros(n), laws.key())) / 2
    found = zero if rate >= 1 else max(_grown(codec, n), zero)
    assert found == pytest.approx(bound, rel=1e-9)


def _grown(codec, n):
    """Return the error of the vector that lies in one coordinate without a bit, by range."""
    without = np.flatnonzero(sent(codec, np.zeros(n), laws.key()) == 0)
    x = 2 * np.eye(1, n, without[0])[0]
    return np.linalg.norm(sent(codec, x, laws.key()) - x) / 2


def test_covering_of_whole_bits_is_root_n_2_to_the_minus_r():
    assert uniform(3).covering(16) == 0.5
    assert uniform(0.5).covering(8) == math.sqrt(1 + 4 / 4)


@each_rate
def test_the_edge_of_the_range_is_sent_and_what_lies_beyond_is_refused(rate):
    codec = uniform(rate, 0.3)
    for j in range(7):  # also where a coordinate has no bit
        edge = np.eye(1, 7, j)[0] * 0.3
        sent(codec, edge, laws.key())
        for beyond in (np.nextafter(edge, 2 * edge), -np.nextafter(edge, 2 * edge)):
            with pytest.raises(RangeError) as caught:
                codec.encode(beyond, laws.key())
            assert str(caught.value) == (
                "uniform: a coordinate of size 0.3 is outside [-0.3, 0.3]; give a larger range"
            )


@each_width
def test_it_obeys_the_laws_of_codecs(rate):
    codec = uniform(rate)
    laws.config_builds_it_again(Codec, codec)
    laws.refuses_what_is_not_finite(codec)
    for x in (x for n in SIZES for x in laws.vectors(n).values()):
        laws.payload_is_exactly_nbits(codec, x)
        laws.payload_is_all_that_is_written(codec, x)
        laws.decoding_repeats(codec, x, 1)


@each_width
def test_accumulating_is_decoding_scaling_and_adding(rate):
    codec, x = uniform(rate), box(33)
    data = np.frombuffer(codec.encode(x, laws.key()), np.uint8)
    y, added = codec.decode(data, 33, laws.key()), np.linspace(-3, 3, 33)
    wanted = added + -0.7 * y
    codec.accumulate(data, laws.key(), -0.7, added)
    assert added.tobytes() == wanted.tobytes()


@each_width
def test_both_cores_give_the_same_bytes(rate, monkeypatch):
    x, codec = box(33), uniform(rate)
    payload = codec.encode(x, laws.key())
    for name in ("pack_into", "unpack_into"):
        monkeypatch.setattr(packing, name, getattr(reference, name))
    monkeypatch.setattr(packing, "Grid", grid.Grid)
    other = uniform(rate)
    assert other.encode(x, laws.key()) == payload
    assert sent(other, x, laws.key()).tobytes() == codec.decode(payload, 33, laws.key()).tobytes()


@each_rate
def test_hostile_payloads_are_a_frame_error_or_a_vector_in_the_range(rate):
    codec, rng = uniform(rate), np.random.default_rng(3)
    size, pad = -(-codec.nbits(33) // 8), -codec.nbits(33) % 8
    for _ in range(50):
        data = rng.integers(0, 256, size, np.uint8)
        data[-1] &= 0xFF >> pad
        assert (np.abs(codec.decode(data, 33, laws.key())) <= 1).all()
        if pad:
            data[-1] |= 0x80
            with pytest.raises(FrameError, match=r"^uniform: the pad bits must be zero, got \d+$"):
                codec.decode(data, 33, laws.key())
    for wrong in (data[:-1], np.append(data, data[:1])):
        with pytest.raises(FrameError, match=f"33 coordinates need {size} bytes"):
            codec.decode(wrong, 33, laws.key())


@pytest.mark.parametrize(
    ("bits", "said"),
    [(0, "> 0.0"), (-1.5, "> 0.0"), (32.5, "<= 32.0"), ("many", None), (float("nan"), None)],
)
def test_bits_out_of_bounds_are_refused(bits, said):
    with pytest.raises(ConfigError) as caught:
        uniform(bits)
    if said:
        assert str(caught.value) == f"$.bits: expected float {said}; the value is {bits}"
