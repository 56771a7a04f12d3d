"""Namespaces are made, entered and removed here, with whatever still runs in them.

They are those of ``ip netns``: files under /run/netns, so that its commands work on them too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from netopt.fabric import _enter

T = TypeVar("T")
FOLDER = Path(_enter.NAMESPACES)
PATIENCE = 3.0
"""Seconds that a process has to end after it was asked to."""


def names() -> list[str]:
    """Return the names of all named namespaces of this machine."""
    try:
        return sorted(os.listdir(FOLDER))
    except FileNotFoundError:
        return []


def create(name: str, prepare: Callable[[], object]) -> None:
    """Make a namespace in which ``prepare`` was called; OSError if there is one of that name."""
    from pyroute2 import netns

    def make() -> None:
        _enter.call("unshare", _enter.CLONE_NEWNET)
        # By its number, since /proc shows a thread like a process; 'self' would be the main one.
        netns.attach(str(FOLDER / name), threading.get_native_id())
        prepare()

    within_thread(make)


def remove(namespaces: Iterable[str]) -> None:
    """End what runs in these namespaces and remove them; those that are gone already are fine."""
    present = [name for name in namespaces if (FOLDER / name).exists()]
    for word in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + PATIENCE
        while (pids := inhabitants(present)) and time.monotonic() < end:
            for pid in pids:
                _tell(pid, word)
            time.sleep(0.05)
    from pyroute2 import netns

    for name in present:
        netns.remove(str(FOLDER / name))


def inhabitants(namespaces: Iterable[str]) -> list[int]:
    """Return the processes in these namespaces.

    Never those of the machine's own or of this process's, whatever a file under that name leads to:
    whoever asks wants to end them.
    """
    wanted = {_identity(FOLDER / name) for name in namespaces}
    wanted -= {None, _identity(Path("/proc/1/ns/net")), _identity(Path("/proc/self/ns/net"))}
    if not wanted:
        return []
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [pid for pid in pids if _identity(Path(f"/proc/{pid}/ns/net")) in wanted]


def _identity(file: Path) -> tuple[int, int] | None:
    """Return what tells a namespace from all others; None if there is nothing."""
    try:
        found = os.stat(file)
    except OSError:  # it has ended, or nobody may look
        return None
    return found.st_dev, found.st_ino


def _tell(pid: int, word: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, word)


def within(namespace: str, work: Callable[[], T]) -> T:
    """Return what ``work`` returns in a namespace, where its sockets then belong."""

    def there() -> T:
        _enter.enter(namespace)
        return work()

    return within_thread(there)


def within_thread(work: Callable[[], T]) -> T:
    """Return what ``work`` returns in a thread of its own: namespaces are a thread's."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        thread.join()
    except BaseException:  # Ctrl-C: what is half done cannot be removed
        thread.join()
        raise
    if errors:
        raise errors[0]
    return results[0]
