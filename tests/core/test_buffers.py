"""Which buffers the core accepts, which bytes it touches, and what it says of the others."""

from __future__ import annotations

import array
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

SENTINEL = 0xA5
READ_ONLY = "out must be writable, got a read-only buffer"
KIND = "must hold unsigned integers of 1, 2 or 4 bytes in native byte order, got format"


def u8(n):
    return np.zeros(n, np.uint8)


def u32(n):
    return np.zeros(n, np.uint32)


def frozen(n, dtype=np.uint8):
    out = np.zeros(n, dtype)
    out.flags.writeable = False
    return out


def shared(pack):
    """Return one array and a view of the same memory, in the order that the call takes."""
    values = u32(8)
    return (values, 4, values.view(np.uint8)) if pack else (values.view(np.uint8), 4, values)


PACK_ERRORS = [
    (([1, 2], 4, u8(9)), TypeError, "values must be a buffer, got list"),
    ((u32(2), 4, 7), TypeError, "out must be a buffer, got int"),
    ((np.zeros(2, np.float32), 4, u8(9)), TypeError, f"values {KIND} 'f'"),
    ((np.zeros(2, np.int16), 4, u8(9)), TypeError, f"values {KIND} 'h'"),
    ((np.zeros(2, bool), 1, u8(9)), TypeError, f"values {KIND} '?'"),
    ((np.zeros(2, ">u4" if np.little_endian else "<u4"), 4, u8(9)), TypeError, None),
    ((np.zeros(2, np.uint64), 4, u8(9)), TypeError, None),
    ((u32(2), 4, u32(9)), TypeError, "out must hold bytes, got items of 4 bytes"),
    ((u32(8)[::2], 4, u8(9)), ValueError, "values must be C-contiguous"),
    ((u32(8), 4, u8(9)[::2]), ValueError, "out must be C-contiguous"),
    ((u32(8), 4, bytes(9)), ValueError, READ_ONLY),
    ((u32(8), 4, frozen(9)), ValueError, READ_ONLY),
    ((u32(8), 0, u8(99)), ValueError, "bits must be 1..32 for items of 4 bytes, got 0"),
    ((u32(8), 33, u8(99)), ValueError, "bits must be 1..32 for items of 4 bytes, got 33"),
    ((u32(8), -(10**30), u8(99)), ValueError, None),
    ((bytes(8), 9, u8(99)), ValueError, "bits must be 1..8 for items of 1 bytes, got 9"),
    ((u32(8), 4.0, u8(9)), TypeError, "'float' object cannot be interpreted as an integer"),
    ((u32(8), 4, u8(9), -1), ValueError, "offset must be 0..9, got -1"),
    ((u32(8), 4, u8(9), 10), ValueError, "offset must be 0..9, got 10"),
    ((u32(8), 4, u8(9), 10**30), ValueError, f"offset must be 0..9, got {10**30}"),
    ((u32(8), 12, u8(11)), ValueError, "out needs 12 bytes after offset 0, got 11"),
    ((u32(8), 12, u8(12), 3), ValueError, "out needs 12 bytes after offset 3, got 9"),
    (
        (bytes([1, 15, 16, 17]), 4, u8(2)),
        ValueError,
        "values must be below 2**4, got 16 at index 2",
    ),
    (shared(True), ValueError, "values and out must not overlap in memory"),
]

UNPACK_ERRORS = [
    (([1, 2], 4, u8(9)), TypeError, "payload must be a buffer, got list"),
    ((u8(2), 4, None), TypeError, "out must be a buffer, got NoneType"),
    ((u8(9), 4, np.zeros(2)), TypeError, f"out {KIND} 'd'"),
    ((u32(2), 4, u32(2)), TypeError, "payload must hold bytes, got items of 4 bytes"),
    ((u8(9)[::2], 4, u32(2)), ValueError, "payload must be C-contiguous"),
    ((u8(9), 4, u32(8)[::2]), ValueError, "out must be C-contiguous"),
    ((u8(9), 4, bytes(2)), ValueError, READ_ONLY),
    ((u8(9), 4, frozen(2, np.uint32)), ValueError, READ_ONLY),
    ((u8(9), 17, np.zeros(1, "u2")), ValueError, "bits must be 1..16 for items of 2 bytes, got 17"),
    ((u8(9), 4, u32(2), -1), ValueError, "offset must be 0..9, got -1"),
    ((u8(11), 12, u32(8)), ValueError, "payload needs 12 bytes after offset 0, got 11"),
    ((u8(12), 12, u32(8), 1), ValueError, "payload needs 12 bytes after offset 1, got 11"),
    ((b"\xff\xa0", 4, u32(3)), ValueError, "the 4 pad bits after 3 values must be zero, got 10"),
    ((b"\x80", 1, u8(7)), ValueError, "the 1 pad bits after 7 values must be zero, got 1"),
    (shared(False), ValueError, "payload and out must not overlap in memory"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), PACK_ERRORS)
