"""What the ranks' programs of all benchmarks have in common: their place, their rows, their end.

Such a program is started by :mod:`netopt.bench.ranks` as ``python -m MODULE TOLD``, TOLD in JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from netopt.engine import single_threaded
from netopt.network import ranks
from netopt.speech import say, told

Row = dict[str, Any]
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
"""The cores that this rank was given; none where the system does not tell."""


def play(work: Callable[[Any], Iterator[Row]]) -> None:
    """Let ``work`` do what this rank was told, print each row that it yields, and exit.

    One rank yields at a time, most often the root; a row gets the MPI library's name. An error is
    told in one line and ends all ranks.
    """
    try:
        with single_threaded():
            for row in work(json.loads(sys.argv[1])):
                print(json.dumps({**row, "mpi": ranks.library()}), flush=True)
    except BaseException as error:
        say(f"netopt: error: {told(error)}")
        ranks.abort(1)
        sys.exit(1)


def pin(place: int) -> None:
    """Keep this rank on one of its cores, in turn, where the system can do that."""
    if CORES:
        os.sched_setaffinity(0, {CORES[place % len(CORES)]})
