"""What a core of a sweep runs: one lockstep run after another, as its standard input says.

``python -m netopt.sweep._player`` reads a line of JSON with the run file and the users' component
files, then a line for each run with its overrides and its directory. It answers each with a line:
'' if the run is complete, else what went wrong. Whatever else is printed goes to standard error.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

from netopt import config, engine
from netopt.errors import NetoptError
from netopt.registry import load_file
from netopt.speech import plain_warnings, told


def main() -> None:
    """Play until the input ends."""
    plain_warnings()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # a component that prints must not be taken for an answer
        file, load = json.loads(sys.stdin.readline())
        for path in load:
            load_file(path)
        orders = Orders()
        while (line := orders.next()) is not None:
            overrides, out = json.loads(line)
            answers.write(json.dumps(play(Path(file), overrides, Path(out))) + "\n")
            answers.flush()


class Orders:
    """The lines of standard input; if it ends while a run is played, the sweep is gone: so exit.

    A sweep that was killed cannot end its processes, and a run may take days.
    """

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._idle = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> str | None:
        """Return the next line; None if there is none."""
        self._idle.set()
        line = self._lines.get()
        self._idle.clear()
        return line

    def _read(self) -> None:
        for line in sys.stdin:
            self._idle.clear()
            self._lines.put(line)
        if not self._idle.is_set():
            os._exit(1)
        self._lines.put(None)


def play(file: Path, overrides: Sequence[str], out: Path) -> str:
    """Play one run as ``netopt run`` does; return what went wrong, '' if nothing did."""
    try:
        with engine.single_threaded():
            experiment = config.make(config.read(file, overrides), file.parent)
        engine.lockstep(experiment, out)
    except (NetoptError, OSError) as error:
        return told(error)
    except Exception as error:  # of a user's component, say: the runs after it can go on
        traceback.print_exc()
        return repr(error)
    return ""


if __name__ == "__main__":
    main()
