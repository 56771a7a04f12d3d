"""The packer's benchmark: its rivals compute what it computes, its rows say what they are."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.bench import pack
from netopt.core import packing, reference


@pytest.mark.parametrize("bits", [1, 7, 8, 19, 32])
def test_the_way_through_bits_is_the_same_layout(bits):
    values = np.random.default_rng(bits).integers(0, 1 << bits, 53).astype(np.uint32)
    payload = np.zeros(packing.packed_bytes(53, bits), np.uint8)
    reference.pack_into(values, bits, payload)
    np.testing.assert_array_equal(pack.pack_through_bits(values, bits), payload)
    np.testing.assert_array_equal(pack.unpack_through_bits(payload, bits, 53), values)


def test_rows_name_what_ran_and_skip_what_cannot(monkeypatch):
    monkeypatch.setattr(pack, "THROUGH_BITS_LIMIT", 50)
    rows = pack.rows(sizes=[40, 60], widths=[3], repeats=2)
    assert [(row["kernel"], row["n"]) for row in rows] == [
        ("pack", 40),
        ("unpack", 40),
        ("pack", 60),
        ("unpack", 60),
    ]
    for row in rows:
        assert (row["tier"], row["bits"]) == (packing.tier(), 3)
        assert row["gbps"] > 0
        assert row["memcpy"] > 0
        assert (row["naive"] is None) == (packing.naive is None)
        assert (row["through_bits"] is None) == (row["n"] > 50)


def test_the_table_has_a_line_a_row():
    row = dict.fromkeys(["kernel", "tier", "bits", "n", "gbps", "memcpy", "naive"], 1.0)
    assert pack.table([row | {"through_bits": None}] * 3).row_count == 3
