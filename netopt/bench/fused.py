"""Measures whole codecs: quantize and pack, unpack and add, norms, checksum, and a call's cost."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netopt.bench import rivals
from netopt.bench.timing import Seconds, aligned, medians, python
from netopt.codecs import Codec, nbytes
from netopt.core import packing
from netopt.keys import Key, Purpose
from netopt.registry import build

Row = dict[str, Any]
KEY = Key(1, Purpose.ROUNDING, 2, 3, 4)
WIDTHS = (2, 4, 8)
CODECS: tuple[dict[str, Any], ...] = (
    {"id": "qsgd", "levels": 7}, {"id": "qsgd", "levels": 7, "norm": "linf", "block": 1024},
    {"id": "switching", "levels": 7}, {"id": "ternary"}, {"id": "sign"},
    {"id": "min-max", "bits": 8}, {"id": "min-max", "bits": 4, "rounding": "fast"},
    {"id": "uniform", "bits": 4}, {"id": "qsgd", "levels": 1000},
)  # fmt: skip


def rows(n: int = 1_000_000, sizes: tuple[int, ...] = (100_000, 10_000_000)) -> list[Row]:
    """Measure on vectors of ``n`` coordinates, adding also at ``sizes``; return one dict a row.

    Keys as in :func:`netopt.bench.pack.rows`; ``carrier`` is the coordinates' type, memcpy touches
    the same bytes. The scale is given: norms have rows of their own.
    """
    found = []
    for dtype in (np.float32, np.float64):
        x = aligned(n, dtype)
        x[:] = np.random.default_rng(0).uniform(-1, 1, n)
        for bits in WIDTHS:
            found += _encoders(x, bits)
        found += [row for size in (*sizes, n) for row in _decoder(size, dtype)]
        found += _norms(x)
    return found


def _grid(bits: int, stream: str) -> packing.Grid:
    levels = float(2 ** (bits - 1) - 1)
    return packing.Grid("fixed", bits, levels, "linf", 1.0, 0, stream)


def _encoders(x: NDArray[Any], bits: int) -> list[Row]:
    n, levels = len(x), 2 ** (bits - 1) - 1
    payload = aligned(packing.packed_bytes(n, bits))
    timers: dict[str, Seconds] = {"memcpy": _copy(x.nbytes + payload.nbytes)}
    streams = ("fast", "philox", "nearest")
    for stream in streams:
        call = partial(_grid(bits, stream).encode, x, payload, float(levels), 2 * levels, KEY)
        timers[stream] = python(call)
    timers["numpy_naive"] = python(rivals.naive_quantizer(x, levels, bits))
    if x.dtype == np.float32:
        timers["numpy_tuned"] = python(rivals.tuned_quantizer(x, levels, bits))
        torch = rivals.torch_quantizer(x, levels, bits)
        timers |= {} if torch is None else {"torch": python(torch)}
    seconds = medians(timers, 1, 9)
    others = {f"{k}_seconds": seconds.get(k) for k in ("numpy_naive", "numpy_tuned", "torch")}
    return [_row(f"quantize {s}", x, bits, seconds[s], seconds) | others for s in streams]


def _decoder(n: int, dtype: Any) -> list[Row]:
    bits, levels = 4, 7
    x, y = aligned(n, dtype), aligned(n, dtype)
    x[:] = np.random.default_rng(1).uniform(-1, 1, n)
    payload, grid = aligned(packing.packed_bytes(n, bits)), _grid(bits, "fast")
    grid.encode(x, payload, float(levels), 2 * levels, KEY)
    add = partial(grid.decode, payload, y, float(levels), 2 * levels, 0.25, True)
    timers = {"memcpy": _copy(2 * y.nbytes + payload.nbytes), "add": python(add)}
    timers["numpy_tuned"] = python(rivals.tuned_decoder(payload, y, levels, bits, 0.25))
    seconds = medians(timers, max(1, 200_000 // n), 9)
    others = {"numpy_tuned_seconds": seconds["numpy_tuned"]}
    return [_row("decode and add", y, bits, seconds["add"], seconds) | others]


def _norms(x: NDArray[Any]) -> list[Row]:
    timers = {"memcpy": _copy(x.nbytes)}
    timers |= {kind: python(partial(packing.norm, x, kind)) for kind in ("l1", "l2", "linf")}
    seconds = medians(timers, 1, 9)
    return [_row(f"norm {kind}", x, 0, seconds[kind], seconds) for kind in ("l1", "l2", "linf")]


def _copy(touched: int) -> Seconds:
    half = touched // 2
    if packing.timed is not None:
        return partial(packing.timed, "memcpy", aligned(half), 1, aligned(half))
    return python(partial(np.copyto, aligned(half), aligned(half)))


def _row(kernel: str, x: NDArray[Any], bits: int, ours: float, seconds: dict[str, float]) -> Row:
    copy = seconds["memcpy"]
    row = {"kernel": kernel, "tier": packing.tier(), "carrier": str(x.dtype), "bits": bits}
    row |= {"n": len(x), "seconds": ours, "memcpy_seconds": copy, "ratio": copy / ours}
    return row


def break_even(n: int = 1_000_000) -> list[Row]:
    """Return, for each codec, the link speed below which it pays against its input's own bits.

    ``gbit_s`` is (bits saved) / (encode_seconds + decode_seconds) / 1e9 on one core, float32 in,
    ``add`` on the receiving side, norms included; ``crc_share`` is the checksum's part of encode.
    """
    x, y = aligned(n, np.float32), aligned(n, np.float32)
    x[:] = np.random.default_rng(0).uniform(-1, 1, n)
    return [_break_even(build(Codec, spec), x, y) for spec in CODECS]


def _break_even(codec: Codec, x: NDArray[Any], y: NDArray[Any]) -> Row:
    bits = codec.max_nbits(len(x))
    payload = aligned(nbytes(bits))
    timers = {
        "encode": python(partial(codec.encode_into, x, KEY, payload)),
        "decode": python(partial(codec.accumulate, payload, KEY, 0.25, y)),
        "crc": python(partial(packing.crc32c, payload)),
    }
    seconds = medians(timers, 1, 9)
    saved = 8 * x.nbytes - bits
    options = {k: v for k, v in codec.config().items() if k in ("levels", "bits", "norm", "block")}
    return {
        "codec": " ".join([codec.id, *(f"{k}={v}" for k, v in options.items())]),
        "bits_per_coordinate": bits / len(x),
        "encode_seconds": seconds["encode"],
        "decode_seconds": seconds["decode"],
        "crc_share": seconds["crc"] / seconds["encode"],
        "gbit_s": saved / (seconds["encode"] + seconds["decode"]) / 1e9,
    }


def calls() -> list[Row]:
    """Return what a call costs from Python: ``seconds`` of packing 8 and 256 values, and rivals."""
    timers: dict[str, Seconds] = {}
    if packing.nothing is not None and packing.buffers is not None:
        timers["an empty call"] = python(packing.nothing)
        some = aligned(8)
        timers["two buffers taken"] = python(partial(packing.buffers, some, aligned(8)))
    for n in (8, 256):
        values, out = aligned(n, np.uint32), aligned(n)
        bits = np.zeros(n, np.uint8)
        timers[f"pack_into n={n}"] = python(partial(packing.pack_into, values, 4, out, 0))
        timers[f"unpack_into n={n}"] = python(partial(packing.unpack_into, out, 4, values, 0))
        timers[f"np.packbits n={n}"] = python(partial(np.packbits, bits))
    seconds = medians(timers, 20_000, 9)
    return [{"call": name, "seconds": value} for name, value in seconds.items()]
