"""Plain text of anything that rich can render, for pipes, files and tests."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH = 100


def plain(renderable: RenderableType, width: int = WIDTH) -> str:
    """Return ``renderable`` as lines of at most ``width`` characters, without colour or escapes."""
    from rich.console import Console

    out = StringIO()
    console = Console(file=out, width=width, color_system=None, force_terminal=False, emoji=False)
    console.print(renderable)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def number(value: float | None, digits: int = 4) -> str:
    """Return a measured number to ``digits`` significant digits, or '-' if it is not known."""
    return "-" if value is None else f"{value:.{digits}g}"
