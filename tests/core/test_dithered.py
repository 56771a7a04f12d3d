"""The type Dither in C against its specification, which composes the tested parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt.core import dithered, packing
from netopt.keys import Key, Purpose

KEY = Key(3, Purpose.ROUNDING, 5)
check = settings(max_examples=100, deadline=None, derandomize=True)
pytestmark = pytest.mark.skipif(packing.implementation != "c", reason="there is nothing to compare")


def pair(n, steps, norm=2, stream=1, code=0, largest=2**20):
    arguments = (n, 1 / steps, steps, norm, stream, code, largest)
    return packing.Dither(*arguments), dithered.Dither(*arguments)


def written(kernel, x, key=KEY):
    out = np.full(64 + 16 * len(x), 0xA5, np.uint8)
    bits = kernel.encode(x, out, key)
    end = max(0, -(-bits // 8))
    assert (out[end:] == 0xA5).all() or bits < 0
    return bits, out[:end].tobytes()


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("stream", [0, 1, 2])
@pytest.mark.parametrize("norm", [0, 1, 2])
def test_both_write_and_read_the_same(norm, stream, code):
    rng = np.random.default_rng(norm + 3 * stream + 9 * code)
    for n in (1, 2, 7, 33, 300):
        for steps in (np.array([0.3]), rng.uniform(0.01, 2, n)):
            for scale in (1e-45, 1e-38, 1.0, 3e30):
                c, python = pair(n, steps, norm, stream, code)
                x = scale * rng.standard_normal(n)
                assert written(c, x) == written(python, x)
                payload = np.frombuffer(written(c, x)[1], np.uint8)
                one, other = rng.standard_normal((1, n)).repeat(2, axis=0)
                for add in (False, True):
                    assert c.decode(payload, one, -0.7, add)
                    assert python.decode(payload, other, -0.7, add)
                    assert one.tobytes() == other.tobytes()


def test_the_scale_is_the_least_float32_that_is_not_below_the_norm():
    rng = np.random.default_rng(0)
    for value in [*rng.uniform(0, 2, 200), *10 ** rng.uniform(-38, 38, 200), 1.0, dithered.LARGEST]:
        c, _ = pair(1, np.array([0.5]))
        scale = np.frombuffer(written(c, np.array([value]))[1][:4], "<f4")[0]
        assert float(scale) >= value
        assert float(np.nextafter(scale, np.float32(0))) < value or scale == np.float32(2.0**-126)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3.5e38])
def test_what_has_no_scale_is_refused_by_both(bad):
    for kernel in pair(3, np.array([0.5])):
        assert written(kernel, np.array([0.0, bad, 1.0])) == (-1, b"")


@check
@given(data=st.binary(max_size=40), code=st.integers(0, 1), largest=st.integers(1, 9))
def test_hostile_payloads_are_judged_alike(data, code, largest):
    c, python = pair(9, np.array([0.5]), code=code, largest=largest)
    payload = np.frombuffer(np.float32(1).tobytes() + data, np.uint8)
    one, other = np.zeros(9), np.zeros(9)
    assert c.decode(payload, one, 1.0, False) == python.decode(payload, other, 1.0, False)
    assert one.tobytes() == other.tobytes()


def test_payloads_without_a_scale_are_refused_by_both():
    for scale in (0.0, 1e-39, -1.0, np.nan, np.inf):
        for kernel in pair(2, np.array([0.5])):
            assert not kernel.decode(np.float32(scale).tobytes(), np.zeros(2), 1.0, False)
    for kernel in pair(2, np.array([0.5])):
        assert not kernel.decode(b"abc", np.zeros(2), 1.0, False)


BAD = [
    ((3, np.ones(2), np.ones(2), 2, 1, 0, 9), "inverse must hold 1 or 3 numbers, got 2"),
    ((3, np.ones(3), np.ones(1), 2, 1, 0, 9), "as many steps as inverses are needed, got 1 and 3"),
    ((3, np.ones(1), np.ones(1), 3, 1, 0, 9), None),
    ((3, np.ones(1), np.ones(1), 2, 1, 2, 9), None),
    ((3, np.ones(1), np.ones(1), 2, 1, 0, 0), None),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError) as caught:
        packing.Dither(*arguments)
    assert message in (None, str(caught.value))


def test_wrong_buffers_are_refused():
    c, _ = pair(3, np.array([0.5]))
    with pytest.raises(ValueError, match="x must hold 3 numbers, got 2"):
        c.encode(np.zeros(2), np.zeros(99, np.uint8), KEY)
    with pytest.raises(TypeError, match="x must hold native float64"):
        c.encode(np.zeros(3, np.float32), np.zeros(99, np.uint8), KEY)
    with pytest.raises(ValueError, match="out must be writable"):
        c.encode(np.zeros(3), bytes(99), KEY)
    with pytest.raises(ValueError, match="out must be writable and hold 3 numbers"):
        c.decode(bytes(9), np.zeros(4), 1.0, False)
