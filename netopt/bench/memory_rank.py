"""What each rank of ``bench memory`` runs: one case, after which it tells its peak memory.

``python -m netopt.bench.memory_rank CASE`` with CASE a JSON list, a ``Case``; the root prints one
JSON line with the peaks of all ranks.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from netopt.bench import rank
from netopt.bench.memory_cases import Case, experiment_of
from netopt.bench.rank import Row
from netopt.engine import play
from netopt.network import mpi

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system tells the largest resident set."""


def peak() -> int:
    """Return the bytes of memory that this process held at most."""
    return UNIT * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(told: list[Any]) -> Iterator[Row]:
    """Play the case; yield the peaks of all ranks at the root."""
    network = mpi.MpiNetwork(experiment := experiment_of(Case(*told)))
    play(experiment, network, None)
    peaks = network.gather(np.array([peak()], dtype=np.float64))
    network.close()
    if peaks is not None:
        yield {"peak_bytes": peaks.astype(int).ravel().tolist()}


if __name__ == "__main__":
    rank.play(measure)
