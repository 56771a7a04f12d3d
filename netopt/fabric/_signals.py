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
    asked = [word for word in WORDS if _may_be_taken(word)]
    previous = [signal.signal(word, signal.default_int_handler) for word in asked]
    try:
        yield
    finally:
        for word, handler in zip(asked, previous, strict=True):
            signal.signal(word, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put off what asks this process to end until this is done; blocking would not do with threads.

    A second Ctrl-C in the middle of a removal would leave the other half.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    asked = [word for word in (signal.SIGINT, *WORDS) if _may_be_taken(word)]
    previous = [signal.signal(word, lambda word, _: heard.append(word)) for word in asked]
    try:
        yield
    finally:
        for word, handler in zip(asked, previous, strict=True):
            signal.signal(word, handler)
    if heard:
        signal.raise_signal(heard[0])


def _may_be_taken(word: signal.Signals) -> bool:
    """Return whether a signal does something, by a handler that Python can put back."""
    return signal.getsignal(word) not in (signal.SIG_IGN, None)
