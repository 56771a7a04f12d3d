"""What else packs integers or quantizes vectors: numpy, naive and tuned, and whatever is installed.

Everything is here to be judged: a rival that could be faster is a defect of the benchmark.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Call = Callable[[], object]
Words = NDArray[np.uint32]
Bytes = NDArray[np.uint8]


def imported(name: str) -> Any:
    """Return a module if it is installed and loads, else None."""
    try:
        return importlib.import_module(name)
    except Exception:  # a broken installation is as good as none
        return None


# ---- packing ----


def pack_through_bits(values: Words, bits: int) -> Bytes:
    """Pack ``values``, shape (n,), as numpy users do: one byte a bit, then ``packbits``."""
    spread = np.unpackbits(values.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")
    return np.packbits(spread[:, :bits], bitorder="little")


def unpack_through_bits(payload: Bytes, bits: int, n: int) -> Words:
    """Invert :func:`pack_through_bits`; return shape (n,)."""
    spread = np.zeros((n, 32), np.uint8)
    spread[:, :bits] = np.unpackbits(payload, count=n * bits, bitorder="little").reshape(n, bits)
    return np.packbits(spread, axis=1, bitorder="little").view(np.uint32).reshape(-1)


def bitarray_pack(values: Words, bits: int) -> Call | None:
    """Return a call that packs through a bitarray, or None if it is not installed."""
    bitarray = imported("bitarray")
    if bitarray is None:
        return None

    def call() -> bytes:
        stream = bitarray.bitarray(endian="little")
        spread = np.unpackbits(values.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")
        stream.pack(spread[:, :bits].tobytes())
        return bytes(stream.tobytes())

    return call


def fastpfor(values: Words, unpack: bool) -> Call | None:
    """Return a call of the FastPFor library's SIMD bit packing (a layout of its own), or None."""
    library = imported("pyfastpfor")
    if library is None:
        return None
    codec = library.getCodec("simdbinarypacking")
    packed, plain = np.zeros(2 * len(values) + 1024, np.uint32), np.zeros(len(values), np.uint32)
    size = codec.encodeArray(values, len(values), packed, len(packed))
    if unpack:
        return lambda: codec.decodeArray(packed, size, plain, len(plain))
    return lambda: codec.encodeArray(values, len(values), packed, len(packed))


def blosc(values: Words, unpack: bool) -> Call | None:
    """Return a call of blosc2 with its bit shuffle, a general compressor, or None."""
    library = imported("blosc2")
    if library is None:
        return None
    library.set_nthreads(1)  # the stopwatch runs on this thread
    options = {"typesize": 4, "clevel": 1, "filter": library.Filter.BITSHUFFLE}
    data = values.tobytes()
    packed = library.compress(data, **options)
    if unpack:
        return lambda: library.decompress(packed)
    return lambda: library.compress(data, **options)


# ---- quantizing ----


def joined(symbols: Bytes, bits: int) -> Bytes:
    """Pack symbols of 1, 2, 4 or 8 bits by shifts and ors, numpy's fastest way."""
    each = 8 // bits
    found = symbols[::each].copy()
    for k in range(1, each):
        found |= symbols[k::each] << np.uint8(k * bits)
    return found


def naive_quantizer(x: NDArray[Any], levels: int, bits: int) -> Call:
    """Stochastic rounding of x in [-1, 1] the plain way: float64 numbers, floor, clip, pack."""
    rng = np.random.default_rng(0)

    def call() -> Bytes:
        place = np.floor(x * levels + levels + rng.random(len(x)))
        symbols = np.clip(place, 0, 2 * levels).astype(np.uint8)
        return joined(symbols, bits)

    return call


def tuned_quantizer(x: NDArray[np.float32], levels: int, bits: int) -> Call:
    """The same with float32 numbers and every operation in place."""
    rng = np.random.default_rng(0)
    uniform, place = np.empty_like(x), np.empty_like(x)
    symbols = np.empty(len(x), np.uint8)

    def call() -> Bytes:
        rng.random(out=uniform, dtype=np.float32)
        np.multiply(x, np.float32(levels), out=place)
        np.add(place, np.float32(levels), out=place)
        np.add(place, uniform, out=place)
        np.floor(place, out=place)
        np.clip(place, 0, 2 * levels, out=place)
        np.copyto(symbols, place, casting="unsafe")
        return joined(symbols, bits)

    return call


def torch_quantizer(x: NDArray[np.float32], levels: int, bits: int) -> Call | None:
    """The same in PyTorch on one thread, or None if it is not installed."""
    torch = imported("torch")
    if torch is None:
        return None
    torch.set_num_threads(1)
    vector, each = torch.from_numpy(np.array(x)), 8 // bits
    place, uniform = torch.empty_like(vector), torch.empty_like(vector)

    def call() -> object:
        uniform.uniform_()
        torch.mul(vector, levels, out=place)
        place.add_(levels).add_(uniform).floor_().clamp_(0, 2 * levels)
        symbols = place.to(torch.uint8)
        found = symbols[::each].clone()
        for k in range(1, each):
            found.bitwise_or_(symbols[k::each] << (k * bits))
        return found

    return call


def tuned_decoder(payload: Bytes, y: NDArray[Any], levels: int, bits: int, weight: float) -> Call:
    """y += weight (symbol - levels) / levels, every operation in place."""
    each, mask = 8 // bits, np.uint8((1 << bits) - 1)
    symbols, value = np.empty(len(payload) * each, np.uint8), np.empty_like(y)

    def call() -> None:
        for k in range(each):
            np.right_shift(payload, np.uint8(k * bits), out=symbols[k::each])
        np.bitwise_and(symbols, mask, out=symbols)
        np.subtract(symbols[: len(y)], y.dtype.type(levels), out=value)
        np.multiply(value, y.dtype.type(weight / levels), out=value)
        np.add(y, value, out=y)

    return call
