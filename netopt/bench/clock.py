"""Holds the virtual clock against the kernel: the same runs, timed by both at once.

``netopt bench clock`` runs it, as root: each case is played across a fabric whose links the kernel
shapes; the wall says how long the rounds took, the virtual clock how long they should take.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from netopt import config, yamlfile
from netopt.bench.clock_cases import TINY, Case
from netopt.bench.output import machine
from netopt.errors import NetoptError
from netopt.fabric import _run
from netopt.report import reading, units

if TYPE_CHECKING:
    from rich.table import Table

Row = dict[str, Any]
LARGE, CLOSE, LOOSE = 65_536, 0.05, 0.20
"""From frames of this size on the two agree within 5 %, below it within 20 %."""
WAIT = 600.0
"""Seconds after which a case is given up."""


def measure(cases: Sequence[Case], repeats: int, watch: Callable[[int, int], None]) -> list[Row]:
    """Play each case ``repeats`` times; return one dict a case, times in seconds a round.

    ``kernel`` is the median, ``kernel_least`` and ``kernel_most`` the spread of what the wall
    said; ``emulated`` is the virtual clock's, of the median run. ``host`` is what the ranks take
    for a round of tiny frames without any rate: MPI, the kernel's stack, and their turns on the
    cores, which belong to no link; ``answers`` are the seconds that TCP's answers take of a link
    with frames both ways. ``ratio`` is kernel over emulated + host + answers. Raises ConfigError if
    there can be no fabric.
    """
    _run.check(config.make(cases[0].run()).topology)
    idle = list(dict.fromkeys(case._replace(rate=None, frame=TINY) for case in cases))
    hosts: dict[str, float] = {}
    rows = []
    for done, case in enumerate([*idle, *cases], 1):
        times = sorted(_play(case) for _ in range(repeats))
        if case.rate is None:
            hosts[case.graph] = median(wall - emulated for wall, emulated in times)
        else:
            rows.append(_compared(case, times, hosts[case.graph]))
        watch(done, len(idle) + len(cases))
    return rows


def _compared(case: Case, times: Sequence[tuple[float, float]], host: float) -> Row:
    walls = [wall for wall, _ in times]
    wall, emulated = times[len(times) // 2]
    limit = CLOSE if case.frame >= LARGE else LOOSE
    ratio = wall / (emulated + host + case.answers)
    return {
        **case._asdict(),
        "rounds": case.rounds,
        "kernel": median(walls),
        "kernel_least": walls[0],
        "kernel_most": walls[-1],
        "emulated": emulated,
        "host": host,
        "answers": case.answers,
        "ratio": ratio,
        "limit": limit,
        "held": abs(ratio - 1) <= limit,
        "machine": machine(),
    }


def _play(case: Case) -> tuple[float, float]:
    """Return a round's seconds on the wall and on the virtual clock, of the second half of a run.

    In the first half connections are made and TCP finds its pace.
    """
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder, "case.yaml"), Path(folder, "run")
        file.write_text(yamlfile.dump(case.run()), "utf-8")
        words = ["-m", "netopt", "run", str(file), "--fabric", "--out", str(out)]
        code, said = _run_to_its_end([sys.executable, *words])
        if code:
            told = (said.strip().splitlines() or ["nothing was said"])[-1]
            raise NetoptError(f"{case.graph}-{case.agents}, {case.rate}, {case.frame} B: {told}")
        *_, warm, last = reading.load(out).rows
    spent = [last[name] - warm[name] for name in ("seconds", "emulated_seconds")]
    return spent[0] / case.rounds, spent[1] / case.rounds


def _run_to_its_end(words: Sequence[str]) -> tuple[int, str]:
    """Return a command's exit code and what it said; if this is to end, let it tidy up first."""
    with subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            said = process.communicate(timeout=WAIT)[1]
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=WAIT)
            raise
    return process.returncode, said


def table(rows: Sequence[Row]) -> Table:
    """Return the rows of :func:`measure` as a table, one line each."""
    from rich.table import Table

    title = "A round: the kernel's links on the wall, and the virtual clock"
    lines = Table(title=title, caption=machine())
    heads = ("graph", "rate", "frame", "kernel", "spread", "emulated", "host", "answers", "ratio")
    for i, head in enumerate((*heads, "held")):
        lines.add_column(head, justify="left" if i < 2 else "right")
    for row in rows:
        lines.add_row(*_cells(row))
    return lines


def _cells(row: Row) -> list[str]:
    names = ("kernel", "kernel_least", "kernel_most", "emulated", "host", "answers")
    kernel, least, most, *parts = (units.seconds(row[name]) for name in names)
    held = "yes" if row["held"] else f"no, {row['limit']:.0%} wanted"
    case = [f"{row['graph']}-{row['agents']}", row["rate"], units.size(row["frame"])]
    return [*case, kernel, f"{least} to {most}", *parts, f"{row['ratio']:.3f}", held]
