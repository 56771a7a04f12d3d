"""Sparse codecs: which coordinates are sent, how often, what the wire holds and what it costs."""

from __future__ import annotations

import contextlib
import itertools
import math

import laws
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from netopt.codecs import Codec, Segment, Tuning, _indices, nbytes
from netopt.codecs.randk import drawn
from netopt.codecs.topk import largest
from netopt.errors import FrameError, RangeError
from netopt.keys import Purpose
from netopt.registry import build

RNG = np.random.default_rng(5)
X = RNG.standard_normal(60)
ALLOWED = 5e-7
"""The share of all choices of the seeds for which a test may fail."""


def make(name, **options):
    return build(Codec, {"id": name, **options})


def sent(codec, x, key=None):
    key = key or laws.key()
    return codec.decode(codec.encode(x, key), len(x), key)


def by_size(x, k):
    """The k largest by sorting: of equal sizes the first."""
    return sorted(sorted(range(len(x)), key=lambda j: (-abs(x[j]), j))[:k])


# ---- top-k ----


@pytest.mark.parametrize("n", [1, 2, 9, 60])
def test_topk_keeps_the_largest_and_of_equal_ones_the_first(n):
    for x in (RNG.standard_normal(n), RNG.integers(-2, 3, n) * 1.0, np.zeros(n), np.ones(n)):
        for k in range(n + 1):
            assert largest(x, k).tolist() == by_size(x, k)
        for k in range(1, n + 1):
            got = sent(make("topk", k=k, dtype="float64"), x)
            wanted = np.zeros(n)
            wanted[by_size(x, k)] = x[by_size(x, k)]
            assert_array_equal(got, wanted)


@pytest.mark.parametrize("k", [1, 6, 59, 60])
def test_topk_loses_at_most_the_mean_share(k):
    codec = make("topk", k=k, dtype="float64")
    assert codec.contraction(60) == k / 60
    for x in (X, X**5, np.ones(60)):
        lost = ((sent(codec, x) - x) ** 2).sum()
        assert lost <= (1 - k / 60) * (x**2).sum() * (1 + 1e-14)
    assert lost == 60 - k  # equal coordinates: no larger contraction would do


@pytest.mark.parametrize(
    ("options", "n", "k"),
    [
        ({}, 60, 6),
        ({}, 4, 1),
        ({"fraction": 1.0}, 7, 7),
        ({"fraction": 0.25}, 10, 2),
        ({"k": 3}, 10, 3),
        ({"k": 9}, 5, 5),
        ({"k": 2, "fraction": 0.9}, 10, 2),
    ],
)
@pytest.mark.parametrize("name", ["topk", "randk"])
def test_k_is_given_or_a_rounded_fraction(name, options, n, k):
    assert np.count_nonzero(sent(make(name, **options), X[:n])) == k


@pytest.mark.parametrize(("dtype", "width"), [("float32", 32), ("float64", 64)])
@pytest.mark.parametrize(("name", "more"), [("topk", {}), ("randk", {"indices": "sent"})])
def test_numbers_come_first_and_then_the_index_set(name, more, dtype, width):
    codec, out = make(name, dtype=dtype, k=7, **more), np.empty(200, np.uint8)
    bits = codec.encode_into(X, laws.key(), out)
    chosen = np.flatnonzero(sent(codec, X))
    assert bits == 7 * width + _indices.least_bits(chosen, 60)
    assert bits <= codec.max_nbits(60) == 7 * width + 8 + 60
    assert codec.nbits(60) is None
    numbers = out[: 7 * width // 8].view(dtype)
    assert numbers.tobytes() == X[chosen].astype(dtype).tobytes()


# ---- random-k ----


@pytest.mark.parametrize(("dtype", "width"), [("float32", 32), ("float64", 64)])
def test_randk_sends_k_numbers_and_nothing_else(dtype, width):
    codec = make("randk", k=7, dtype=dtype)
    assert codec.nbits(60) == codec.max_nbits(60) == 7 * width
    assert codec.layout(60) == (Segment("x", 7, width, dtype),)
    numbers = np.frombuffer(codec.encode(X, laws.key()), dtype)
    chosen = drawn(laws.key(), 60, 7)
    assert numbers.tobytes() == X[chosen].astype(dtype).tobytes()
    got = sent(codec, X)
    assert_array_equal(np.flatnonzero(got), chosen)
    assert_allclose(got[chosen], X[chosen] * 60 / 7, rtol=1e-6)
    shown = sent(make("randk", k=7, dtype=dtype, indices="sent"), X)
    assert shown.tobytes() == got.tobytes()
    assert_array_equal(
        sent(make("randk", k=7, dtype="float64", unbiased=False), X)[chosen], X[chosen]
    )


def test_the_indices_have_a_stream_of_their_own():
    key = laws.key()
    assert_array_equal(drawn(key, 99, 9), drawn(key._replace(purpose=Purpose.INDICES), 99, 9))
    assert drawn(key, 99, 9).tolist() != drawn(key._replace(sender=3), 99, 9).tolist()


@pytest.mark.parametrize("n", [1, 2, 3, 17, 1000])
def test_k_different_indices_are_drawn_in_order(n):
    for k in {0, 1, n // 3, n // 2, n - 1, n}:
        for seed in range(20):
            got = drawn(laws.key(seed=seed), n, k)
            assert len(got) == k
            assert (np.diff(got, prepend=-1) > 0).all()
            assert k == 0 or got[-1] < n


@pytest.mark.parametrize("k", [2, 3])
def test_every_set_is_drawn_as_often(k):
    draws = 5000
    drew = [tuple(drawn(laws.key(seed=seed), 5, k).tolist()) for seed in range(draws)]
    slack = math.sqrt(math.log(2 * 10 / ALLOWED) / (2 * draws))  # Hoeffding, ten sets
    for places in itertools.combinations(range(5), k):
        assert abs(drew.count(places) / draws - 1 / 10) <= slack


def spread(n, k, scale):
    """Return E[(D_i - 1)(D_j - 1)] over all k-sets, D_j = scale if j is in the set, else 0."""
    sets = list(itertools.combinations(range(n), k))
    factor = np.full((len(sets), n), -1.0)
    for row, places in zip(factor, sets, strict=True):
        row[list(places)] = scale - 1
    return factor.T @ factor / len(sets)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (6, 1), (6, 2), (6, 5), (6, 6)])
