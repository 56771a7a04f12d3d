"""Grid: every tier gives the reference's bytes, values and errors, whatever vector comes."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.core import grid, norms
from netopt.keys import Key, Purpose

KEY = Key(7, Purpose.ROUNDING, 3, 1, 2)
U8 = np.zeros(9, np.uint8)
ONE = np.float32(1).tobytes()
TYPES = [np.float32, np.float64]
LENGTHS = [0, 1, 5, 31, 32, 33, 63, 64, 65, 100, 127, 1000, 1023, 1024, 1025, 4100]
SENTINEL = 0xA5


def scaled(bits, norm="l2", block=0, stream="fast", odd=0):
    """Return options, origin and top of a symmetric grid that fills ``bits`` bits."""
    levels = 2 ** (bits - 1) - 1
    return (
        ("scaled", bits, float(levels), norm, 0.1, block, stream),
        levels + odd / 2,
        2 * levels + odd,
    )


def ranged(bits, block=0, stream="nearest"):
    return ("range", bits, float(2**bits - 1), "linf", 0.0, block, stream), 0.0, 2**bits - 1


def fixed(bits):
    half = 2.0 ** (bits - 1)
    return ("fixed", bits, half, "linf", 3.0, 0, "nearest"), half - 0.5, 2**bits - 1


SIGN = ("sign", 1, 1.0, "l1", 0.0, 0, "nearest"), 0.5, 1
GRIDS = [scaled(b, stream=s) for b in (2, 3, 4, 5, 7, 8, 9, 12, 16, 21) for s in ("fast", "philox")]
GRIDS += [scaled(b, odd=1) for b in (2, 8, 11)]
GRIDS += [scaled(4, "linf", block) for block in (64, 128, 1024, 4160)]
GRIDS += [scaled(4, "l1", 64, "nearest"), scaled(12, "linf", 64, "philox")]
GRIDS += [ranged(b, k, s) for b, k, s in ((1, 0, "fast"), (4, 64, "nearest"), (8, 0, "nearest"))]
GRIDS += [ranged(5, 128, "fast"), ranged(16, 0, "philox"), ranged(24)]
GRIDS += [fixed(b) for b in (1, 2, 4, 8, 9, 17, 31, 32)]
GRIDS += [SIGN, (("sign", 1, 1.0, "l1", 0.0, 64, "nearest"), 0.5, 1)]
every_grid = pytest.mark.parametrize("options", GRIDS, ids=lambda o: "-".join(map(str, o[0])))
every_type = pytest.mark.parametrize("dtype", TYPES)


def vectors(n, dtype, kind):
    """Yield vectors of n coordinates that the grid can hold: the ordinary and the awkward."""
    rng = np.random.default_rng(n)
    plain = rng.standard_normal(n)
    size = 3.0 if kind == "fixed" else 10.0 ** rng.uniform(-3, 3)
    found = [plain * size, np.zeros(n), np.full(n, -0.0), np.full(n, plain[:1].sum())]
    found.append(np.where(np.arange(n) % 7 == 3, plain, 1e-310))  # subnormal, 0 in float32
    if kind != "fixed":
        found.append(plain * 1e30)
    bound = 3.0 if kind == "fixed" else np.inf
    for x in found:
        x = np.clip(x, -bound, bound)
        if kind == "fixed" and n > 1:
            x[0], x[-1] = bound, -bound
        yield x.astype(dtype)


def outcome(thing, x, origin, top, slack=3):
    """Encode into a buffer with ``slack`` bytes behind it; return the bytes or the error."""
    need = thing.nbytes(len(x))
    out = np.full(need + slack, SENTINEL, np.uint8)
    try:
        assert thing.encode(x, out, origin, top, KEY) == need
    except ValueError as error:
        return str(error)
    finally:
        assert (out[need:] == SENTINEL).all()
    return out[:need].tobytes()


@every_type
@every_grid
def test_payloads_and_values_are_those_of_the_reference(c_core, options, dtype):
    arguments, origin, top = options
    ours, theirs = c_core.Grid(*arguments), grid.Grid(*arguments)
    for n in LENGTHS:
        assert ours.nbytes(n) == theirs.nbytes(n)
        for x in vectors(n, dtype, arguments[0]):
            payload = outcome(ours, x, origin, top)
            assert payload == outcome(theirs, x, origin, top)
            assert isinstance(payload, bytes), payload
            check_decoding(ours, theirs, payload, n, origin, top)


def check_decoding(ours, theirs, payload, n, origin, top):
    start = np.random.default_rng(n).standard_normal(n)
    for out_type, weight, add in ((np.float64, 1.0, False), (np.float32, -0.3, True),
                                  (np.float64, 0.7, True), (np.float32, 2.0, False)):  # fmt: skip
        one, other = start.astype(out_type), start.astype(out_type)
        assert ours.decode(payload, one, origin, top, weight, add) == len(payload)
        theirs.decode(payload, other, origin, top, weight, add)
        assert one.tobytes() == other.tobytes()


@every_type
@every_grid
@pytest.mark.parametrize("n", [1, 33, 100, 1030])
def test_what_is_not_finite_is_refused_alike_wherever_it_stands(c_core, options, dtype, n):
    arguments, origin, top = options
    ours, theirs = c_core.Grid(*arguments), grid.Grid(*arguments)
    for bad in (np.nan, np.inf, -np.inf):
        for place in {0, n // 3, n - 2 if n > 1 else 0, n - 1}:
            x = np.clip(np.random.default_rng(n).standard_normal(n), -3, 3).astype(dtype)
            x[place] = bad
            words = outcome(ours, x, origin, top)
            assert isinstance(words, str)
            assert words == outcome(theirs, x, origin, top)


@every_type
@pytest.mark.parametrize("bits", [1, 3, 8, 9, 32])
def test_a_coordinate_beyond_a_fixed_range_is_refused_by_one_unit_in_the_last_place(
    core, dtype, bits
):
    arguments, origin, top = fixed(bits)
    thing = core.Grid(*arguments)
    for n in (1, 32, 77):
        for sign in (1, -1):
            x = np.full(n, sign * 3, dtype)
            assert isinstance(outcome(thing, x, origin, top), bytes)
            x[n // 2] = np.nextafter(x[0], dtype(sign * np.inf))
            assert outcome(thing, x, origin, top) == "a coordinate is outside the grid"


@every_type
@pytest.mark.parametrize("kind", norms.KINDS)
def test_norms_have_the_bits_of_the_reference(c_core, dtype, kind):
    for n in range(130):
        x = np.random.default_rng(n).standard_normal(n).astype(dtype)
        assert c_core.norm(x, kind) == norms.norm(x, kind)
        for bad in (np.nan, np.inf, -np.inf):
            for place in range(0, n, 7):
                y = x.copy()
                y[place] = bad
                np.testing.assert_equal(c_core.norm(y, kind), norms.norm(y, kind))


def test_the_l2_norm_adds_sixteen_lanes_and_then_halves(core):
    x = np.random.default_rng(1).standard_normal(1003)
    lanes = [0.0] * 16
    for i, value in enumerate(x.tolist()):
        lanes[i % 16] += value * value
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [lanes[k] + lanes[k + half] for k in range(half)]
    assert core.norm(x, "l2") == np.sqrt(lanes[0])


FAULTS = [
    (scaled(3, stream="nearest"), np.float32(np.nan).tobytes() + b"\0",
     "nan is not a scale (finite, at least 0.1)"),
    (scaled(3, stream="nearest"), np.float32(0.09).tobytes() + b"\0",
     "0.0900000036 is not a scale (finite, at least 0.1)"),
    (scaled(3, stream="nearest"), ONE + b"\7", "symbol 7 where 6 is the largest"),
    (scaled(3, stream="nearest"), ONE + b"\x08", "the pad bits must be zero, got 1"),
    (ranged(3), np.array([2, 1], "<f4").tobytes() + b"\0",
     "a range that ends at 1 is never sent (finite, and not empty)"),
    (scaled(3, block=64), np.float32(-1).tobytes() + b"\0",
     "block 0: -1 is not a scale (finite, at least 0.1)"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "payload", "message"), FAULTS)
def test_a_payload_that_is_never_sent_is_refused_in_the_same_words(core, options, payload, message):
    arguments, origin, top = options
    with pytest.raises(ValueError) as caught:
        core.Grid(*arguments).decode(payload, np.zeros(1), origin, top)
    assert str(caught.value) == message


TOO_LARGE = [
    (scaled(3), [1e39], "a vector of norm 1e+39 has no float32 scale (the largest is 3.40282e+38)"),
    (SIGN, [1e39], "a vector of norm 1e+39 has no float32 scale (the largest is 3.40282e+38)"),
    (ranged(3), [-3e38, 3e38],
     "a vector that reaches 3e+38 has no float32 range (the largest is 3.40282e+38)"),
    (scaled(3, block=64), [1.0] * 70 + [1e39],
     "block 1: a vector of norm 1e+39 has no float32 scale (the largest is 3.40282e+38)"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "x", "message"), TOO_LARGE)
def test_a_vector_too_large_for_float32_is_refused_in_the_same_words(core, options, x, message):
    arguments, origin, top = options
    assert outcome(core.Grid(*arguments), np.array(x), origin, top) == message


X = np.zeros(3)
BAD_CALLS = [
    ((np.zeros(3, np.int32), U8, 3.0, 6, KEY), TypeError,
     "x must hold native float32 or float64, got format 'i'"),
    ((X, np.zeros(9), 3.0, 6, KEY), TypeError, "out must hold bytes, got items of 8 bytes"),
    ((X, np.zeros(5, np.uint8), 3.0, 6, KEY), ValueError, "out needs 6 bytes, got 5"),
    ((X, bytes(9), 3.0, 6, KEY), ValueError, "out must be writable, got a read-only buffer"),
    ((X, U8, 3.0, 8, KEY), ValueError, "top must be 0..7 for 3 bits, got 8"),
    ((X, U8, 3.0, -1, KEY), ValueError, "top must be 0..7 for 3 bits, got -1"),
    ((X, U8, 3.0, 6, 7), TypeError, "key must be a netopt.keys.Key, got int"),
    ((np.zeros(6)[::2], U8, 3.0, 6, KEY), ValueError, "x must be C-contiguous"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD_CALLS)
def test_encode_says_what_is_wrong(core, arguments, kind, message):
    with pytest.raises(kind) as caught:
        core.Grid(*scaled(3)[0]).encode(*arguments)
    assert str(caught.value) == message


def test_memory_may_not_be_shared(core):
    thing, memory = core.Grid(*scaled(3)[0]), np.zeros(8)
    with pytest.raises(ValueError, match=r"^x and out must not overlap in memory$"):
        thing.encode(memory, memory.view(np.uint8), 3.0, 6, KEY)
    with pytest.raises(ValueError, match=r"^payload and out must not overlap in memory$"):
        thing.decode(memory.view(np.uint8), memory, 3.0, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("cubic", 3, 3.0, "l2", 0.1, 0, "fast"),
         "kind must be one of the core's words, got 'cubic'"),
        (("scaled", 3, 3.0, "l3", 0.1, 0, "fast"),
         "norm must be one of the core's words, got 'l3'"),
        (("scaled", 3, 3.0, "l2", 0.1, 0, "x"), "stream must be one of the core's words, got 'x'"),
        (("scaled", 33, 3.0, "l2", 0.1, 0, "fast"), "bits must be 1..32, and 1 for signs"),
        (("sign", 2, 3.0, "l2", 0.1, 0, "fast"), "bits must be 1..32, and 1 for signs"),
        (("scaled", 3, 0.0, "l2", 0.1, 0, "fast"), "levels must be above 0 and at most 2**32"),
        (("scaled", 3, 3.0, "l2", 0.0, 0, "fast"),
         "floor must be a number from 1e-30 (scaled) or 1e-290 (fixed) to 1e300"),
        (("scaled", 3, 3.0, "l2", 0.1, 65, "fast"), "block must be 0 or a multiple of 64"),
        (("scaled", 3, 3.0, "l2", 0.1, -64, "fast"), "block must be 0 or a multiple of 64"),
    ],
)  # fmt: skip
def test_a_grid_of_impossible_numbers_is_refused(core, options, message):
    with pytest.raises(ValueError) as caught:
        core.Grid(*options)
    assert str(caught.value) == message


@every_type
def test_unaligned_vectors_and_payloads(c_core, dtype):
    arguments, origin, top = scaled(5)
    thing = c_core.Grid(*arguments)
    x = np.random.default_rng(0).standard_normal(333).astype(dtype)
    wanted = outcome(thing, x, origin, top)
    for shift in range(1, 8):
        memory = np.frombuffer(bytearray(shift + x.nbytes), np.uint8)
        unaligned = memory[shift:].view(dtype)
        unaligned[:] = x
        out = np.zeros(shift + len(wanted), np.uint8)
        thing.encode(unaligned, out[shift:], origin, top, KEY)
        assert out[shift:].tobytes() == wanted
        thing.decode(out[shift:], unaligned, origin, top)
        y = np.zeros_like(x)
        thing.decode(wanted, y, origin, top)
        assert unaligned.tobytes() == y.tobytes()
