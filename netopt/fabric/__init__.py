"""The fabric builds a topology in the Linux kernel: a namespace an agent, a shaped cable an edge.

The plan says what a topology becomes and touches nothing; the kernel's side builds it, and the
state remembers it, so that whatever a crash leaves can be found and removed. Needs root::

    with fabric.build(topology) as built:
        command, variables = built.command([sys.executable, "program.py"])
        before = built.counters()
        ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netopt.fabric._counters import Count, Counters
    from netopt.fabric._fabric import Fabric, build
    from netopt.fabric._record import Record, read

_HOMES = {
    "Count": "_counters",
    "Counters": "_counters",
    "Fabric": "_fabric",
    "build": "_fabric",
    "Record": "_record",
    "read": "_record",
}
__all__ = ["Count", "Counters", "Fabric", "Record", "build", "read"]


def __getattr__(name: str) -> Any:
    """Import what is asked for: the command line knows this package without paying for it."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
