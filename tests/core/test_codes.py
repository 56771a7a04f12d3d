"""Elias and Rice codes: the textbooks' bits, what is refused, and nothing behind the last byte."""

from __future__ import annotations

import numpy as np
import pytest
from bitarray import bitarray
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt.core import codes, packing

SENTINEL = 0xA5
OMEGA, GAMMA = 0, 1
ELIAS = [OMEGA, GAMMA]
TOP, HIGHEST = 2**31 - 1, 2**30
every_elias = pytest.mark.parametrize("code", ELIAS)


def c_codes():
    return pytest.importorskip("netopt.core._bitpack", exc_type=ImportError)


@pytest.fixture(params=["c", "numpy"])
def core(request):
    return codes if request.param == "numpy" else c_codes()


# ---- the oracle: codes as the textbooks write them, complemented for omega ----


def omega_groups(v):
    """The groups of textbook omega but for the last zero: each is the next one's length, less 1."""
    return "" if v == 1 else omega_groups(len(bin(v)) - 3) + bin(v)[2:]


def text_of(v, code):
    if code == OMEGA:
        return (~bitarray(omega_groups(v) + "0")).to01()
    if code == GAMMA:
        return bin(v)[2:].zfill(2 * v.bit_length() - 1)
    q, low = divmod(v - 1, 2 ** (code - 2))
    return q * "0" + "1" + (bin(low)[2:].zfill(code - 2)[::-1] if code > 2 else "")


def stream_of(levels, code):
    """Return the bits of the triples, one code after the other."""
    text, before = "", -1
    for i in np.flatnonzero(levels):
        sign = "1" if levels[i] < 0 else "0"
        text += text_of(int(i) - before, code) + sign + text_of(abs(int(levels[i])), code)
        before = int(i)
    return text


def octets(text):
    return bitarray(text, endian="little").tobytes()  # padded with zeros


ELIAS_1975 = {1: "0", 2: "100", 3: "110", 4: "101000", 5: "101010", 7: "101110", 8: "1110000",
              15: "1111110", 16: "10100100000", 100: "1011011001000",
              1000: "11100111111010000"}  # fmt: skip
GAMMA_1975 = {1: "1", 2: "010", 3: "011", 4: "00100", 7: "00111", 10: "0001010"}


def test_the_oracle_writes_the_published_code_words():
    assert {v: (~bitarray(text_of(v, OMEGA))).to01() for v in ELIAS_1975} == ELIAS_1975
    assert {v: text_of(v, GAMMA) for v in GAMMA_1975} == GAMMA_1975
    assert [text_of(v, 4) for v in (1, 2, 4, 5, 11)] == ["100", "110", "111", "0100", "00101"]


# ---- lengths ----


def test_lengths_are_those_of_the_paper():
    lengths = [(range(1, 2), 1), (range(2, 4), 3), (range(4, 8), 6), (range(8, 16), 7)]
    for values, length in [*lengths, (range(16, 32), 11)]:
        assert (packing.elias_bits(values, OMEGA) == length).all()


@pytest.mark.parametrize("code", range(33))
def test_lengths_are_those_of_the_codes(code):
    values = [*range(1, 70), 255, 256, 257, 1023, 1024, 65535, 65536]
    values += [2**20, HIGHEST, TOP] if code in ELIAS or code > 20 else []
    assert packing.elias_bits(values, code).tolist() == [len(text_of(v, code)) for v in values]


# ---- levels ----


def vectors(n):
    """Yield vectors of n levels: the ordinary and the awkward."""
    rng = np.random.default_rng(n)
    yield np.zeros(n, np.int32)
    for density in (0.03, 0.3, 1.0):
        size = rng.choice([1, 3, 40, 300, 10**6, HIGHEST], n)
        levels = rng.integers(1, size, endpoint=True) * rng.choice([-1, 1], n)
        yield (levels * (rng.random(n) < density)).astype(np.int32)
    yield np.where(np.arange(n) == n - 1, -HIGHEST, 0).astype(np.int32)
    yield np.full(n, HIGHEST, np.int32)


@every_elias
def test_levels_are_written_as_the_textbooks_say_and_come_back(core, code):
    for n in [*range(20), *range(60, 70), 127, 128, 129, 300, 700, 5000]:
        for levels in vectors(n):
            text = stream_of(levels, code)
            size = (len(text) + 7) // 8
            out = np.full(size + 13, SENTINEL, np.uint8)
            assert core.levels_bits(levels, code) == len(text)
            assert core.levels_put(levels, code, out, 3) == len(text)
            assert out[3 : 3 + size].tobytes() == octets(text)
            assert (out[:3] == SENTINEL).all()
            assert (out[3 + size :] == SENTINEL).all()
            back = np.full(n + 1, 77, np.int32)
            assert core.levels_get(out[: 3 + size], 3, code, HIGHEST, back[:n]) == len(text)
            np.testing.assert_array_equal(back[:n], levels)
            assert back[n] == 77


@every_elias
def test_a_buffer_that_is_one_byte_too_small_is_not_overrun(core, code):
    for n in (1, 40, 5000):
        levels = np.arange(1, n + 1, dtype=np.int32)
        need = (core.levels_bits(levels, code) + 7) // 8
        out = np.full(need + 9, SENTINEL, np.uint8)
        with pytest.raises(ValueError, match=rf"^out needs {need} bytes after offset 1, got "):
            core.levels_put(levels, code, out[:need], 1)
        assert (out[need:] == SENTINEL).all()