def test_the_constants_of_randk_over_all_sets(n, k):
    codec, plain = make("randk", k=k), make("randk", k=k, unbiased=False)
    assert_allclose(np.diag(spread(n, k, n / k)), codec.omega(n), atol=1e-12)
    assert_allclose(np.diag(spread(n, k, 1)), 1 - plain.contraction(n), atol=1e-12)
    assert plain.omega(n) is None
    assert plain.cal_l(np.ones(n), 1.0) is None
    for trial in range(30):
        root = np.random.default_rng(trial).standard_normal((n, 1 + trial % n))
        matrix = root @ root.T
        top = np.linalg.eigvalsh(matrix)[-1]
        exact = np.linalg.eigvalsh(spread(n, k, n / k) * matrix)[-1]
        bound = codec.cal_l(np.diag(matrix), top)
        assert exact <= bound * (1 + 1e-12) + 1e-12
        assert bound <= codec.omega(n) * top


# ---- what is refused, by all ----


FLOAT64 = "(the largest is 1.79769e+308); use float64 or a smaller step size"
FLOAT32 = "(the largest is 3.40282e+38); use float64 or a smaller step size"


@pytest.mark.parametrize(
    ("codec", "x", "message"),
    [
        ("topk", [1.0, np.nan], "topk: a coordinate of size nan cannot be sent"),
        ("topk", [1.0, -1e39], f"topk float32: a coordinate of size 1e+39 does not fit {FLOAT32}"),
        (
            {"id": "rand-tau", "dtype": "float64"},
            [1.7e308] * 50,
            f"rand-tau float64: a coordinate of size inf does not fit {FLOAT64}",
        ),
        (
            {"id": "randk", "dtype": "float64"},
            [1.7e308] * 2,
            "randk: a coordinate of size 1.7e+308 overflows when it is scaled by n / k = 2; use a "
            "smaller step size",
        ),
    ],
)
def test_what_does_not_fit_is_refused(codec, x, message):
    with pytest.raises(RangeError) as caught:
        build(Codec, codec).encode(np.array(x), laws.key())
    assert str(caught.value) == message


CODECS = [make("topk"), make("randk"), make("randk", indices="sent"), make("rand-tau")]
CODECS += [make("topk", dtype="float64"), make("randk", dtype="float64")]
CODECS += [make("rand-tau").tuned(Tuning(1), 60, np.geomspace(1e-6, 1, 60))]
each = pytest.mark.parametrize(
    "codec", CODECS, ids=lambda c: "-".join(map(str, c.config().values()))
)


def survives(codec, payload, n=60):
    """Decode; return whether it was accepted, after checking that what came out is finite."""
    with contextlib.suppress(FrameError):
        assert np.isfinite(codec.decode(payload, n, laws.key())).all()
        return True
    return False


@each
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.lists(st.integers(0, 10**4), max_size=5), st.integers(0, 60))
def test_hostile_payloads_are_survived(codec, data, flips, cut):
    payload = bytearray(codec.encode(X, laws.key()))
    for flip in flips:
        payload[flip // 8 % len(payload)] ^= 1 << flip % 8
    for hostile in (data, bytes(payload), bytes(payload[:cut]) + data):
        survives(codec, hostile)


@each
def test_truncations_extensions_and_pad_bits_are_refused(codec):
    out = np.zeros(nbytes(codec.max_nbits(60)), np.uint8)
    bits = codec.encode_into(X, laws.key(), out)
    payload = out[: nbytes(bits)].tobytes()
    assert survives(codec, payload)
    assert not any(survives(codec, payload[:end]) for end in range(len(payload)))
    assert not survives(codec, payload + b"\0")
    for bit in range(bits % 8, 8 if bits % 8 else 0):
        assert not survives(codec, payload[:-1] + bytes([payload[-1] | 1 << bit]))
