"""Picks the C extension or its numpy reference, and says which; all of netopt packs through here.

``pack_into``, ``unpack_into``, ``crc32c``, ``norm``, ``Grid``, ``Dither``, ``raw_put``,
``raw_add``, ``header_put``, ``header_due``, the variable-length codes (``levels_*``,
``numbers_*``), ``dither`` and ``undither`` are the chosen implementation's own, without a Python
layer in between; the modules ``reference``, ``norms``, ``grid``, ``dithered``, ``raw``, ``header``,
``codes`` and ``steps`` of this package document them. ``implementation`` is
``c`` or ``numpy``, ``tier()`` names the kernels. For the benchmark, and None without the extension:
``timed`` runs kernels in a loop, ``nothing`` is an empty call, ``buffers`` one that takes two
buffers, and ``naive`` holds the plain C loops (pack, unpack). The environment variable
``NETOPT_NO_EXTENSION=1`` forces numpy; ``NETOPT_TIER`` names the C kernels to use (``portable``,
``avx2`` or ``avx512``).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from netopt.core.codes import elias_bits
from netopt.errors import ConfigError
from netopt.keys import Key

if TYPE_CHECKING:
    from netopt.core.reference import Memory

    Packer = Callable[[Memory, int, Memory], int]

__all__ = [
    "Dither",
    "Grid",
    "buffers",
    "crc32c",
    "dither",
    "elias_bits",
    "header_due",
    "header_put",
    "implementation",
    "levels_bits",
    "levels_get",
    "levels_put",
    "naive",
    "norm",
    "nothing",
    "numbers_get",
    "numbers_put",
    "pack_into",
    "packed_bytes",
    "random16",
    "raw_add",
    "raw_put",
    "tier",
    "timed",
    "undither",
    "unpack_into",
]

_RANKS = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")


def packed_bytes(n: int, bits: int) -> int:
    """Return the bytes that ``n`` values of ``bits`` bits take, ``ceil(n * bits / 8)``."""
    return (n * bits + 7) // 8


def _warn(cause: str, cure: str) -> None:
    """Warn in one process only: a launcher's other ranks would repeat the same words."""
    # A launcher that has warned sets the last variable for the ranks that it starts.
    if all(os.environ.get(name, "0") == "0" for name in (*_RANKS, "NETOPT_WARNED")):
        effect = "bits are packed in numpy: same results, but many times slower"
        warnings.warn(f"{cause}, so {effect}; {cure}", RuntimeWarning, stacklevel=3)


def _disabled() -> bool:
    return os.environ.get("NETOPT_NO_EXTENSION", "0") not in ("", "0")


try:
    if _disabled():
        raise ImportError("disabled")
    from netopt.core._bitpack import (
        Dither,
        Grid,
        _buffers,
        _nothing,
        _pack_naive,
        _timed,
        _unpack_naive,
        crc32c,
        dither,
        header_due,
        header_put,
        levels_bits,
        levels_get,
        levels_put,
        norm,
        numbers_get,
        numbers_put,
        pack_into,
        random16_into,
        raw_add,
        raw_put,
        tier,
        undither,
        unpack_into,
    )

    implementation = "c"
    timed: Callable[..., float] | None = _timed
    nothing: Callable[[], None] | None = _nothing
    buffers: Callable[[Memory, Memory], None] | None = _buffers
    naive: tuple[Packer, Packer] | None = (_pack_naive, _unpack_naive)
except ValueError as error:  # NETOPT_TIER names no kernels
    raise ConfigError(str(error)) from None
except ImportError as error:
    from netopt.core.codes import levels_bits, levels_get, levels_put, numbers_get, numbers_put
    from netopt.core.dithered import Dither  # type: ignore[assignment]
    from netopt.core.grid import Grid  # type: ignore[assignment]
    from netopt.core.header import header_due, header_put
    from netopt.core.norms import norm
    from netopt.core.raw import raw_add, raw_put
    from netopt.core.reference import crc32c, pack_into, tier, unpack_into
    from netopt.core.steps import dither, undither
    from netopt.core.streams import random16_into

    implementation = "numpy"
    timed = nothing = buffers = None
    naive = None
    if _disabled():
        _warn("NETOPT_NO_EXTENSION disables the C extension", "unset it to use C")
    else:
        _warn(
            f"the C extension cannot be imported ({error})",
            "install a C compiler and reinstall netopt",
        )


def random16(key: Key, stream: str, n: int) -> npt.NDArray[np.uint16]:
    """Return the first ``n`` numbers of ``stream``, shape (n,) uint16; see ``core.streams``."""
    found = np.empty(n, np.uint16)
    random16_into(key, stream, found.view(np.uint8))
    return found
