"""The packer's benchmark: rivals compute what netopt computes, rows say what they are."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from netopt.bench import fused, output, pack, rivals, tables, targets, timing
from netopt.core import packing, reference
from netopt.errors import ConfigError


@pytest.mark.parametrize("bits", [1, 7, 8, 19, 32])
def test_rival_packers_have_the_same_layout(bits):
    values = np.random.default_rng(bits).integers(0, 1 << bits, 53).astype(np.uint32)
    payload = np.zeros(packing.packed_bytes(53, bits), np.uint8)
    reference.pack_into(values, bits, payload)
    np.testing.assert_array_equal(rivals.pack_through_bits(values, bits), payload)
    np.testing.assert_array_equal(rivals.unpack_through_bits(payload, bits, 53), values)
    through_bitarray = rivals.bitarray_pack(values, bits)
    assert through_bitarray is None or through_bitarray() == payload.tobytes()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rival_quantizers_send_one_of_the_two_neighbours_and_are_decoded_alike(bits):
    n, levels = 4096, 2 ** (bits - 1) - 1
    x = np.random.default_rng(0).uniform(-1, 1, n).astype(np.float32)
    for make in (rivals.naive_quantizer, rivals.tuned_quantizer, rivals.torch_quantizer):
        call = make(x, levels, bits)
        if call is None:
            continue
        payload = np.asarray(call())
        symbols = np.zeros(n, np.uint8)
        packing.unpack_into(payload, bits, symbols)
        place = symbols.astype(float) - levels
        assert (np.abs(place - x.astype(float) * levels) < 1 + 1e-5).all()
        ours, theirs = np.ones(n, np.float32), np.ones(n, np.float32)
        grid = packing.Grid("fixed", bits, float(levels), "linf", 1.0, 0, "nearest")
        grid.decode(payload, ours, float(levels), 2 * levels, 0.25, True)
        rivals.tuned_decoder(payload, theirs, levels, bits, 0.25)()
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_rows_name_what_ran_and_skip_what_cannot(monkeypatch):
    monkeypatch.setattr(pack, "SLOW_LIMIT", 50)
    monkeypatch.setattr(pack, "LOOP", 100)
    rows = pack.rows(sizes=[40, 60], widths=[3, 13], repeats=2)
    kinds = {(row["kernel"], row["carrier"], row["bits"], row["n"]) for row in rows}
    wanted = {(k, "uint32", b, n) for k in ("pack", "unpack") for b in (3, 13) for n in (40, 60)}
    narrow = {("uint8", 3), ("uint16", 3), ("uint16", 13)}
    assert kinds == wanted | {(k, c, b, 60) for k in ("pack", "unpack") for c, b in narrow}
    for row in rows:
        assert list(row)[:8] == [
            "kernel", "tier", "carrier", "bits", "n", "seconds", "memcpy_seconds", "ratio",
        ]  # fmt: skip
        assert row["tier"] == packing.tier()
        assert row["ratio"] == row["memcpy_seconds"] / row["seconds"] > 0
        assert (row["naive_seconds"] is None) == (packing.naive is None)
        slow = row["n"] > 50 or row["carrier"] != "uint32"
        assert (row["numpy_seconds"] is None) == slow


def test_medians_take_turns_and_leave_out_the_first_call_of_each():
    order: list[str] = []

    def rival(name: str, seconds: list[float]) -> Callable[[int], float]:
        def timer(calls: int) -> float:
            order.append(f"{name}{calls}")
            return 99.0 if calls == 1 else seconds.pop()

        return timer

    timers = {"a": rival("a", [1.0, 5.0, 2.0]), "b": rival("b", [3.0, 3.0, 9.0])}
    assert timing.medians(timers, 4, 3) == {"a": 2.0, "b": 3.0}
    assert order == ["a1", "a4", "b1", "b4"] * 3


@pytest.mark.parametrize("n", [1, 100])
def test_arrays_begin_on_a_cache_line(n):
    for dtype in (np.uint8, np.float64):
        assert timing.aligned(n, dtype).ctypes.data % 64 == 0
        assert timing.aligned(n, dtype).shape == (n,)


@pytest.fixture(scope="module")
def vectors():
    return fused.rows(2000, (1000,)), fused.break_even(2000), fused.calls()


def test_fused_rows_cover_streams_types_and_norms(vectors):
    rows, links, calls = vectors
    kernels = {(row["kernel"], row["carrier"]) for row in rows}
    names = [f"quantize {s}" for s in ("fast", "philox", "nearest")] + ["decode and add"]
    names += [f"norm {kind}" for kind in ("l1", "l2", "linf")]
    assert kernels == {(name, kind) for name in names for kind in ("float32", "float64")}
    assert all(row["seconds"] > 0 and row["ratio"] > 0 for row in rows)
    assert len(links) == len(fused.CODECS)
    assert all(row["gbit_s"] > 0 for row in links)
    assert {"pack_into n=8", "np.packbits n=256"} <= {row["call"] for row in calls}


def test_a_target_is_held_by_its_worst_row_only():
    row = {"kernel": "pack", "carrier": "uint32", "n": 10**5, "tier": "avx2"}
    rows = [row | {"bits": b, "ratio": r, "seconds": 1.0} for b, r in ((1, 0.9), (4, 0.74))]
    (judged,) = targets.judge(rows, "avx2")
    assert judged["item"] == "pack uint32, 1..8 bits, n = 1e5"
    assert (judged["worst"], judged["at"], judged["held"]) == (0.74, "pack 4 bits", False)
    (judged,) = targets.judge(rows[:1], "avx2")
    assert (judged["worst"], judged["wanted"], judged["held"]) == (0.9, 0.75, True)
    assert targets.judge(rows, "numpy") == []


def test_every_target_meets_a_row_of_a_full_run():
    """A target whose rows are called otherwise would never be looked at."""
    sizes = [(k, b, n) for k in ("pack", "unpack") for b in pack.WIDTHS for n in pack.SIZES]
    rows = [
        {"kernel": k, "carrier": "uint32", "bits": b, "n": n, "ratio": 1.0, "seconds": 1.0,
         "naive_seconds": 1.0} for k, b, n in sizes
    ]  # fmt: skip
    for kernel, n in (("quantize fast", 10**6), ("quantize philox", 10**6),
                      ("decode and add", 10**5), ("decode and add", 10**7)):  # fmt: skip
        others = {"numpy_naive_seconds": 1.0, "numpy_tuned_seconds": 1.0}
        size = {"kernel": kernel, "carrier": "float32", "bits": 4, "n": n}
        rows.append(size | {"ratio": 1.0, "seconds": 1.0} | others)
    rows += [{"codec": name, "gbit_s": 1.0} for name in _names()]
    seen = {row["item"] for tier in ("portable", "avx2") for row in targets.judge(rows, tier)}
    assert seen == {target.item for target in targets.TARGETS}


def _names():
    return [row["codec"] for row in fused.break_even(64)]


def test_each_table_has_a_line_a_row(vectors):
    rows, links, calls = vectors
    packed = pack.rows(sizes=[40], widths=[3], repeats=2)
    assert tables.packing(packed).row_count == len(packed)
    assert tables.fused(rows).row_count == len(rows)
    assert tables.break_even(links).row_count == len(links)
    assert tables.calls(calls).row_count == len(calls)
    judged = targets.judge_calls(calls)
    assert tables.targets(judged).row_count == len(judged)


def test_rows_are_written_whole_and_a_bad_place_is_found_first(tmp_path):
    file = tmp_path / "rows.json"
    output.write(str(file), [{"kernel": "pack", "n": 3}])
    assert json.loads(file.read_text()) == [{"kernel": "pack", "n": 3}]
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]
    for bad in (tmp_path / "none" / "rows.json", tmp_path):
        with pytest.raises(ConfigError, match=r"^cannot write .*; name a file in a folder that"):
            output.check_writable(str(bad))
