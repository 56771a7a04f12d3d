"""How netopt speaks: errors and warnings in whole lines, results as tables."""

from __future__ import annotations

import sys
import warnings
from typing import Any, TextIO

from netopt.errors import NetoptError


def say(text: str) -> None:
    """Write one line to standard error at once, so that lines of several ranks do not mix."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def told(error: BaseException) -> str:
    """Return an error in words for its reader, Python's name for it only if nothing else is."""
    if isinstance(error, NetoptError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: '{error.filename}'" if error.filename else error.strerror
    return repr(error)


def plain_warnings() -> None:
    """Show warnings as one line, ``netopt: warning: ...``, without the place in the code."""
    warnings.showwarning = _show


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    say(f"netopt: warning: {message}")


def show(renderable: Any) -> None:
    """Print a rich renderable: coloured on a terminal, plain and 110 columns wide elsewhere."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 110).print(renderable)
