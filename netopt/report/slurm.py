"""Whether srun started this process as one of several, and whether those know of each other.

srun gives every task its number and the number of tasks, but MPI learns of the others only through
a protocol (``--mpi=``) that its library speaks; without it each task is a world of size 1.
"""

from __future__ import annotations

import os
import signal
import time

from netopt.errors import ConfigError
from netopt.speech import say

CURE = (
    "use srun --mpi=pmi2 for MPICH or srun --mpi=pmix for Open MPI ('srun --mpi=list' names what "
    "Slurm has), or mpirun inside the allocation"
)

PATIENCE = 2.0
"""Seconds that a task stays, since srun may end a whole step when its first task has failed."""


def tasks() -> int:
    """Return how many tasks srun started beside and with this one; 1 outside of srun.

    A batch script is none of several tasks, and neither is a shell that ``srun --pty`` opened.
    """
    told = os.environ.get("SLURM_STEP_NUM_TASKS", "")
    if not told.isdigit() or "SLURM_PTY_PORT" in os.environ:
        return 1
    return int(told)


def singletons(size: int) -> str:
    """Return in words that srun's tasks are strangers, each a world of ``size`` 1; '' if not so.

    A launcher inside the step that was asked for one rank says so itself.
    """
    asked = os.environ.get("OMPI_COMM_WORLD_SIZE", os.environ.get("PMI_SIZE", ""))
    if size > 1 or tasks() == 1 or asked == "1":
        return ""
    return f"srun started {tasks()} tasks, but each of them is a world of size 1"


def silent() -> bool:
    """Return whether another task of the step says what is wrong with all of them."""
    return os.environ.get("SLURM_PROCID", "0") != "0"


def refuse(size: int) -> int:
    """Return the exit code for a world of ``size`` whose tasks are strangers, said once; else 0."""
    wrong = singletons(size)
    if not wrong:
        return 0
    if not silent():
        say(f"netopt: error: {wrong}; {CURE}")
    # All leave with the same code, which is then the step's, also those that srun asks to hurry.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(PATIENCE)
    return ConfigError.exit_code


__all__ = ["CURE", "refuse", "silent", "singletons", "tasks"]
