"""How an MPI library is made to run across a fabric as across hosts.

Its launcher runs in the hub and reaches the agents as it would reach hosts by ssh, by a script that
enters a namespace instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from netopt import launcher
from netopt.fabric._plan import BRIDGE, STUB, Plan


def command(
    plan: Plan, script: str, program: Sequence[str], options: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """Return a launcher's words that start ``program`` once an agent, and variables it needs.

    ``options`` are more words for the launcher. All are for a process in the hub. Raises
    ConfigError if there is no launcher.
    """
    mpirun = launcher.find_mpirun()
    open_mpi = launcher.is_open_mpi(mpirun)
    words, variables = (_open_mpi if open_mpi else _mpich)(plan, script)
    return [mpirun, *words, *options, *program], {
        **launcher.worker_variables(open_mpi),
        **variables,
    }


def _mpich(plan: Plan, script: str) -> tuple[list[str], dict[str, str]]:
    words = ["-launcher", "ssh", "-launcher-exec", script, "-iface", BRIDGE]
    words += ["-hosts", ",".join(plan.agents), "-n", str(plan.size)]
    variables = {
        "MPIR_CVAR_NOLOCAL": "1",  # no shared memory past the network
        "MPIR_CVAR_CH4_NETMOD": "ofi",
        "FI_PROVIDER": "tcp",
        "FI_TCP_IFACE": STUB,
        # Larger frames would be announced first, and the answer to that waits in a queue behind the
        # frame that goes the other way: frames of both directions would take turns.
        "FI_TCP_MAX_SAVED_SIZE": str(1 << 30),
    }
    return words, variables


def _open_mpi(plan: Plan, script: str) -> tuple[list[str], dict[str, str]]:
    words = ["--host", ",".join(f"{name}:1" for name in plan.agents), "-n", str(plan.size)]
    words += ["--prtemca", "plm_ssh_agent", script, "--prtemca", "plm_ssh_no_tree_spawn", "1"]
    options = {
        "pml": "^cm,ucx",  # what is left is TCP over sockets, and the monitoring around it
        "btl": "tcp,self",
        "btl_tcp_if_include": STUB,
        "mpi_yield_when_idle": "1",  # each namespace looks like a host, and all share the cores
    }
    words += [word for name, value in options.items() for word in ("--mca", name, value)]
    return words, {}
