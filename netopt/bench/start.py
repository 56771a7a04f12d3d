"""Measures how long a run takes to its first round, beside ranks that only import numpy and mpi4py.

``netopt bench start`` runs it: the bare script and netopt's ranks take turns under mpirun, on a
ring of 8; a row reports medians. Both sides get the launcher's variables, files that are in memory
and modules that are compiled, as an installed package has them: that is what the first, untimed
turn is for.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from netopt import launcher
from netopt.errors import ConfigError
from netopt.recorder import write

if TYPE_CHECKING:
    from rich.table import Table

RANKS, REPEATS = 8, 9
TIMEOUT = 60.0
"""Seconds after which a start is given up."""
PROBLEMS: dict[str, Any] = {
    "quadratic": "quadratic",
    "logistic on digits": {"id": "logistic", "data": "digits"},
}
BARE = """
import time
import numpy
import mpi4py
mpi4py.rc.threads = False
from mpi4py import MPI
MPI.COMM_WORLD.Barrier()
if MPI.COMM_WORLD.Get_rank() == 0:
    print(time.time())
"""
"""What any program with numpy and MPI pays; it tells when all of its ranks are there."""
Row = dict[str, Any]
Watch = Callable[[int, int], None]


class Time(NamedTuple):
    """Seconds from the start of mpirun to the first round, and to the end of all.

    Bare ranks have no round: they are measured until all of them are there.
    """

    first: float
    whole: float


class Rival(NamedTuple):
    """A command whose ranks take a turn, the variables it needs, and who tells the first round.

    ``told`` makes of the folder of a turn and of what was printed the time of the first round, in
    seconds since the epoch.
    """

    words: Sequence[str]
    variables: Mapping[str, str]
    told: Callable[[Path, str], float]


def measure(
    ranks: int = RANKS, repeats: int = REPEATS, watch: Watch = lambda done, of: None
) -> list[Row]:
    """Measure the start of ``ranks`` ranks; return one dict a problem.

    ``seconds`` and ``bare_seconds`` are those to the first round, ``ratio`` is the first over the
    second, ``spread`` the quartiles' distance over the median; with ``whole_`` before them, those
    to the end of mpirun. Raises ConfigError if MPI is missing or fails.
    """
    launcher.check()
    with tempfile.TemporaryDirectory(prefix="netopt-start-") as place:
        rivals = _rivals(ranks, Path(place))
        times: dict[str, list[Time]] = {name: [] for name in rivals}
        for turn in range(repeats + 1):
            for name, rival in rivals.items():
                took = _take_turn(rival, Path(place))
                if turn:
                    times[name].append(took)
            watch(turn, repeats)
    bare = times.pop("bare")
    return [_row(name, ranks, took, bare) for name, took in times.items()]


def _rivals(ranks: int, place: Path) -> dict[str, Rival]:
    """Return the bare ranks and a run of one round for each problem, its file in ``place``."""
    words, variables = launcher.command(ranks, [])
    bare = [*words[: words.index("-m")], "-c", BARE]
    rivals = {"bare": Rival(bare, variables, lambda out, said: float(said.split()[0]))}
    for number, (name, problem) in enumerate(PROBLEMS.items()):
        file = place / f"{number}.yaml"
        run = {"rounds": 1, "record": {"every": 1}, "problem": problem}
        run |= {"topology": {"id": "ring", "size": ranks}, "algorithm": "gradient-tracking"}
        write(file, json.dumps(run))  # YAML reads JSON
        words, _ = launcher.command(ranks, [str(file), "--quiet", "--out", str(place / "out")])
        rivals[name] = Rival(words, variables, _end_of_first_round)
    return rivals


def _end_of_first_round(out: Path, said: str) -> float:
    """Return when the root wrote its last row, that of round 1."""
    return (out / "metrics.jsonl").stat().st_mtime


def _take_turn(rival: Rival, place: Path) -> Time:
    """Run a command to its end and return how long it took; its output folder is removed."""
    began, clock = time.time(), time.perf_counter()
    said = _run(rival)
    whole = time.perf_counter() - clock
    out = place / "out"
    first = rival.told(out, said) - began
    if out.exists():
        for file in out.iterdir():
            file.unlink()
        out.rmdir()
    return Time(first, whole)


def _run(rival: Rival) -> str:
    """Return what a command printed; ConfigError if it fails or does not end."""
    env = {**os.environ, **rival.variables}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # else every rank compiles netopt anew
    process = subprocess.Popen(
        rival.words,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches this process only, which ends the ranks
    )
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    with process:  # closes the pipes, whatever comes
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            raise ConfigError(f"mpirun did not end within {TIMEOUT:g} s") from None
        finally:
            signal.signal(signal.SIGTERM, previous)
            launcher.end_group(process)
    if process.returncode:
        reason = next(iter(err.strip().splitlines()), "it said nothing")
        raise ConfigError(f"mpirun ended with exit code {process.returncode}: {reason}")
    return out


def _as_interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _row(name: str, ranks: int, ours: Sequence[Time], bare: Sequence[Time]) -> Row:
    row: Row = {"problem": name, "ranks": ranks, "repeats": len(ours)}
    for place, prefix in enumerate(("", "whole_")):
        mine, theirs = ([time[place] for time in times] for times in (ours, bare))
        seconds, bare_seconds = statistics.median(mine), statistics.median(theirs)
        row[f"{prefix}seconds"], row[f"{prefix}bare_seconds"] = seconds, bare_seconds
        row[f"{prefix}ratio"] = seconds / bare_seconds
        row[f"{prefix}spread"] = _spread(mine)
    return row


def _spread(seconds: Sequence[float]) -> float:
    """Return the quartiles' distance over the median, 0 for a single value."""
    if len(seconds) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(seconds, n=4)
    return (high - low) / middle


def table(rows: Sequence[Row], caption: str = "") -> Table:
    """Return the rows of :func:`measure` as a table, one line each."""
    from rich.table import Table

    ranks, repeats = rows[0]["ranks"], rows[0]["repeats"]
    title = f"Start of {ranks} ranks in seconds, medians of {repeats} turns"
    lines = Table(title=title, caption=caption)
    lines.add_column("problem")
    heads = ("first round", "bare", "ratio", "spread", "whole run", "bare", "ratio", "spread")
    for head in heads:
        lines.add_column(head, justify="right")
    for row in rows:
        cells = [row["problem"]]
        for prefix in ("", "whole_"):
            cells += [f"{row[f'{prefix}{name}']:.3f}" for name in ("seconds", "bare_seconds")]
            cells += [f"{row[f'{prefix}ratio']:.2f}", f"{row[f'{prefix}spread']:.0%}"]
        lines.add_row(*cells)
    return lines


def progress() -> Watch:
    """Return a watch that says on a terminal how far the measurement is; silent elsewhere."""
    if not sys.stderr.isatty():
        return lambda done, of: None

    def show(done: int, of: int) -> None:
        sys.stderr.write(f"\r{done} of {of} turns measured" + ("\n" if done == of else ""))
        sys.stderr.flush()

    return show
