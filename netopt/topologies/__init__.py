"""Topologies know who is connected to whom and with which mixing weight; they never see data.

A generator draws the graph, a mixing rule weighs its edges, and both make a ``Topology``, which is
all that agents see. One generator a file; a file that starts with an underscore is none.
"""

from __future__ import annotations

from netopt.mixing import Adjacency, Matrix
from netopt.topologies._files import file_of, load, read
from netopt.topologies._generator import Generator, Size
from netopt.topologies._topology import TOLERANCE, Topology

__all__ = [
    "TOLERANCE",
    "Adjacency",
    "Generator",
    "Matrix",
    "Size",
    "Topology",
    "file_of",
    "load",
    "read",
]
