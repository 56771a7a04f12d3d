"""Measures the bit packer against memcpy, a naive C loop and numpy.

All contenders of one row run in turn, again and again, on the same buffers; a row reports medians,
so that its ratios stand even on a busy machine. ``netopt bench pack`` runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netopt.core.packing import naive, pack_into, packed_bytes, tier, unpack_into

if TYPE_CHECKING:
    from rich.table import Table

SIZES = (8, 1_000, 100_000, 10_000_000)
WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 24, 27, 32)
QUICK_SIZES = (1_000, 100_000)
QUICK_WIDTHS = (1, 3, 4, 8, 13, 27)
THROUGH_BITS_LIMIT = 1_000_000
"""Above this many values the way through bits, a byte for every bit, is left out."""

Rival = Callable[[], object]


def pack_through_bits(values: NDArray[np.uint32], bits: int) -> NDArray[np.uint8]:
    """Pack ``values``, shape (n,), as numpy users do: one byte a bit, then ``packbits``."""
    spread = np.unpackbits(values.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")
    return np.packbits(spread[:, :bits], bitorder="little")


def unpack_through_bits(payload: NDArray[np.uint8], bits: int, n: int) -> NDArray[np.uint32]:
    """Invert :func:`pack_through_bits`; return shape (n,)."""
    spread = np.zeros((n, 32), np.uint8)
    spread[:, :bits] = np.unpackbits(payload, count=n * bits, bitorder="little").reshape(n, bits)
    return np.packbits(spread, axis=1, bitorder="little").view(np.uint32).reshape(-1)


def rows(
    sizes: Sequence[int] = SIZES, widths: Sequence[int] = WIDTHS, repeats: int = 15
) -> list[dict[str, Any]]:
    """Measure packing and unpacking of uint32 values; return one dict a row.

    ``kernel`` is pack or unpack, ``tier`` what runs it, ``bits`` and ``n`` the size; ``gbps`` is
    10**9 bytes of uint32 a second, the call included; ``memcpy``, ``naive`` and ``through_bits``
    are speeds relative to those rivals (above 1: netopt is faster), None where a rival did not run.
    memcpy copies half the bytes that packing reads and writes, and so touches as many.
    """
    return [row for n in sizes for bits in widths for row in _measure(n, bits, repeats)]


def _measure(n: int, bits: int, repeats: int) -> list[dict[str, Any]]:
    values = np.random.default_rng(bits).integers(0, 1 << bits, n).astype(np.uint32)
    payload = np.zeros(packed_bytes(n, bits), np.uint8)
    pack_into(values, bits, payload)
    return [
        _row("pack", n, bits, _time(_pack_rivals(values, bits, payload), n, repeats)),
        _row("unpack", n, bits, _time(_unpack_rivals(values, bits, payload), n, repeats)),
    ]


def _pack_rivals(
    values: NDArray[np.uint32], bits: int, payload: NDArray[np.uint8]
) -> dict[str, Rival]:
    rivals = _rivals(values.nbytes + payload.nbytes)
    rivals["netopt"] = partial(pack_into, values, bits, payload.copy())
    if naive is not None:
        rivals["naive"] = partial(naive[0], values, bits, payload.copy())
    if len(values) <= THROUGH_BITS_LIMIT:
        rivals["through_bits"] = partial(pack_through_bits, values, bits)
        np.testing.assert_array_equal(pack_through_bits(values, bits), payload)
    return rivals


def _unpack_rivals(
    values: NDArray[np.uint32], bits: int, payload: NDArray[np.uint8]
) -> dict[str, Rival]:
    rivals = _rivals(values.nbytes + payload.nbytes)
    rivals["netopt"] = partial(unpack_into, payload, bits, values.copy())
    if naive is not None:
        rivals["naive"] = partial(naive[1], payload, bits, values.copy())
    if len(values) <= THROUGH_BITS_LIMIT:
        rivals["through_bits"] = partial(unpack_through_bits, payload, bits, len(values))
        np.testing.assert_array_equal(unpack_through_bits(payload, bits, len(values)), values)
    return rivals


def _rivals(touched: int) -> dict[str, Rival]:
    source = np.ones(touched // 2, np.uint8)
    return {"memcpy": partial(np.copyto, np.zeros_like(source), source)}


def _time(rivals: dict[str, Rival], n: int, repeats: int) -> dict[str, float]:
    """Return each rival's median seconds a call; a short call is timed in a loop.

    An untimed call comes first, so that no rival pays for what the one before left in the caches.
    """
    calls = max(1, 20_000 // n)
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, rival in rivals.items():
            rival()
            start = perf_counter()
            for _ in range(calls):
                rival()
            seconds[name].append((perf_counter() - start) / calls)
    return {name: median(times) for name, times in seconds.items()}


def _row(kernel: str, n: int, bits: int, seconds: dict[str, float]) -> dict[str, Any]:
    ours = seconds["netopt"]
    ratios = {
        name: seconds[name] / ours if name in seconds else None
        for name in ("memcpy", "naive", "through_bits")
    }
    size = {"kernel": kernel, "tier": tier(), "bits": bits, "n": n}
    return {**size, "gbps": 4e-9 * n / ours, **ratios}


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Return the rows of :func:`rows` as a table, one line each."""
    from rich.table import Table

    lines = Table(title="Bit packer: speed on uint32, and ratios to rivals (above 1: faster)")
    for head in ("kernel", "tier"):
        lines.add_column(head)
    for head in ("bits", "n", "GB/s", "x memcpy", "x naive C", "x numpy through bits"):
        lines.add_column(head, justify="right")
    for row in rows:
        lines.add_row(*(_cell(value) for value in row.values()))
    return lines


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def measure(quick: bool = False) -> list[dict[str, Any]]:
    """Return the rows for all sizes and widths, or for a few of each within seconds."""
    return rows(QUICK_SIZES, QUICK_WIDTHS, 9) if quick else rows()
