"""The fabric builds a topology in the Linux kernel: a namespace an agent, a shaped cable an edge.

The plan says what a topology becomes and touches nothing; the kernel's side builds it, and the
state remembers it, so that whatever a crash leaves can be found and removed. Needs root::

    with fabric.build(topology) as built:
        command, variables = built.command([sys.executable, "program.py"])
        before = built.counters()
        ...
"""

from __future__ import annotations

from netopt.fabric._counters import Count, Counters
from netopt.fabric._fabric import Fabric, build
from netopt.fabric._record import Record, read

__all__ = ["Count", "Counters", "Fabric", "Record", "build", "read"]
