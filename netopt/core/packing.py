"""Picks the C extension or its numpy reference, and says which; all of netopt packs through here.

``pack_into``, ``unpack_into`` and ``crc32c`` are the chosen implementation's own functions, without
a Python layer in between; :mod:`netopt.core.reference` documents them. ``implementation`` is ``c``
or ``numpy``, ``tier()`` names the kernels, and ``naive`` holds the plain C loops (pack, unpack)
that serve as yardstick, or None without the extension. The environment variable
``NETOPT_NO_EXTENSION=1`` forces numpy; ``NETOPT_TIER`` names the C kernels to use (``portable``).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from netopt.errors import ConfigError

if TYPE_CHECKING:
    from netopt.core.reference import Memory

    Packer = Callable[[Memory, int, Memory], int]

__all__ = ["crc32c", "implementation", "naive", "pack_into", "packed_bytes", "tier", "unpack_into"]

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
        _pack_naive,
        _unpack_naive,
        crc32c,
        pack_into,
        tier,
        unpack_into,
    )

    implementation = "c"
    naive: tuple[Packer, Packer] | None = (_pack_naive, _unpack_naive)
except ValueError as error:  # NETOPT_TIER names no kernels
    raise ConfigError(str(error)) from None
except ImportError as error:
    from netopt.core.reference import crc32c, pack_into, tier, unpack_into

    implementation = "numpy"
    naive = None
    if _disabled():
        _warn("NETOPT_NO_EXTENSION disables the C extension", "unset it to use C")
    else:
        _warn(
            f"the C extension cannot be imported ({error})",
            "install a C compiler and reinstall netopt",
        )
