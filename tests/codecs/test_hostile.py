"""Payloads that no honest sender made: a FrameError or a finite vector, never anything else."""

from __future__ import annotations

import laws
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt.codecs import Codec, nbytes
from netopt.errors import FrameError
from netopt.registry import build, discover

SPECS = [{"id": name} for name in discover(Codec)]
SPECS += [{"id": "raw", "dtype": "float16"}, {"id": "uniform", "bits": 3}]
SPECS += [{"id": name, "levels": n} for name in ("qsgd", "switching") for n in (1, 2, 1100)]
SPECS += [{"id": "min-max", "bits": 3}]
SPECS += [{"id": name, "coding": "gamma"} for name in ("dithering", "varying-steps", "blocks")]
SPECS += [{"id": "dithering", "coding": "fixed"}, {"id": "randk", "k": 3, "indices": "sent"}]
N = 11


def survives(codec, payload, key):
    """Decode; return whether it was accepted, after checking that what came out is sound."""
    try:
        got = codec.decode(payload, N, key)
    except FrameError:
        return False
    assert got.shape == (N,)
    assert np.isfinite(got).all()
    return True


each = pytest.mark.parametrize("spec", SPECS, ids=str)
check = settings(max_examples=60, deadline=None, derandomize=True)


@each
@check
@given(data=st.binary(max_size=100), round_=st.integers(0, 3))
def test_random_bytes_are_survived(spec, data, round_):
    survives(build(Codec, spec), data, laws.key(round_))


@each
@check
@given(seed=st.integers(0, 99), flips=st.lists(st.integers(0, 10**4), min_size=1, max_size=9))
def test_flipped_bits_are_survived(spec, seed, flips):
    codec = build(Codec, spec)
    x = np.random.default_rng(seed).uniform(-1, 1, N)
    payload = bytearray(codec.encode(x, laws.key(seed)))
    for flip in flips:
        payload[flip // 8 % len(payload)] ^= 1 << flip % 8
    survives(codec, bytes(payload), laws.key(seed))


@each
def test_every_truncation_and_extension_is_refused(spec):
    """What is left of a payload of varying length may be a whole one."""
    codec = build(Codec, spec)
    payload = codec.encode(laws.vectors(N)["random"], laws.key())
    assert survives(codec, payload, laws.key())
    for end in range(len(payload)):
        accepted = survives(codec, payload[:end], laws.key())
        assert not accepted or codec.nbits(N) is None
    assert not survives(codec, payload + b"\0", laws.key())


@each
def test_a_pad_bit_that_is_not_zero_is_refused(spec):
    codec, x = build(Codec, spec), laws.vectors(N)["random"]
    payload = bytearray(codec.encode(x, laws.key()))
    used = codec.encode_into(x, laws.key(), np.zeros(nbytes(codec.max_nbits(N)), np.uint8))
    for bit in range(used, 8 * len(payload)):
        bad = payload.copy()
        bad[bit // 8] |= 1 << bit % 8
        assert not survives(codec, bytes(bad), laws.key())


def message_of(codec, payload, n, round_=0):
    with pytest.raises(FrameError) as caught:
        codec.decode(payload, n, laws.key(round_))
    return str(caught.value)


@pytest.mark.parametrize(("round_", "largest"), [(0, 4), (1, 5)])
def test_a_symbol_that_is_never_sent_is_refused(round_, largest):
    codec = build(Codec, {"id": "switching", "levels": 2})  # 3 bits a symbol
    scale = np.float32(1).tobytes()
    assert survives(codec, scale + bytes([largest, 0, 0, 0, 0]), laws.key(round_))
    assert message_of(codec, scale + bytes([largest + 1]), 1, round_) == (
        f"switching: symbol {largest + 1} where {largest} is the largest"
    )


@pytest.mark.parametrize("scale", [np.nan, np.inf, -1.0, 0.0, 0.0999])
def test_a_scale_that_is_never_sent_is_refused(scale):
    wire = np.float32(scale)
    assert message_of(build(Codec, "qsgd"), wire.tobytes() + b"\0", 1) == (
        f"qsgd: {float(wire):.9g} is not a scale (finite, at least 0.1)"
    )


def test_a_scale_of_zero_is_refused_even_if_the_floor_is_the_least_there_is():
    codec = build(Codec, {"id": "qsgd", "floor": 1e-30})
    assert message_of(codec, bytes(5), 1) == "qsgd: 0 is not a scale (finite, at least 1e-30)"


@pytest.mark.parametrize(("low", "high"), [(2, 1), (np.nan, 1), (0, np.inf), (-3e38, 3e38)])
def test_a_range_that_is_never_sent_is_refused(low, high):
    payload = np.array([low, high], "<f4").tobytes() + b"\0"
    assert message_of(build(Codec, "min-max"), payload, 1) == (
        f"min-max: a range that ends at {np.float32(high):g} is never sent (finite, and not empty)"
    )


def test_a_number_that_is_not_finite_is_refused():
    for bad in (np.nan, np.inf):
        assert message_of(build(Codec, "raw"), np.float64(bad).tobytes(), 1) == (
            "raw float64: the payload holds NaN or infinity"
        )
    codec = build(Codec, {"id": "uniform", "bits": 3})
    assert message_of(codec, b"\x08", 1) == ("uniform: the pad bits must be zero, got 1")
