"""Dithering with steps: exact fractions, the same bits in every tier, unbiased, never clipped."""

from __future__ import annotations

import re
from fractions import Fraction
from math import floor, log, sqrt

import numpy as np
import pytest

from netopt.core import steps, streams
from netopt.keys import Key, Purpose

LENGTHS = [0, 1, 2, 7, 8, 60, 511, 512, 513, 1023, 1025, 2500]
STREAMS = ["nearest", "fast", "philox"]
HIGHEST = 2**30
every_stream = pytest.mark.parametrize("stream", STREAMS)


def key(i):
    return Key(5, Purpose.ROUNDING, i, 1, 2)


def problems(n, rng):
    """Yield coordinates, inverse steps and a factor: the ordinary and the awkward."""
    x = rng.standard_normal(n)
    yield x, np.exp(rng.standard_normal(n)), 3.0
    yield x, np.array([0.25]), 1e4
    yield np.where(rng.random(n) < 0.5, x, 0.0) * -1.0, np.abs(rng.standard_normal(n)), 0.7
    yield np.round(x), np.ones(n), 1.0  # whole places
    yield x * 1e-300, np.full(n, 1e150), 1e149  # next to none
    yield np.full(n, -1.0), np.array([1.0]), float(HIGHEST)
    yield np.full(n, np.nextafter(1.0, 0.0)), np.ones(n), 1.0


def dithered(core, x, inverse, factor, i, stream):
    """Return the levels, after a look at what lies behind them."""
    out = np.full(len(x) + 1, 77, np.int32)
    nonzero = core.dither(x, inverse, factor, key(i), stream, out[:-1])
    assert nonzero == np.count_nonzero(out[:-1])
    assert out[-1] == 77
    return out[:-1]


@every_stream
def test_every_tier_gives_the_levels_of_the_reference(c_core, stream):
    for n in LENGTHS:
        for i, (x, inverse, factor) in enumerate(problems(n, np.random.default_rng(n))):
            ours = dithered(c_core, x, inverse, factor, i, stream)
            theirs = dithered(steps, x, inverse, factor, i, stream)
            np.testing.assert_array_equal(ours, theirs)


@every_stream
def test_levels_are_those_of_exact_fractions(stream):
    n = 60
    for i, (x, inverse, factor) in enumerate(problems(n, np.random.default_rng(3))):
        halves = np.zeros(2 * n, int)
        if stream != "nearest":
            halves = streams.random16(key(i), stream, 2 * n).astype(int)
        found = dithered(steps, x, inverse, factor, i, stream).tolist()
        for j, level in enumerate(found):
            y = Fraction((abs(float(x[j])) * factor) * float(inverse[j % len(inverse)]))
            word = 2**31 if stream == "nearest" else int(halves[2 * j] + 65536 * halves[2 * j + 1])
            wanted = floor(y) + (floor((y - floor(y)) * 2**32) + word >= 2**32)
            assert level == (-wanted if x[j] < 0 else wanted)


@pytest.mark.parametrize("stream", ["fast", "philox"])
@pytest.mark.parametrize("place", [0.3, 1.5, 7.0 + 2.0**-12, 2.0**20 + 0.9])
def test_dithering_is_unbiased(c_core, stream, place):
    """Hoeffding: the share of ups is this far off with probability 1e-7 at most."""
    n, keys = 4000, 50
    found = [dithered(c_core, np.full(n, -place), np.ones(1), 1.0, i, stream) for i in range(keys)]
    ups = -np.concatenate(found) - floor(place)
    assert set(ups.tolist()) <= {0, 1}
    far = sqrt(log(2 / 1e-7) / (2 * n * keys))
    assert abs(ups.mean() - (place - floor(place))) < far


def test_two_coordinates_do_not_share_a_word(c_core):
    """Of two independent bits a quarter are both ones; Hoeffding at 1e-7 again."""
    n = 100_000
    bits = dithered(c_core, np.full(n, 0.5), np.ones(1), 1.0, 0, "fast")
    both = (bits[:-1] & bits[1:])[::2].mean()
    assert abs(both - 0.25) < sqrt(log(2 / 1e-7) / n)


def test_levels_are_multiplied_and_added_in_the_reference_s_order(c_core):
    for n in LENGTHS:
        rng = np.random.default_rng(n)
        levels = rng.integers(-(2**31), 2**31, n).astype(np.int32)
        start = rng.standard_normal(n + 1)
        for spacing in (rng.standard_normal(n), np.array([0.1])):
            for add in (False, True):
                ours, theirs = start.copy(), start.copy()
                c_core.undither(levels, spacing, 0.3, -0.7, ours[:n], add)
                steps.undither(levels, spacing, 0.3, -0.7, theirs[:n], add)
                assert ours.tobytes() == theirs.tobytes()
                each = np.broadcast_to(spacing, n).tolist()
                for j in range(min(n, 9)):  # Python's floats round every operation by itself
                    value = -0.7 * ((0.3 * each[j]) * int(levels[j]))
                    assert theirs[j] == (start[j] + value if add else value)


