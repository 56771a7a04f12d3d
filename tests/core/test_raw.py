"""Raw numbers: copied, converted and added with the bits of numpy, and checked on the way."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.core import raw

LENGTHS = [*range(35), 511, 512, 513, 1030]
every_type = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_width = pytest.mark.parametrize("bits", [32, 64])
WIRE = {32: "<f4", 64: "<f8"}


@pytest.fixture(params=["c", "numpy"])
def core(request):
    if request.param == "numpy":
        return raw
    return pytest.importorskip("netopt.core._bitpack", exc_type=ImportError)


@every_type
@every_width
def test_numbers_are_rounded_and_added_as_numpy_does(core, dtype, bits):
    for n in LENGTHS:
        rng = np.random.default_rng(n)
        x, y = rng.standard_normal(n).astype(dtype), rng.standard_normal(n).astype(dtype)
        x[: n // 5] *= dtype(1e-39)  # subnormal in float32
        size = n * bits // 8
        out = np.full(size + 1, 0xA5, np.uint8)
        assert core.raw_put(x, bits, out[:size]) == size
        assert out[:size].tobytes() == x.astype(WIRE[bits]).tobytes()
        assert out[size] == 0xA5
        sent = x.astype(WIRE[bits]).astype(np.promote_types(WIRE[bits], dtype))
        kept, added = y.copy(), y.copy()
        core.raw_add(out[:size], bits, kept, -0.3, False)
        core.raw_add(out[:size], bits, added, 0.7, True)
        weights = sent.dtype.type(-0.3), sent.dtype.type(0.7)
        assert kept.tobytes() == (weights[0] * sent).astype(dtype).tobytes()
        assert added.tobytes() == (y + weights[1] * sent).astype(dtype).tobytes()


@every_type
@every_width
@pytest.mark.parametrize("n", [1, 17, 512, 600])
def test_what_is_not_finite_is_found_wherever_it_stands(core, dtype, bits, n):
    for bad in (np.nan, np.inf, -np.inf):
        for place in {0, n // 2, n - 1}:
            x = np.ones(n, dtype)
            x[place] = bad
            out = np.zeros(n * bits // 8, np.uint8)
            with pytest.raises(ValueError, match=r"^a coordinate does not fit the wire$"):
                core.raw_put(x, bits, out)
            out[:] = x.astype(WIRE[bits]).view(np.uint8)
            with pytest.raises(ValueError, match=r"^the payload holds NaN or infinity$"):
                core.raw_add(out, bits, np.zeros(n, dtype), 1.0, True)


def test_a_double_too_large_for_float32_does_not_fit(core):
    with pytest.raises(ValueError, match=r"^a coordinate does not fit the wire$"):
        core.raw_put(np.array([1.0, 1e39]), 32, np.zeros(8, np.uint8))


BAD_CALLS = [
    ((np.zeros(2), 16, np.zeros(16, np.uint8)), ValueError, "bits must be 32 or 64, got 16"),
    ((np.zeros(2, int), 64, np.zeros(16, np.uint8)), TypeError, None),
    ((np.zeros(2), 64, np.zeros(15, np.uint8)), ValueError, "out needs 16 bytes, got 15"),
    ((np.zeros(2), 64, bytes(16)), ValueError, "out must be writable, got a read-only buffer"),
    ((np.zeros(4)[::2], 64, np.zeros(16, np.uint8)), ValueError, "x must be C-contiguous"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD_CALLS)
def test_a_wrong_call_says_what_is_wrong(core, arguments, kind, message):
    with pytest.raises(kind) as caught:
        core.raw_put(*arguments)
    assert message in (None, str(caught.value))


def test_memory_may_not_be_shared(core):
    memory = np.zeros(4)
    with pytest.raises(ValueError, match=r"^x and out must not overlap in memory$"):
        core.raw_put(memory, 64, memory.view(np.uint8))
    with pytest.raises(ValueError, match=r"^payload and out must not overlap in memory$"):
        core.raw_add(memory.view(np.uint8), 64, memory, 1.0, False)
