"""The program behind ``netopt sweep``: check, play, average, draw, and what is said meanwhile."""

from __future__ import annotations

import fcntl
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from netopt import config, launcher, recorder, yamlfile
from netopt.errors import ConfigError
from netopt.registry import load_file
from netopt.report.text import plain
from netopt.reproduce._playing import complete
from netopt.reproduce._progress import Progress
from netopt.speech import say
from netopt.sweep import _figure, _playing, _results, _tables
from netopt.sweep._grid import Cell, Grid
from netopt.sweep._playing import Plan
from netopt.sweep._results import Group, Result

FEW = 5
"""Names of failed runs that are said at the end; the table has all of them."""
LOCK = ".lock"


class Wish(NamedTuple):
    """The options of the command: ``out`` None is sweeps/NAME, ``jobs`` None one a core.

    ``y`` is the column of the figure, ``yes`` agrees to a great many runs.
    """

    file: str
    words: Sequence[str]
    driver: str = "lockstep"
    jobs: int | None = None
    out: Path | None = None
    load: Sequence[str] = ()
    over: Sequence[str] = ("seed",)
    y: str = "loss"
    yes: bool = False


def run(wish: Wish) -> int:
    """Play a sweep; return the exit code: 0, 1 if a run failed, 130 Ctrl-C.

    Raises ConfigError for whatever is wrong with the input, before anything is written.
    """
    for path in wish.load:
        load_file(path)
    if wish.driver == "mpi":
        launcher.check()
        if wish.jobs is not None:
            raise ConfigError("--jobs: over MPI one run follows the other; leave it out")
    source = config.locate(wish.file)
    grid = Grid(source, wish.words, wish.driver, wish.over)
    grid.limit(wish.yes)
    say(f"netopt: runs: {grid.size} ({grid.product()}); all are checked first")
    out = wish.out or Path("sweeps", source.stem)
    _check_ours(out)
    cells, warnings = grid.check()
    plan = _playing.plan(grid, cells, out, wish.load)
    for warning in warnings:
        say(f"netopt: warning: {warning}")
    with _claimed(out):
        return _go(plan, cells, wish)


def _go(plan: Plan, cells: Sequence[Cell], wish: Wish) -> int:
    recorder.write(plan.out / "sweep.yaml", yamlfile.dump(_description(plan.grid, wish)))
    say(f"netopt: to play: {len(plan.waiting)}, already there: {len(plan.done)}")
    progress = Progress({cell.name: int(cell.resolved["rounds"]) for cell in plan.waiting})
    wrong: dict[str, str] = {}

    def failed(cell: Cell, reason: str) -> None:
        wrong[cell.name] = reason
        progress.skip(cell.name)
        say(f"netopt: error: {cell.told or cell.name}: {reason}")

    def see(cell: Cell, rounds: int) -> None:
        progress.see(cell.name, rounds, cell.told)

    try:
        _playing.play(plan, wish.jobs, see, failed)
    except KeyboardInterrupt:
        progress.close()
        say(
            f"netopt: interrupted; the runs that are complete stay in {plan.out / 'runs'}, and the "
            "same command goes on with the others"
        )
        return 130
    finally:
        progress.close()
    return _publish(plan, cells, wish, wrong)


def _publish(plan: Plan, cells: Sequence[Cell], wish: Wish, wrong: dict[str, str]) -> int:
    """Write and show what came out; return the exit code."""
    grid, out = plan.grid, plan.out
    results = _read(plan, cells, wish.y, wrong)
    groups = _results.groups(grid, cells, results)
    recorder.write(out / "table.csv", _tables.runs_csv(grid, cells, results, wrong))
    recorder.write(out / "summary.csv", _tables.summary_csv(grid, groups))
    if results:
        sys.stdout.write(plain(_tables.shown(grid, groups, wish.y), 110))
        _figure.paint(
            groups, wish.y, _title(grid, groups), [out / f"sweep.{s}" for s in ("png", "pdf")]
        )
        sys.stdout.write(f"figure: {out / 'sweep.png'}\n")
    sys.stdout.write(f"tables: {out / 'table.csv'}, {out / 'summary.csv'}\n")
    sys.stdout.flush()
    if not wrong:
        return 0
    names = ", ".join([*list(wrong)[:FEW], *(["..."] if len(wrong) > FEW else [])])
    alone = next(cell for cell in cells if cell.name in wrong)
    say(
        f"netopt: {len(wrong)} of {len(cells)} runs failed: {names}; to see the first one alone: "
        + shlex.join(["netopt", "run", *_playing.command(plan, alone)])
    )
    return 1


def _read(plan: Plan, cells: Sequence[Cell], y: str, wrong: dict[str, str]) -> dict[str, Result]:
    """Return the complete runs by name; what was changed while it was played is not complete."""
    results = {}
    for cell in cells:
        if cell.name in wrong:
            continue
        if complete(plan.place(cell), cell.resolved):
            results[cell.name] = _results.read(plan.place(cell), cell, y)
        else:
            wrong[cell.name] = "its run file was changed while the sweep was played"
            say(f"netopt: error: {cell.told or cell.name}: {wrong[cell.name]}")
    return results


def _title(grid: Grid, groups: Sequence[Group]) -> str:
    """Return what the figure shows."""
    most = max(len(group.results) for group in groups)
    names = " and ".join(grid.labels[i] for i in sorted(grid.over))
    if not names or most < 2:
        return grid.source.stem
    return (
        f"{grid.source.stem}: mean of {most} runs over {names}, with its 95 % confidence interval"
    )


def _description(grid: Grid, wish: Wish) -> dict[str, object]:
    """Return what sweep.yaml says: the run file with what is set for all, and the axes."""
    fixed = [f"{axis.place}={axis.pieces[0]}" for axis in grid.settings if not axis.varied]
    return {
        "file": str(grid.source),
        "driver": grid.driver,
        "over": [grid.axes[i].place for i in sorted(grid.over)],
        "axes": {axis.place: axis.word for axis in grid.axes},
        "load": list(wish.load),
        "base": config.read(grid.source, fixed),
    }


def _check_ours(out: Path) -> None:
    """Raise ConfigError if ``out`` is there and is no sweep."""
    if out.exists() and not out.is_dir():
        raise ConfigError(f"'{out}' is a file; choose another folder with --out")
    names = {item.name for item in out.iterdir()} if out.is_dir() else set()
    if names - {LOCK} and "sweep.yaml" not in names:
        raise ConfigError(f"'{out}' is in the way and is no sweep; choose another with --out")


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Make ``out`` and keep other sweeps out of it; ConfigError if that cannot be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = os.open(out / LOCK, os.O_CREAT | os.O_RDWR)
    except OSError as error:
        raise ConfigError(
            f"cannot write '{out}': {error.strerror}; choose another with --out"
        ) from None
    try:
        _lock(lock, out)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, out: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"another sweep is being played in '{out}'; choose another with --out"
        ) from None
