"""The program behind ``netopt reproduce``: which studies, where to, and what is said about them."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from netopt import launcher
from netopt.engine import single_threaded
from netopt.errors import ConfigError
from netopt.report import units
from netopt.reproduce import _curves, _playing
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim
from netopt.reproduce._document import FIGURE, PAGE, Facts, publish, read_facts, value
from netopt.reproduce._progress import Progress
from netopt.reproduce._study import Study, find, names
from netopt.speech import say

if TYPE_CHECKING:
    from rich.table import Table

START, PREPARE, ROUND = 1.0, 0.1, 60e-6
"""Seconds that a start of mpirun, a run's preparation, and a round of a rank take on two cores."""


class Wish(NamedTuple):
    """The options of the command: ``out`` None is the default, ``jobs`` None as cores allow."""

    request: Request
    out: Path | None
    driver: str
    jobs: int | None


def run(wanted: Sequence[str], wish: Wish, check: bool) -> int:
    """Play, draw and judge some studies; return the exit code: 0, 1 with ``check``, 130 Ctrl-C.

    A claim that does not hold is a finding, and no failure unless ``check`` is set.
    """
    studies = [find(name) for name in wanted]
    if wish.driver == "mpi":
        launcher.check()
    places = [_place(study, wish, len(studies)) for study in studies]
    with single_threaded():  # a study looks at small matrices only
        return _all(studies, places, wish, check)


def _all(studies: Sequence[Study], places: Sequence[Path], wish: Wish, check: bool) -> int:
    # All of them are planned before the first one is played: a mistake should not come in hours.
    plans = [
        _playing.plan(study.cases(wish.request), place, wish.driver)
        for study, place in zip(studies, places, strict=True)
    ]
    held = True
    for study, plan in zip(studies, plans, strict=True):
        claims = _one(study, plan, wish)
        if claims is None:
            return 130
        held = held and all(claim.held for claim in claims)
    return 0 if held or not check else 1


def _one(study: Study, plan: _playing.Plan, wish: Wish) -> list[Claim] | None:
    """Play, draw and judge one study; return its claims, or None if it was interrupted."""
    cases = study.cases(wish.request)
    _make(plan.out)
    say(f"netopt: {study.name}: runs to play: {len(plan.jobs)}, already there: {plan.done}")
    progress = Progress({job.case.name: job.rounds for job in plan.jobs})
    began = time.perf_counter()
    try:
        _playing.play(plan, wish.jobs, lambda job, k: progress.see(job.case.name, k))
    except KeyboardInterrupt:
        progress.close()
        say(
            f"netopt: interrupted; the runs that are complete stay in {plan.out / 'runs'}, and the "
            f"same command goes on with the others: {_command(study, wish)}"
        )
        return None
    finally:
        progress.close()
    seconds = time.perf_counter() - began
    runs = [
        _curves.read(case, plan.out / "runs" / case.name, study.power, study.measure)
        for case in cases
    ]
    facts = _facts(study, plan, wish, len(cases), seconds)
    claims = publish(study, _curves.Results(wish.request, runs), facts, plan.out)
    _show(study, claims, plan.out)
    return claims


def _facts(study: Study, plan: _playing.Plan, wish: Wish, runs: int, seconds: float) -> Facts:
    """Return how a study was played; what was played in an earlier call counts as it did there."""
    told = _command(study, wish)
    now = Facts(study.name, *wish.request, wish.driver, runs, len(plan.jobs), seconds, told)
    before = read_facts(plan.out)
    if not plan.jobs and before and before.get("runs") == runs:
        return now._replace(played=int(before["played"]), seconds=float(before["seconds"]))
    return now


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot make '{out}': {error.strerror}; choose another with --out"
        ) from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise ConfigError(f"no permission to write in '{out}'; choose another with --out")


def _place(study: Study, wish: Wish, count: int) -> Path:
    """Return where a study is written; the name tells data and size, so that none is replaced.

    ``--out`` is the folder itself for one study, and the folder above for several.
    """
    if wish.out is not None:
        return wish.out if count == 1 else wish.out / study.name
    return default_place(study.name, wish.request)


def default_place(name: str, request: Request) -> Path:
    """Return the folder of a study if no other is given."""
    data = "" if request.data is None else f"-{Path(request.data.rpartition(':')[2]).name}"
    return Path("reproductions", f"{name}{data}{'-quick' if request.quick else ''}")


def _command(study: Study, wish: Wish) -> str:
    """Return the command that plays a study as it was asked for."""
    words = ["netopt", "reproduce", study.name]
    words += [] if wish.request.data is None else ["--data", wish.request.data]
    words += ["--quick"] if wish.request.quick else []
    words += [] if wish.driver == "mpi" else ["--driver", wish.driver]
    words += [] if wish.out is None else ["--out", str(wish.out)]
    return shlex.join(words)


def _show(study: Study, claims: Sequence[Claim], out: Path) -> None:
    """Print the claims on standard output."""
    import sys

    from netopt.report.text import plain

    sys.stdout.write(plain(claims_table(study, claims), 110))
    sys.stdout.write(f"figure: {out / FIGURE}\npage: {out / PAGE}\n")
    sys.stdout.flush()


def claims_table(study: Study, claims: Sequence[Claim]) -> Table:
    """Return the claims as a table for a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    held = sum(claim.held for claim in claims)
    title = f"{study.name}: {held} of {len(claims)} claims held"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("claim", overflow="fold")
    for name in ("expected", "measured", "spread"):
        table.add_column(name, justify="right")
    table.add_column("held")
    for claim in claims:
        numbers = (value(claim.expected), value(claim.measured), value(claim.spread))
        table.add_row(Text(claim.claim), *numbers, "yes" if claim.held else "NO")
    return table


def listing(request: Request) -> Table:
    """Return a table of all studies: what each shows, needs, and how long it takes here."""
    from rich import box
    from rich.table import Table

    caption = (
        "Times under mpirun: measured by the last whole reproduction in the default folder; with ~ "
        f"estimated from the rounds, at {ROUND * 1e6:.0f} us a round and rank, {PREPARE:g} s a run "
        f"and {START:g} s a start of mpirun."
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    table.add_column("study", no_wrap=True)
    for name in ("shows", "data"):
        table.add_column(name, overflow="fold")
    for name in ("ranks", "runs", "full", "quick"):
        table.add_column(name, justify="right")
    for name in names():
        study = find(name)
        full, quick = request._replace(quick=False), request._replace(quick=True)
        cases = study.cases(full)
        ranks = sorted({_playing.size_of(case) for case in cases})
        size = "-".join(map(str, dict.fromkeys((ranks[0], ranks[-1]))))
        table.add_row(
            *(name, study.shows, request.data or study.data, size, str(len(cases))),
            *(_duration(study, asked) for asked in (full, quick)),
        )
    return table


def _duration(study: Study, request: Request) -> str:
    """Return the seconds of a study, measured if it was ever played whole, else estimated."""
    known = read_facts(default_place(study.name, request))
    cases = study.cases(request)
    if known and known.get("runs") == known.get("played") == len(cases):
        return units.seconds(float(known["seconds"]))
    work = sum(int(case.run["rounds"]) * _playing.size_of(case) * ROUND + PREPARE for case in cases)
    return f"~{units.seconds(float(f'{work + START * _starts(cases):.1g}'))}"


def _starts(cases: Sequence[Case]) -> int:
    sizes = [0 if case.driver else _playing.size_of(case) for case in cases]
    return sum(-(-sizes.count(size) // _playing.BATCH) for size in set(sizes))
