"""The bit layout, against oracles that share no code with it: all widths, carriers and lengths."""

from __future__ import annotations

import numpy as np
import pytest
from bitarray import bitarray
from bitarray.util import int2ba
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netopt.core import reference
from netopt.core.packing import packed_bytes

CARRIERS = {"uint8": 8, "uint16": 16, "uint32": 32}
SENTINEL = 0xA5
every_width = pytest.mark.parametrize("bits", range(1, 33))


def carriers_of(bits):
    return [name for name, width in CARRIERS.items() if bits <= width]


def draw(n, bits):
    """Return values below 2**bits, as uint32, with both extremes among them."""
    values = np.random.default_rng(bits).integers(0, 1 << bits, n).astype(np.uint32)
    values[n // 3], values[n // 2] = 0, (1 << bits) - 1
    return values


def prefix(stream, bit_count):
    """Return the first bits of a stream as bytes, the pad bits cleared."""
    number = int.from_bytes(stream, "little") & ((1 << bit_count) - 1)
    return number.to_bytes((bit_count + 7) // 8, "little")


def by_integers(values, bits):
    """The stream as one Python integer: value i is its digit i in base 2**bits."""
    number = sum(int(value) << i * bits for i, value in enumerate(values))
    return number.to_bytes((len(values) * bits + 7) // 8, "little")


def by_bitarray(values, bits):
    stream = bitarray(endian="little")
    for value in values:
        stream += int2ba(int(value), length=bits, endian="little")
    return stream.tobytes()


def pack(function, values, bits):
    """Pack into a buffer that is one sentinel too long; return the bytes before it."""
    need = packed_bytes(len(values), bits)
    out = np.full(need + 1, SENTINEL, np.uint8)
    assert function(values, bits, out[:need]) == need
    assert out[need] == SENTINEL
    return out[:need].tobytes()


def unpack(function, payload, bits, n, carrier):
    """Unpack into a buffer that is one sentinel too long; return the values before it."""
    out = np.full(n + 1, SENTINEL, carrier)
    assert function(payload, bits, out[:n]) == len(payload)
    assert out[n] == SENTINEL
    return out[:n]


def check_lengths(packer, unpacker, values, expected, bits, lengths):
    for carrier in carriers_of(bits):
        carried = values.astype(carrier)
        for n in lengths:
            payload = prefix(expected, n * bits)
            assert pack(packer, carried[:n], bits) == payload, (carrier, n)
            got = unpack(unpacker, payload, bits, n, carrier)
            np.testing.assert_array_equal(got, carried[:n])


@every_width
def test_short_lengths_match_bitarray_and_integers(core, bits):
    values = draw(130, bits)
    expected = by_bitarray(values, bits)
    assert expected == by_integers(values, bits)
    check_lengths(core.pack_into, core.unpack_into, values, expected, bits, range(131))


@every_width
@pytest.mark.parametrize("suffix", ["{}_into", "_{}_naive"])
def test_long_lengths_match_the_reference(c_core, bits, suffix):
    packer = getattr(c_core, suffix.format("pack"))
    unpacker = getattr(c_core, suffix.format("unpack"))
    values = draw(1030, bits)
    expected = pack(reference.pack_into, values, bits)
    check_lengths(packer, unpacker, values, expected, bits, range(1031))


@pytest.mark.parametrize("n", [reference.BLOCK - 1, reference.BLOCK, 2 * reference.BLOCK + 13])
@pytest.mark.parametrize("bits", [3, 8, 29])
def test_several_blocks_match_integers(core, n, bits):
    values = draw(n, bits)
    expected = b"".join(by_integers(values[start : start + 64], bits) for start in range(0, n, 64))
    assert pack(core.pack_into, values, bits) == expected
    np.testing.assert_array_equal(unpack(core.unpack_into, expected, bits, n, "uint32"), values)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 1001])
def test_one_bit_matches_packbits(core, n):
    values = np.random.default_rng(n).integers(0, 2, n).astype(np.uint8)
    assert pack(core.pack_into, values, 1) == np.packbits(values, bitorder="little").tobytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # a tier stays in use
@given(data=st.data(), bits=st.integers(1, 32), offset=st.integers(0, 9))
def test_round_trip_of_arbitrary_values(core, data, bits, offset):
    carrier = data.draw(st.sampled_from(carriers_of(bits)))
    drawn = data.draw(st.lists(st.integers(0, (1 << bits) - 1), max_size=300))
    values, got = np.array(drawn, carrier), np.zeros(len(drawn), carrier)
    payload = bytearray(offset + packed_bytes(len(drawn), bits))
    core.pack_into(values, bits, payload, offset)
    assert payload[offset:] == by_integers(drawn, bits)
    core.unpack_into(payload, bits, got, offset)
    np.testing.assert_array_equal(got, values)
