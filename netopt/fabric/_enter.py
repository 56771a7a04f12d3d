"""Enters a namespace and becomes another program there: what ``ssh HOST`` is to MPI's launchers.

``python _enter.py [-OPTION ...] NAMESPACE COMMAND ...``: the words after the namespace are joined
and read as a shell would, like ssh's. The program sees the namespace's name as its host name, and
gets SIGTERM when whoever started it is gone. It is run as a file with the standard library alone,
since each agent pays for it.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import socket
import sys

NAMESPACES = "/run/netns"
CLONE_NEWUTS = 0x04000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SHELL = set(";&|<>$`(){}*?!~\n")
"""What a shell would do something about outside quotes; without them none is needed."""


def call(name: str, *arguments: int) -> None:
    """Call a function of the C library; OSError if it fails."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def enter(namespace: str) -> None:
    """Move this thread into a network namespace by name; OSError if there is none."""
    file = os.open(os.path.join(NAMESPACES, namespace), os.O_RDONLY | os.O_CLOEXEC)
    try:
        call("setns", file, CLONE_NEWNET)
    finally:
        os.close(file)


def main(words: list[str]) -> None:
    """Do it; return only by an exception."""
    parent = os.getppid()
    call("prctl", PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before anybody would have told
        sys.exit(1)
    while words[0].startswith("-"):
        words = words[1:]
    namespace, line = words[0], " ".join(words[1:])
    enter(namespace)
    call("unshare", CLONE_NEWUTS)
    socket.sethostname(namespace)
    command = ["/bin/sh", "-c", line] if SHELL & set(line) else shlex.split(line)
    os.execvp(command[0], command)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, IndexError) as error:
        sys.exit(f"netopt: error: cannot enter {' '.join(sys.argv[1:2]) or 'nothing'}: {error}")