# ---- numbers ----


@pytest.mark.parametrize("code", range(33))
def test_numbers_are_written_as_the_textbooks_say_and_come_back(core, code):
    largest = TOP if code in ELIAS else min(TOP, 2 ** (code + 5))
    for k in (0, 1, 2, 7, 40, 900 if code < 4 else 90):
        rng = np.random.default_rng(k)
        values = np.exp(rng.uniform(0, np.log(largest), k)).astype(np.uint32)
        values[: k // 9] = 1
        text = "".join(text_of(v, code) for v in values.tolist())
        size = (len(text) + 7) // 8
        out = np.full(size + 12, SENTINEL, np.uint8)
        assert core.numbers_put(values, code, out, 2) == len(text)
        assert out[2 : 2 + size].tobytes() == octets(text)
        assert (out[2 + size :] == SENTINEL).all()
        for end in (2 + size, 2 + size + 10):  # what follows is someone else's
            back = np.full(k + 1, 77, np.int32)
            assert core.numbers_get(out[:end], 2, code, back[:k]) == len(text)
            np.testing.assert_array_equal(back[:k], values)
            assert back[k] == 77


def test_a_long_run_of_zeros_passes_the_stage(core):
    values = np.array([1, 10**5, 2, 10**5 + 1], np.int32)
    out = np.full(25_100, SENTINEL, np.uint8)
    bits = core.numbers_put(values, 2, out)
    assert bits == 200_004
    assert (out[(bits + 7) // 8 :] == SENTINEL).all()
    back = np.zeros(4, np.int32)
    assert core.numbers_get(out, 0, 2, back) == bits
    np.testing.assert_array_equal(back, values)
    with pytest.raises(ValueError, match=r"^out needs 25001 bytes after offset 0, got 20000$"):
        core.numbers_put(values, 2, out[:20_000])


# ---- hostile bytes ----


def outcome(call, *arguments):
    try:
        return call(*arguments)
    except ValueError as error:
        return str(error)


def read_alike(payload, code, largest, n):
    """Read as both implementations do; what is accepted must be what is written for it."""
    ours, theirs = np.full(n, 77, np.int32), np.full(n, 78, np.int32)
    bits = outcome(codes.levels_get, payload, 0, code, largest, theirs)
    assert outcome(c_codes().levels_get, payload, 0, code, largest, ours) == bits
    if isinstance(bits, int):
        np.testing.assert_array_equal(ours, theirs)
        again = np.zeros(len(payload), np.uint8)
        assert codes.levels_put(ours, code, again) == bits
        assert again.tobytes() == payload
        assert np.abs(ours).max(initial=0) <= largest
    return bits


check = settings(max_examples=200, deadline=None, derandomize=True)
sparse_bytes = st.builds(lambda a, b: bytes(x & y for x, y in zip(a, b, strict=False)),
                         st.binary(max_size=60), st.binary(max_size=60))  # fmt: skip


@check
@given(
    payload=st.binary(max_size=40) | sparse_bytes,
    code=st.sampled_from(ELIAS),
    largest=st.sampled_from([1, 7, 300, HIGHEST]),
    n=st.integers(0, 300),
)
def test_random_bytes_are_read_alike(payload, code, largest, n):
    read_alike(payload, code, largest, n)


@check
@given(seed=st.integers(0, 10**6), code=st.sampled_from(ELIAS), n=st.integers(1, 90))
def test_damaged_payloads_are_read_alike(seed, code, n):
    rng = np.random.default_rng(seed)
    levels = (rng.geometric(0.3, n) * rng.choice([-1, 0, 0, 1], n)).astype(np.int32)
    payload = bytearray(octets(stream_of(levels, code)))
    assert isinstance(read_alike(bytes(payload), code, 100, n), int)
    assert read_alike(bytes([*payload, 0]), code, 100, n) == "the zero padding has 8 bits or more"
    read_alike(bytes(payload[:-1]), code, 100, n)
    read_alike(bytes([*payload, *rng.bytes(3)]), code, 100, n)
    if payload:
        payload[int(rng.integers(len(payload)))] ^= 1 << int(rng.integers(8))
        read_alike(bytes(payload), code, 100, n)


@every_elias
def test_payloads_of_two_bytes_are_read_alike(code):
    accepted = sum(
        isinstance(read_alike(bytes([i & 255, i >> 8]), code, HIGHEST, 9), int)
        for i in range(0, 1 << 16, 37)
    )
    assert 0 < accepted < (1 << 16) // 37


@check
@given(payload=st.binary(max_size=40) | sparse_bytes, code=st.integers(0, 32), k=st.integers(0, 30))
def test_random_bytes_are_read_as_numbers_alike(payload, code, k):
    ours, theirs = np.full(k, 77, np.int32), np.full(k, 78, np.int32)
    bits = outcome(codes.numbers_get, payload, 0, code, theirs)
    assert outcome(c_codes().numbers_get, payload, 0, code, ours) == bits
    if isinstance(bits, int):
        np.testing.assert_array_equal(ours, theirs)
        again = np.zeros((bits + 7) // 8, np.uint8)
        assert codes.numbers_put(ours, code, again) == bits
        assert again.tobytes() == payload[: len(again)]
