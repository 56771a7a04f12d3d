"""Measures the bit packer beside memcpy, a naive C loop, numpy and what else is installed.

``netopt bench pack`` prints it. All contenders of one row take turns on the same buffers; memcpy
copies half the bytes that packing reads and writes, and so touches as many.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netopt.bench import rivals
from netopt.bench.timing import Seconds, aligned, medians, python
from netopt.core import packing

Row = dict[str, Any]
SIZES = (1_000, 100_000, 10_000_000)
WIDTHS = tuple(range(1, 33))
LARGE_WIDTHS = (1, 2, 4, 8, 12, 16, 24, 32)
"""Widths at the largest size, where all are as fast as memory."""
QUICK_SIZES, QUICK_WIDTHS = (1_000, 100_000), (1, 3, 4, 8, 13, 27)
SLOW_LIMIT = 100_000
"""Above this many values the ways through one byte a bit are left out."""
LOOP = 200_000
"""Values packed between two looks at the clock."""


def rows(
    sizes: Sequence[int] = SIZES, widths: Sequence[int] = WIDTHS, repeats: int = 11
) -> list[Row]:
    """Measure packing and unpacking; return one dict a row.

    ``kernel`` is pack or unpack, ``tier`` what runs it, ``carrier`` the plain type, ``bits`` and
    ``n`` the size; ``seconds`` and ``memcpy_seconds`` are those of one call, ``ratio`` is
    memcpy_seconds / seconds (above 1: faster than memcpy). ``NAME_seconds`` are rivals' seconds, or
    None where one did not run. uint32 carries all widths, uint8 and uint16 those that fit, at the
    middle size.
    """
    found = []
    for n in sizes:
        for bits in widths if n < 10**6 else [b for b in widths if b in LARGE_WIDTHS]:
            found += _measure(n, bits, "uint32", repeats)
            for carrier in ("uint8", "uint16"):
                if n == sizes[len(sizes) // 2] and bits <= 8 * np.dtype(carrier).itemsize:
                    found += _measure(n, bits, carrier, repeats)
    return found


def _measure(n: int, bits: int, carrier: str, repeats: int) -> list[Row]:
    values = aligned(n, carrier)
    values[:] = np.random.default_rng(bits).integers(0, 1 << bits, n)
    payload = aligned(packing.packed_bytes(n, bits))
    packing.pack_into(values, bits, payload)
    touched = (values.nbytes + payload.nbytes) // 2
    copy = _timer("memcpy", aligned(touched), 1, aligned(touched))
    found = []
    for kernel, timers in (
        ("pack", _packers(values, bits, payload)),
        ("unpack", _unpackers(values, bits, payload)),
    ):
        seconds = medians({"memcpy": copy, **timers}, max(1, LOOP // n), repeats)
        found.append(_row(kernel, carrier, bits, n, seconds))
    return found


def _timer(name: str, source: NDArray[Any], bits: int, target: NDArray[Any]) -> Seconds:
    """Return a timer of a C loop, or of numpy's copy where there is no extension."""
    if packing.timed is not None:
        return partial(packing.timed, name, source, bits, target)
    if name == "memcpy":
        return python(partial(np.copyto, target, source))
    chosen = packing.pack_into if name == "pack" else packing.unpack_into
    return python(partial(chosen, source, bits, target))


def _packers(values: NDArray[Any], bits: int, payload: NDArray[np.uint8]) -> dict[str, Seconds]:
    target = aligned(len(payload))
    found = {"netopt": _timer("pack", values, bits, target)}
    if packing.timed is not None:
        found["naive"] = _timer("pack_naive", values, bits, target)
    if values.dtype == np.uint32 and len(values) <= SLOW_LIMIT:
        found["numpy"] = python(partial(rivals.pack_through_bits, values, bits))
        _add(found, "bitarray", rivals.bitarray_pack(values, bits))
    if values.dtype == np.uint32:
        _add(found, "pyfastpfor", rivals.fastpfor(values, False))
        _add(found, "blosc2", rivals.blosc(values, False))
    return found


def _unpackers(values: NDArray[Any], bits: int, payload: NDArray[np.uint8]) -> dict[str, Seconds]:
    target = aligned(len(values), values.dtype)
    found = {"netopt": _timer("unpack", payload, bits, target)}
    if packing.timed is not None:
        found["naive"] = _timer("unpack_naive", payload, bits, target)
    if values.dtype == np.uint32 and len(values) <= SLOW_LIMIT:
        call = partial(rivals.unpack_through_bits, payload, bits, len(values))
        found["numpy"] = python(call)
    if values.dtype == np.uint32:
        _add(found, "pyfastpfor", rivals.fastpfor(values, True))
        _add(found, "blosc2", rivals.blosc(values, True))
    return found


def _add(found: dict[str, Seconds], name: str, call: rivals.Call | None) -> None:
    if call is not None:
        found[name] = python(call)


RIVALS = ("naive", "numpy", "bitarray", "pyfastpfor", "blosc2")


def _row(kernel: str, carrier: str, bits: int, n: int, seconds: dict[str, float]) -> Row:
    ours, copy = seconds["netopt"], seconds["memcpy"]
    row = {"kernel": kernel, "tier": packing.tier(), "carrier": carrier, "bits": bits, "n": n}
    row |= {"seconds": ours, "memcpy_seconds": copy, "ratio": copy / ours}
    return row | {f"{name}_seconds": seconds.get(name) for name in RIVALS}
