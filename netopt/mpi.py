"""The first thing that a rank imports: it starts the MPI library, and nothing else.

Ranks that come early keep the cores busy while MPI starts, so all of them should come there soon;
whoever waits later takes naps. Only ``netopt.network.mpi`` makes use of the library.
"""

from __future__ import annotations

import mpi4py

mpi4py.rc.threads = False  # one thread a rank: MPI_THREAD_SINGLE is the fastest level

from mpi4py import MPI  # noqa: E402

__all__ = ["MPI"]
