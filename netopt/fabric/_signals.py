"""What asks a process to end must neither leave a fabric behind nor cut its removal short."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

WORDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What ends a run as Ctrl-C does."""


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Take what asks this process to end for Ctrl-C, so that nothing is left behind.

    A signal that is ignored stays ignored: nohup means it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = [word for word in WORDS if signal.getsignal(word) is not signal.SIG_IGN]
    previous = [signal.signal(word, signal.default_int_handler) for word in asked]
    try:
        yield
    finally:
        for word, handler in zip(asked, previous, strict=True):
            signal.signal(word, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let nothing that asks this process to end come in between."""
    words = {signal.SIGINT, *WORDS}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, words)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
