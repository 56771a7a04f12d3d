"""The bits of a payload, by the formulas of the papers, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt.codecs import Codec, Segment
from netopt.errors import FrameError
from netopt.keys import Key, Purpose
from netopt.registry import build

KEY = Key(1, Purpose.ROUNDING)
LEVELS = (1, 2, 3, 7, 10, 32, 64, 127, 128, 1100)


@pytest.mark.parametrize(("dtype", "bits"), [("float64", 64), ("float32", 32), ("float16", 16)])
def test_raw_takes_the_width_of_its_dtype(dtype, bits):
    codec = build(Codec, {"id": "raw", "dtype": dtype})
    assert [codec.nbits(n) for n in (1, 3, 302_566)] == [bits, 3 * bits, 302_566 * bits]
    assert codec.layout(3) == (Segment("x", 3, bits, dtype),)


@pytest.mark.parametrize("levels", LEVELS)
def test_qsgd_takes_a_scale_and_one_of_2l_plus_1_symbols_each(levels):
    codec = build(Codec, {"id": "qsgd", "levels": levels})
    assert codec.nbits(9) == 32 + 9 * math.ceil(math.log2(2 * levels + 1))


@pytest.mark.parametrize("levels", LEVELS)
def test_switching_takes_a_scale_and_one_of_2l_plus_2_symbols_each(levels):
    codec = build(Codec, {"id": "switching", "levels": levels})
    assert codec.nbits(9) == 32 + 9 * math.ceil(math.log2(2 * levels + 2))


@pytest.mark.parametrize(("levels", "width"), [(10, 5), (32, 7), (64, 8), (1100, 12)])
def test_the_widths_of_the_papers_experiments(levels, width):
    for name in ("qsgd", "switching"):
        codec = build(Codec, {"id": name, "levels": levels})
        assert codec.layout(4) == (
            Segment("scale", 1, 32, "float32"),
            Segment("symbol", 4, width, "symbol"),
        )


@pytest.mark.parametrize("bits", range(1, 33))
def test_uniform_takes_its_bits_and_nothing_else(bits):
    codec = build(Codec, {"id": "uniform", "bits": bits})
    assert codec.nbits(7) == 7 * bits
    assert len(codec.encode(np.zeros(7), KEY)) == math.ceil(7 * bits / 8)


@pytest.mark.parametrize(
    ("name", "size"), [("raw", 24), ("qsgd", 6), ("switching", 6), ("uniform", 3)]
)
@pytest.mark.parametrize("extra", [-1, 1])
def test_a_payload_of_the_wrong_length_is_a_frame_error(name, size, extra):
    codec = build(Codec, name)
    assert len(codec.encode(np.zeros(3), KEY)) == size
    with pytest.raises(FrameError) as caught:
        codec.decode(bytes(size + extra), 3, KEY)
    expected = f"{name}: 3 coordinates need {size} bytes, got {size + extra}"
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("layout", "codec half-done does not describe its layout"),
        ("encode_into", "codec half-done does not encode"),
        ("decode_into", "codec half-done does not decode"),
    ],
)
def test_a_codec_without_a_method_says_which_one_is_missing(private_registry, method, message):
    bare = type("HalfDone", (Codec,), {"id": "half-done"})()
    arguments = {"layout": (3,), "encode_into": (None, KEY, None), "decode_into": (None, KEY, None)}
    with pytest.raises(TypeError) as caught:
        getattr(bare, method)(*arguments[method])
    assert str(caught.value) == message