def test_pack_says_what_is_wrong(core, arguments, kind, message):
    with pytest.raises(kind, match=message and f"^{re.escape(message)}$"):
        core.pack_into(*arguments)


@pytest.mark.parametrize(("arguments", "kind", "message"), UNPACK_ERRORS)
def test_unpack_says_what_is_wrong(core, arguments, kind, message):
    with pytest.raises(kind, match=message and f"^{re.escape(message)}$"):
        core.unpack_into(*arguments)


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("name", ["pack_into", "unpack_into"])
def test_argument_counts_are_checked(core, name, count):
    with pytest.raises(TypeError, match=rf"^{name}\(\) (takes|missing) .*"):
        getattr(core, name)(*[u8(4), 4, u8(4), 0, 0][:count])


@pytest.mark.parametrize("bad_index", [0, 8, 63, 64, 99, 100])
@pytest.mark.parametrize(
    ("carrier", "bits"),
    [("uint8", b) for b in (1, 4, 5, 7)]
    + [("uint16", b) for b in (1, 4, 8, 13, 15)]
    + [("uint32", b) for b in (1, 4, 5, 8, 9, 16, 21, 31)],
)
def test_a_value_too_large_is_found_anywhere_and_overruns_nothing(core, carrier, bits, bad_index):
    values = np.zeros(101, carrier)
    values[bad_index] = 1 << bits
    need = (101 * bits + 7) // 8
    out = np.full(need + 40, SENTINEL, np.uint8)
    message = rf"^values must be below 2\*\*{bits}, got {1 << bits} at index {bad_index}$"
    with pytest.raises(ValueError, match=message):
        core.pack_into(values, bits, out, 20)
    assert (out[:20] == SENTINEL).all()
    assert (out[20 + need :] == SENTINEL).all()


@pytest.mark.parametrize("shift", range(1, 8))
@pytest.mark.parametrize("bits", [1, 5, 8, 11, 16])
@pytest.mark.parametrize("carrier", ["uint16", "uint32"])
def test_unaligned_buffers_and_offsets(core, carrier, bits, shift):
    values = np.random.default_rng(shift).integers(0, 1 << bits, 77).astype(carrier)
    memory = bytearray(shift + values.nbytes)
    unaligned = np.frombuffer(memory, carrier, offset=shift)
    unaligned[:] = values
    payload = np.full((77 * bits + 7) // 8 + 2 * shift, SENTINEL, np.uint8)
    written = core.pack_into(unaligned, bits, payload, shift)
    assert written == len(payload) - 2 * shift
    assert (payload[:shift] == SENTINEL).all()
    assert (payload[-shift:] == SENTINEL).all()
    unaligned[:] = 0
    assert core.unpack_into(payload, bits, unaligned, shift) == written
    np.testing.assert_array_equal(unaligned, values)


def test_a_rejected_payload_leaves_out_untouched(core):
    out = np.full(3, 7, np.uint16)
    with pytest.raises(ValueError, match="pad bits"):
        core.unpack_into(b"\x00\x10", 4, out)
    assert out.tolist() == [7, 7, 7]


@pytest.mark.parametrize("n", [0, 3])
def test_any_buffer_will_do(core, n):
    values = array.array("I", range(n))
    out = bytearray(n * 2)
    assert core.pack_into(memoryview(values), 16, memoryview(out).cast("c")) == 2 * n
    assert bytes(out) == np.arange(n, dtype="<u2").tobytes()
    assert core.unpack_into(bytes(out), 16, values, 0) == 2 * n
    assert values.tolist() == list(range(n))


def test_arrays_of_any_shape_count_in_c_order(core):
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    out = np.zeros((5, 3), np.uint8)
    assert core.pack_into(values, 5, out) == 15
    got = np.zeros((4, 6), np.uint8)
    core.unpack_into(out, np.int64(5), got)
    np.testing.assert_array_equal(got.reshape(-1), values.reshape(-1))


def test_disjoint_parts_of_one_arena(core):
    arena = np.zeros(40, np.uint8)
    arena[:32].view(np.uint32)[:] = range(8)
    assert core.pack_into(arena[:32].view(np.uint32), 8, arena, 32) == 8
    assert arena[32:].tolist() == list(range(8))


def test_threads_do_not_disturb_one_another(core):
    values = np.random.default_rng(0).integers(0, 1 << 11, (8, 50_000)).astype(np.uint32)
    payloads = np.zeros((8, 50_000 * 11 // 8), np.uint8)
    back = np.zeros_like(values)

    def there_and_back(i):
        core.pack_into(values[i], 11, payloads[i])
        core.unpack_into(payloads[i], 11, back[i])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(there_and_back, range(8)))
    np.testing.assert_array_equal(back, values)
