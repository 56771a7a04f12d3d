"""Playing knows which runs are still to be made, and keeps the cores busy until they are.

Each run is a directory OUT/runs/NAME, as ``netopt run`` would leave it. In lockstep a process a
core plays many runs; over MPI one mpirun follows the other.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from netopt import launcher
from netopt.core import packing
from netopt.errors import ConfigError
from netopt.report import reading
from netopt.reproduce import _playing as studies
from netopt.sweep._grid import Cell, Grid

BLINK = 0.1
"""Seconds between two looks at how far the runs have come."""

Watch = Callable[[Cell, int], None]
Failed = Callable[[Cell, str], None]


class Plan(NamedTuple):
    """What is to be played of a checked grid in ``out``; ``load`` are users' component files."""

    grid: Grid
    out: Path
    load: Sequence[str]
    waiting: Sequence[Cell]
    done: Sequence[Cell]

    def place(self, cell: Cell) -> Path:
        """Return the directory of a run."""
        return self.out / "runs" / cell.name


def plan(grid: Grid, cells: Iterable[Cell], out: Path, load: Sequence[str]) -> Plan:
    """Return which runs are complete in ``out`` and which are not; nothing is written.

    Raises ConfigError for a file or folder in the way that is no run, or is another one that ended.
    """
    waiting: list[Cell] = []
    done: list[Cell] = []
    for cell in cells:
        directory = out / "runs" / cell.name
        if studies.complete(directory, cell.resolved):
            done.append(cell)
            continue
        studies.check_ours(directory)
        if (directory / "summary.json").exists():
            _check_same(directory, cell)
        waiting.append(cell)
    return Plan(grid, out, load, waiting, done)


def play(plan: Plan, jobs: int | None, watch: Watch, failed: Failed) -> None:
    """Play what waits; ``failed`` hears of each run that does not end well, and the others go on.

    ``watch`` hears how many rounds a run has played. ``jobs`` is the number of processes, in
    lockstep only; None is one a core. KeyboardInterrupt ends what runs, and goes on.
    """
    (plan.out / "runs").mkdir(exist_ok=True)
    if plan.grid.driver == "mpi":
        _over_mpi(plan, watch, failed)
    else:
        _Cores(plan, watch, failed).play(jobs or launcher.usable_cores())


def command(plan: Plan, cell: Cell) -> list[str]:
    """Return the words after 'netopt run' that play one run of a sweep alone."""
    words = [word for item in cell.overrides for word in ("--set", item)]
    words += [word for item in plan.load for word in ("--load", item)]
    return [str(plan.grid.source), *words]


def _check_same(directory: Path, cell: Cell) -> None:
    """Raise ConfigError if another run that was played to its end would be replaced."""
    try:
        files = reading.load(directory)
    except ConfigError:
        return
    ended = (files.summary or {}).get("stopped_by") in studies.FINISHED
    names = [*cell.resolved, *files.config]
    other = [name for name in names if files.config.get(name) != cell.resolved.get(name)]
    if ended and other:
        raise ConfigError(
            f"'{directory}' is complete, but with another '{other[0]}' than now; choose another "
            "--out, or delete it"
        )


def _over_mpi(plan: Plan, watch: Watch, failed: Failed) -> None:
    for cell in plan.waiting:
        out = _cleared(plan, cell)
        words = [*command(plan, cell), "--quiet", "--out", str(out)]
        arguments, variables = launcher.command(cell.ranks, words)

        def see(row: Any, cell: Cell = cell) -> None:
            watch(cell, int(row["round"]))

        code = launcher.launch(arguments, variables, out, see)
        if code:
            failed(cell, f"mpirun ended with exit code {code}; see above")


def _cleared(plan: Plan, cell: Cell) -> Path:
    """Return a run's directory after what an earlier attempt left there is gone."""
    out = plan.place(cell)
    if out.exists():
        shutil.rmtree(out)
    return out


class _Cores:
    """The processes of a sweep in lockstep, and who plays what."""

    def __init__(self, plan: Plan, watch: Watch, failed: Failed) -> None:
        self._plan, self._watch, self._failed = plan, watch, failed
        self._waiting = deque(plan.waiting)
        self._selector = selectors.DefaultSelector()
        self._busy: set[_Core] = set()

    def play(self, count: int) -> None:
        """Play all runs on ``count`` processes; they are ended whatever happens."""
        try:
            with studies._interruptible():
                for _ in range(min(count, len(self._waiting))):
                    self._give(_Core(self._plan))
                while self._busy:
                    for key, _ in self._selector.select(BLINK):
                        self._take(key.data)
                    for core in self._busy:
                        core.tell(self._watch)
        finally:
            for core in self._busy:
                core.end()
            self._selector.close()

    def _give(self, core: _Core) -> None:
        """Give a process its next run, or its farewell."""
        if not self._waiting:
            core.close()
            return
        core.start(self._waiting.popleft())
        self._busy.add(core)
        self._selector.register(core.answers, selectors.EVENT_READ, core)

    def _take(self, core: _Core) -> None:
        """Take a process's answer and go on with it, or with a new one if it died."""
        self._selector.unregister(core.answers)
        self._busy.remove(core)
        core.tell(self._watch)
        wrong = core.answer()
        if wrong:
            self._failed(core.cell, wrong)
        self._give(core if core.alive else _Core(self._plan))


class _Core:
    """One process that plays a run at a time."""

    cell: Cell

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.alive = True
        self._process = subprocess.Popen(
            [sys.executable, "-m", "netopt.sweep._player"],
            env={**os.environ, **_variables()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C reaches the sweep only, which ends the others
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self.answers = self._process.stdin, self._process.stdout
        self._write([str(plan.grid.source), list(plan.load)])

    def start(self, cell: Cell) -> None:
        """Have a run played."""
        self.cell = cell
        out = _cleared(self._plan, cell)
        self._tail = launcher.Tail(out / "metrics.jsonl")
        self._write([cell.overrides, str(out)])

    def tell(self, watch: Watch) -> None:
        """Tell how far the run has come."""
        self._tail.read(lambda row: watch(self.cell, int(row["round"])))

    def answer(self) -> str:
        """Return what went wrong with the run, '' if nothing did; the process may have died."""
        line = self.answers.readline()
        if line:
            return str(json.loads(line))
        self.alive = False
        self.close()
        code = self._process.returncode
        return f"its process ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}"

    def close(self) -> None:
        """Let the process end, which waits for its next run."""
        with suppress(BrokenPipeError):
            self._orders.close()
        self._process.wait()
        self.answers.close()

    def end(self) -> None:
        """End the process at once."""
        launcher.end_group(self._process)
        self.close()

    def _write(self, content: Any) -> None:
        with suppress(BrokenPipeError):  # if it died, its answer tells
            self._orders.write(json.dumps(content) + "\n")
            self._orders.flush()


def _variables() -> dict[str, str]:
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return one | ({"NETOPT_WARNED": "1"} if packing.implementation == "numpy" else {})
