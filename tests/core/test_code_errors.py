"""What the core says of payloads and calls that are wrong, in C and in numpy alike."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bitarray import bitarray

from netopt.core import codes

OMEGA, GAMMA, HIGHEST = 0, 1, 2**30


@pytest.fixture(params=["c", "numpy"])
def core(request):
    if request.param == "numpy":
        return codes
    return pytest.importorskip("netopt.core._bitpack", exc_type=ImportError)


def u8(n):
    return np.zeros(n, np.uint8)


def i32(*values):
    return np.array(values, np.int32)


WORDS = [
    (GAMMA, "", 0),
    (OMEGA, 12 * "1", 12),
    (GAMMA, "1" + "0" + "00", "the stream ends within a code"),
    (OMEGA, "1" + "1" + "00" + "0000", "the stream ends within a code"),
    (GAMMA, "00101" + "0" + "1", "an index runs past the 4 coordinates"),
    (OMEGA, 15 * "1", "an index runs past the 4 coordinates"),
    (GAMMA, "1" + "0" + "00100", "a level is above 3"),
    (OMEGA, "1" + "1" + "010111", "a level is above 3"),
    (GAMMA, 31 * "0" + 40 * "1", "a number is above 2147483647"),
    (OMEGA, "00" + "0000" + 16 * "0" + "01", "a number is above 2147483647"),
    (GAMMA, 8 * "0", "the zero padding has 8 bits or more"),
    (OMEGA, 3 * "1" + 13 * "0", "the zero padding has 8 bits or more"),
]


@pytest.mark.parametrize(("code", "text", "said"), WORDS)
def test_what_is_wrong_with_a_payload_is_said(core, code, text, said):
    payload, out = bitarray(text, endian="little").tobytes(), i32(7, 7, 7, 7)
    if isinstance(said, int):
        assert core.levels_get(payload, 0, code, 3, out) == said
    else:
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            core.levels_get(payload, 0, code, 3, out)


BAD_CALLS = [
    ("levels_put", ([1], 0, u8(9)), TypeError, "levels must be a buffer, got list"),
    ("levels_put", (np.ones(2), 0, u8(9)), TypeError,
     "levels must hold native int32, got format 'd'"),
    ("levels_put", (i32(1), 2, u8(9)), ValueError, "code must be 0..1, got 2"),
    ("levels_put", (i32(1), 0, i32(1)), TypeError, "out must hold bytes, got items of 4 bytes"),
    ("levels_put", (i32(1), 0, bytes(9)), ValueError,
     "out must be writable, got a read-only buffer"),
    ("levels_put", (i32(1), 0, u8(9), 10), ValueError, "offset must be 0..9, got 10"),
    ("levels_put", (i32(1, 2, 3), 0, u8(1)), ValueError,
     "out needs 2 bytes after offset 0, got 1"),
    ("levels_put", (i32(0, HIGHEST + 1), 0, u8(99)), ValueError,
     "levels must be at most 1073741824 in size, got 1073741825 at index 1"),
    ("levels_bits", (i32(0, -(2**31)), 1), ValueError,
     "levels must be at most 1073741824 in size, got -2147483648 at index 1"),
    ("levels_get", (u8(9), 0, 0, HIGHEST + 1, i32(1)), ValueError,
     "largest must be 1..1073741824, got 1073741825"),
    ("levels_get", (u8(9), 0, 0, 1, bytes(4)), TypeError, None),
    ("levels_get", (u8(9), -1, 0, 1, i32(1)), ValueError, "offset must be 0..9, got -1"),
    ("numbers_put", (i32(1, 0), 0, u8(9)), ValueError,
     "values must be 1..2147483647, got 0 at index 1"),
    ("numbers_put", (i32(-1), 5, u8(9)), ValueError,
     "values must be 1..2147483647, got -1 at index 0"),
    ("numbers_put", (np.array([2**31], np.uint32), 1, u8(9)), ValueError,
     "values must be 1..2147483647, got 2147483648 at index 0"),
    ("numbers_put", (i32(1), 33, u8(9)), ValueError, "code must be 0..32, got 33"),
    ("numbers_get", (b"\x00", 0, 2, i32(1)), ValueError, "the stream ends within a code"),
    ("numbers_get", (b"\x03", 0, 1, i32(1)), ValueError,
     "the rest of the last byte must be zeros"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "kind", "message"), BAD_CALLS)
def test_a_wrong_call_says_what_is_wrong(core, name, arguments, kind, message):
    with pytest.raises(kind, match=message and f"^{re.escape(message)}$"):
        getattr(core, name)(*arguments)


def test_memory_may_not_be_shared(core):
    memory = np.ones(4, np.int32)
    for call, name in ((core.levels_put, "levels"), (core.numbers_put, "values")):
        with pytest.raises(ValueError, match=rf"^{name} and out must not overlap in memory$"):
            call(memory, 0, memory.view(np.uint8))
    with pytest.raises(ValueError, match=r"^payload and out must not overlap in memory$"):
        core.levels_get(memory.view(np.uint8), 0, 0, 1, memory)
