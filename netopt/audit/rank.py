"""What each rank runs in an audit: ``netopt.worker``, after its MPI library was asked to count.

``python -m netopt.audit.rank FAMILY FOLDER WORD...``: the words are the worker's; what the library
says goes to a file of this rank in FOLDER.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from netopt.audit import _libfabric, _monitoring, _tcp

RANK = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")
"""Variables in which launchers tell a process its rank."""


def main(words: list[str]) -> int:
    """Play this rank's part under the library's eyes; return the exit code."""
    family, name, *order = words
    folder = Path(name)
    rank = next((os.environ[name] for name in RANK if name in os.environ), "unknown")
    if family == _monitoring.FAMILY:
        os.environ.update(_monitoring.variables(folder))
    else:
        os.environ.update(_libfabric.VARIABLES)
        _part_errors(_libfabric.file(folder, rank))
    from netopt import worker

    if family == _monitoring.FAMILY:
        _start_every_send()
    code = worker.main(order)
    if code == 0 and sys.platform.startswith("linux"):  # no fabric elsewhere
        _tcp.write(folder, rank)
    return code


def _part_errors(file: Path) -> None:
    """Let the C libraries' words go to a file, and netopt's own where they always go."""
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 2)
    os.close(log)


def _start_every_send() -> None:
    """Let every frame leave by a send of its own: no persistent one.

    Open MPI's monitoring does not see persistent sends start (from version 4 on, MPI_Start goes
    around it). What travels is the same.
    """
    import netopt.mpi  # noqa: F401  # MPI starts first, as in the worker
    from netopt.codecs import Bytes
    from netopt.network import mpi, posts

    class Sender(posts.Sender):
        """Hands out buffers that no frame fills: only a full one is sent by a persistent send."""

        def buffer(self, channel: int, receiver: int, size: int) -> Bytes:
            return super().buffer(channel, receiver, size + 1)

    vars(mpi)["Sender"] = Sender


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
