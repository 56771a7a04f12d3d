"""CRC-32C, against known answers and an independent implementation."""

from __future__ import annotations

import google_crc32c
import numpy as np
import pytest

from netopt.core import reference

KNOWN = {
    b"": 0,
    b"123456789": 0xE3069283,
    bytes(32): 0x8A9136AA,
    b"\xff" * 32: 0x62A8AB43,
    bytes(range(32)): 0x46DD794E,
}


@pytest.mark.parametrize("data", KNOWN, ids=lambda data: data.hex()[:16] or "empty")
def test_known_answers(core, data):
    assert core.crc32c(data) == KNOWN[data]


def test_every_short_length_and_alignment(core):
    data = np.random.default_rng(0).bytes(300)
    for n in range(290):
        start = n % 9
        assert core.crc32c(memoryview(data)[start : start + n]) == google_crc32c.value(
            data[start : start + n]
        )


@pytest.mark.parametrize("excess", [-1, 0, 1, 12345])
def test_several_blocks(core, excess):
    data = np.random.default_rng(1).bytes(reference.BLOCK + excess)
    assert core.crc32c(data) == google_crc32c.value(data)


def test_parts_chain_to_the_whole(core):
    data = np.random.default_rng(2).bytes(64)
    for cut in range(65):
        assert core.crc32c(data[cut:], core.crc32c(data[:cut])) == google_crc32c.value(data)


def test_one_flipped_bit_is_seen(core):
    data = bytearray(np.random.default_rng(3).bytes(100))
    sums = {core.crc32c(data)}
    for bit in range(800):
        data[bit // 8] ^= 1 << bit % 8
        sums.add(core.crc32c(data))
        data[bit // 8] ^= 1 << bit % 8
    assert len(sums) == 801


def test_every_format_counts_as_bytes(core):
    values = np.linspace(0, 1, 12).reshape(3, 4)
    assert core.crc32c(values) == google_crc32c.value(values.tobytes())
    assert core.crc32c(values.astype(">f4")) == google_crc32c.value(values.astype(">f4").tobytes())


ERRORS = [
    (("text",), TypeError, "^data must be a buffer, got str$"),
    ((np.zeros(8)[::2],), ValueError, "^data must be C-contiguous$"),
    ((b"", -1), ValueError, "^value must be 0..4294967295, got -1$"),
    ((b"", 1 << 32), ValueError, "^value must be 0..4294967295, got 4294967296$"),
    ((b"", 10**30), ValueError, f"^value must be 0..4294967295, got {10**30}$"),
    ((b"", 1.5), TypeError, "^'float' object cannot be interpreted as an integer$"),
    ((), TypeError, r"^crc32c\(\) (takes|missing) .*"),
    ((b"", 0, 0), TypeError, r"^crc32c\(\) takes .*"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), ERRORS)
def test_errors(core, arguments, kind, message):
    with pytest.raises(kind, match=message):
        core.crc32c(*arguments)
