"""What each rank of ``bench memory`` runs: one case, after which it tells its peak memory.

``python -m netopt.bench.memory_rank CASE`` with CASE a JSON list, a ``Case``; the root prints one
JSON line with the peaks of all ranks.
"""

from __future__ import annotations

import json
import resource
import sys

import numpy as np

from netopt.bench.memory_cases import Case, experiment_of
from netopt.engine import play, single_threaded
from netopt.network import mpi
from netopt.speech import say, told

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system tells the largest resident set."""


def peak() -> int:
    """Return the bytes of memory that this process held at most."""
    return UNIT * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(arguments: list[str]) -> int:
    """Play the case; return the exit code."""
    try:
        with single_threaded():
            network = mpi.MpiNetwork(experiment := experiment_of(Case(*json.loads(arguments[0]))))
            play(experiment, network, None)
        peaks = network.gather(np.array([peak()], dtype=np.float64))
        network.close()
        if peaks is not None:
            row = {"peak_bytes": peaks.astype(int).ravel().tolist(), "mpi": mpi.library()}
            print(json.dumps(row), flush=True)
        return 0
    except BaseException as error:
        say(f"netopt: error: {told(error)}")
        mpi.abort(1)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