def test_what_comes_back_is_within_a_step(c_core):
    x = np.random.default_rng(1).standard_normal(700)
    inverse, back = 2.0 ** np.arange(700) % 13 + 1, np.zeros(700)
    for stream, bound in (("fast", 1.0), ("nearest", 0.5)):
        levels = dithered(c_core, x, inverse, 4.0, 0, stream)
        c_core.undither(levels, 1.0 / inverse, 0.25, 1.0, back, False)
        assert (np.abs(back - x) * 4.0 * inverse <= bound * (1 + 1e-12)).all()


def test_buffers_need_not_be_aligned(c_core):
    memory = np.zeros(8 * 50 + 1, np.uint8)
    shifted = memory[1:].view(np.float64)
    shifted[:] = np.random.default_rng(2).standard_normal(50)
    wanted = dithered(c_core, shifted.copy(), np.ones(50), 9.0, 0, "fast")
    out = np.zeros(4 * 50 + 3, np.uint8)[3:].view(np.int32)
    c_core.dither(shifted, np.ones(50), 9.0, key(0), "fast", out)
    np.testing.assert_array_equal(out, wanted)


# ---- words ----


@pytest.fixture(params=["c", "numpy"])
def either(request):
    if request.param == "numpy":
        return steps
    return pytest.importorskip("netopt.core._bitpack", exc_type=ImportError)


BAD_VALUES = [
    (np.nan, 1.0, 1.0, "x must be finite, got nan"),
    (np.inf, 1.0, 1.0, "x must be finite, got inf"),
    (-np.inf, 0.0, 1.0, "x must be finite, got -inf"),
    (HIGHEST + 0.5, 1.0, 1.0, "a level must be at most 1073741824, got 1073741824.5"),
    (1e300, 1e300, 1.0, "a level must be at most 1073741824, got inf"),
    (1.0, -1.0, 1.0, "factor and inverse must be finite and not negative, got 1.0 and -1.0"),
    (1.0, 1.0, np.nan, "factor and inverse must be finite and not negative, got nan and 1.0"),
    (0.0, np.inf, 1.0, "factor and inverse must be finite and not negative, got 1.0 and inf"),
]


@every_stream
@pytest.mark.parametrize(("value", "inverse", "factor", "said"), BAD_VALUES)
def test_what_has_no_level_is_said_wherever_it_stands(either, stream, value, inverse, factor, said):
    for n, j in ((1, 0), (600, 0), (600, 511), (600, 512), (600, 599)):
        j = 0 if factor != factor else j  # a factor is everyone's
        x, scales = np.zeros(n), np.zeros(n)
        x[j], scales[j] = value, inverse
        with pytest.raises(ValueError, match=rf"^{re.escape(said)} at index {j}$"):
            either.dither(x, scales, factor, key(0), stream, np.zeros(n, np.int32))


TWO, LEVELS = np.zeros(2), np.zeros(2, np.int32)
K = key(0)
BAD_CALLS = [
    ("dither", (np.zeros(2, "f4"), TWO, 1.0, K, "fast", LEVELS), TypeError,
     "x must hold native float64, got format 'f'"),
    ("dither", (TWO, TWO, 1.0, K, "fast", np.zeros(2, np.int64)), TypeError, None),
    ("dither", (TWO, TWO, 1.0, K, "slow", LEVELS), ValueError,
     "stream must be 'nearest', 'fast' or 'philox', got 'slow'"),
    ("dither", (TWO, TWO, 1.0, None, "fast", LEVELS), TypeError,
     "key must be a netopt.keys.Key, got NoneType"),
    ("dither", (TWO, TWO, 1.0, K, "fast", np.zeros(3, np.int32)), ValueError,
     "out must hold 2 levels, got 3"),
    ("dither", (TWO, np.zeros(3), 1.0, K, "fast", LEVELS), ValueError,
     "inverse must hold 1 or 2 numbers, got 3"),
    ("dither", (TWO, TWO, 1.0, K, "fast", memoryview(bytes(8)).cast("i")), ValueError,
     "out must be writable, got a read-only buffer"),
    ("undither", (LEVELS, TWO, 1.0, 1.0, np.zeros(3), False), ValueError,
     "out must hold 2 numbers, got 3"),
    ("undither", (LEVELS, np.zeros(0), 1.0, 1.0, np.zeros(2), False), ValueError,
     "steps must hold 1 or 2 numbers, got 0"),
    ("undither", (LEVELS, TWO, 1.0, 1.0, TWO, False), ValueError,
     "steps and out must not overlap in memory"),
    ("dither", (TWO, TWO, 1.0, K, "fast", TWO.view(np.int32)[:2]), ValueError,
     "x and out must not overlap in memory"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "kind", "message"), BAD_CALLS)
def test_a_wrong_call_says_what_is_wrong(either, name, arguments, kind, message):
    with pytest.raises(kind, match=message and f"^{re.escape(message)}$"):
        getattr(either, name)(*arguments)


def test_the_nearest_level_needs_no_key(either):
    out = np.zeros(4, np.int32)
    assert (
        either.dither(np.array([0.4, 0.5, -1.6, 0.0]), np.ones(1), 1.0, None, "nearest", out) == 2
    )
    assert out.tolist() == [0, 1, -2, 0]
