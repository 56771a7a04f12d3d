"""netopt: distributed optimization over real, bit-packed, counted messages.

The command line is ``netopt`` (or ``python -m netopt``); in a notebook, ``netopt.run`` plays a run
file in this process and returns its curves as numpy arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Result", "__version__", "run"]

if TYPE_CHECKING:
    from netopt.notebook import Result, run


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Import the front door on first use: a rank of an MPI run never needs it."""
    if name in ("Result", "run"):
        from netopt import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'netopt' has no attribute '{name}'")
