"""Index sets on the wire: each coding against the textbook, and the shortest of them is sent."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netopt.codecs import _indices, nbytes
from netopt.codecs._indices import BITMAP, COMBINATORIAL, GAPS, LAST
from netopt.errors import FrameError

OMEGA, GAMMA, RICE = GAPS, GAPS + 1, GAPS + 2


def omega(v):
    """Elias omega as in the textbook: groups in front of a final zero."""
    word = "0"
    while v > 1:
        word = f"{v:b}" + word
        v = v.bit_length() - 1
    return word


def gamma(v):
    return "0" * (v.bit_length() - 1) + f"{v:b}"


def rice(v, r):
    low = f"{(v - 1) % 2**r:0{r}b}" if r else ""
    return "0" * ((v - 1) >> r) + "1" + low[::-1]


def gaps_of(places):
    return [b - a for a, b in itertools.pairwise([-1, *places])]


def texts(places, n):
    """Return every coding of a set by its byte, as text, the first bit first."""
    gaps = gaps_of(places)
    found = {BITMAP: "".join("01"[j in set(places)] for j in range(n))}
    if n <= 1024 and min(len(places), n - len(places)) * n.bit_length() <= 512:
        few = places if 2 * len(places) <= n else sorted(set(range(n)) - set(places))
        number = sum(math.comb(c, i) for i, c in enumerate(few, 1))
        size = math.ceil(math.log2(math.comb(n, len(places)))) if n < 40 else None
        size = (math.comb(n, len(places)) - 1).bit_length() if size is None else size
        found[COMBINATORIAL] = f"{number:0{size}b}"[::-1] if size else ""
    found[OMEGA] = "".join(omega(g) for g in gaps).translate(str.maketrans("01", "10"))
    found[GAMMA] = "".join(map(gamma, gaps))
    for r in range(31):
        found[RICE + r] = "".join(rice(g, r) for g in gaps)
    return found


def packed(text):
    return np.packbits([int(c) for c in text], bitorder="little").tobytes() if text else b""


def check_put(places, n):
    """Write a set into a marked buffer; compare with the shortest text; return the payload."""
    indices = np.array(places, np.intp)
    found = texts(places, n)
    form = min(found, key=lambda f: (len(found[f]), f))
    out = np.full(nbytes(8 + len(found[form])) + 5, 0xA5, np.uint8)
    bits = _indices.put(indices, n, out, 2)
    assert bits == _indices.least_bits(indices, n) == 8 + len(found[form])
    assert bits <= _indices.most_bits(n)
    stop = 2 + nbytes(bits)
    assert out[2:stop].tobytes() == bytes([form]) + packed(found[form])
    assert set(out[:2]) | set(out[stop:]) == {0xA5}
    return out[:stop]


def check(places, n):
    payload = check_put(places, n)
    got, bits = _indices.get(payload, 2, n, len(places))
    assert got.dtype == np.intp
    assert got.tolist() == list(places)
    assert bits == _indices.least_bits(got, n)


@pytest.mark.parametrize("n", range(10))
def test_every_set_of_few_places_takes_its_shortest_coding(n):
    for k in range(n + 1):
        for places in itertools.combinations(range(n), k):
            check(places, n)


@pytest.mark.parametrize("n", [33, 60, 123])
def test_sets_of_every_size_take_their_shortest_coding(n):
    rng = np.random.default_rng(n)
    for k in range(0, n + 1, 1 if n < 100 else 7):
        check(tuple(sorted(rng.permutation(n)[:k].tolist())), n)
        check(tuple(range(k)), n)
        check(tuple(range(n - k, n)), n)


@pytest.mark.parametrize(
    ("n", "k"), [(500, 499), (1000, 51), (1000, 52), (1024, 3), (1025, 3), (2000, 1900), (10**5, 9)]
)
def test_sets_of_many_places_take_their_shortest_coding(n, k):
    rng = np.random.default_rng(k)
    places = tuple(sorted(rng.permutation(n)[:k].tolist()))
    payload = check_put(places, n)
    assert tuple(_indices.get(payload, 2, n, k)[0].tolist()) == places


def test_each_coding_is_the_shortest_of_some_set():
    some = {
        BITMAP: (600, [j for j in range(600) if j % 2 or j % 9 == 0]),
        COMBINATORIAL: (60, [3, 11, 30, 31, 52]),
        OMEGA: (1000, [0, 1, 2, 3, 4, 900]),
        GAMMA: (10**5, [*range(10), 14, 19, 39, 99]),
        RICE + 3: (9600, list(range(0, 9600, 16))),
    }
    for form, (n, places) in some.items():
        assert _indices.choose(np.array(places), n)[0] == form, form
        check(tuple(places), n)


def test_every_coding_can_be_read_whichever_is_the_shortest():
    for n, places in [
        (1, (0,)),
        (7, (1, 2, 6)),
        (40, (0, 3, 4, 17, 39)),
        (40, tuple(range(1, 40))),
    ]:
        for form, text in texts(places, n).items():
            payload = np.frombuffer(bytes([form]) + packed(text), np.uint8)
            got, bits = _indices.get(payload, 0, n, len(places))
            assert got.tolist() == list(places)
            assert bits == 8 + len(text)


def test_numbers_are_those_of_the_sets_in_colexicographic_order():
    for n, k in [(1, 1), (6, 3), (7, 2), (9, 4)]:
        by_last = sorted(itertools.combinations(range(n), k), key=lambda s: s[::-1])
        for number, places in enumerate(by_last):
            assert _indices.rank(list(places), n) == number
            assert _indices.unrank(number, n, k) == list(places)
    for k in (31, 59, 60):  # more than half: the complement's
        places = sorted(np.random.default_rng(k).permutation(60)[:k].tolist())
        assert _indices.unrank(_indices.rank(places, 60), 60, k) == places
        assert _indices.rank(places, 60) < math.comb(60, k)


def message_of(payload, n, k):
    with pytest.raises(FrameError) as caught:
        _indices.get(np.frombuffer(bytes(payload), np.uint8), 0, n, k)
    return str(caught.value)


@pytest.mark.parametrize(
    ("payload", "n", "k", "message"),
    [
        ([], 4, 2, "the payload ends before its index set"),
        ([LAST + 1], 4, 2, "no coding of 2 of 4 indices has the number 35"),
        ([255], 4, 2, "no coding of 2 of 4 indices has the number 255"),
        ([COMBINATORIAL], 1025, 3, "no coding of 3 of 1025 indices has the number 1"),
        ([BITMAP], 4, 2, "the payload ends within a bitmap of 4 bits"),
        ([BITMAP, 0b111], 4, 2, "a bitmap holds 3 indices where there should be 2"),
        ([COMBINATORIAL], 4, 2, "the payload ends within a set's number of 3 bits"),
        ([COMBINATORIAL, 6], 4, 2, "there is no set 6 of 2 of 4 indices"),
        ([RICE, 0b10001], 4, 2, "an index runs past the 4 coordinates"),
        ([RICE, 0b1], 4, 2, "an index set: the stream ends within a code"),
    ],
)
def test_what_is_no_set_is_refused(payload, n, k, message):
    assert message_of(payload, n, k) == message


@settings(max_examples=300, deadline=None, derandomize=True)
@example(form=OMEGA, body=b"\0" * 40, n=9, share=0.3)
@example(form=RICE + 30, body=b"\xff" * 40, n=9, share=1.0)
@given(
    form=st.integers(0, LAST + 2),
    body=st.binary(max_size=60),
    n=st.sampled_from([0, 1, 7, 40, 3000]),
    share=st.floats(0, 1),
)
def test_random_bytes_are_a_set_or_refused(form, body, n, share):
    k = round(share * n)
    payload = np.frombuffer(bytes([form]) + body, np.uint8)
    try:
        got, bits = _indices.get(payload, 0, n, k)
    except FrameError:
        return
    assert len(got) == k
    assert sorted(set(got.tolist())) == got.tolist()
    assert all(0 <= j < n for j in got.tolist())
    assert 8 <= bits <= 8 * len(payload)
