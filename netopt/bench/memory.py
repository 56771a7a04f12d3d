"""Measures the memory of every rank of a run, in vectors of float32.

``netopt bench memory`` runs it: a run with a tiny d tells what the interpreter and its libraries
take, a run with the wanted d tells the rest. The ranks' part is :mod:`netopt.bench.memory_rank`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netopt import launcher
from netopt.bench.memory_cases import TINY, Case, experiment_of
from netopt.bench.output import machine
from netopt.bench.ranks import printed_by

if TYPE_CHECKING:
    from rich.table import Table

Row = dict[str, Any]
LIMIT = 8.0
"""Vectors of float32 that a rank may hold: x, the next x and the gradient in float64 take six."""


def measure(case: Case) -> list[Row]:
    """Play a case and the same with a tiny d under mpirun; return one dict a rank.

    ``peak_bytes`` is the largest resident set, ``baseline_bytes`` that of the tiny run, ``vectors``
    the difference over 4 d bytes; it is ``held`` if that is at most ``limit``. Raises ConfigError
    if MPI is missing or fails, or if there is no such case.
    """
    launcher.check()
    experiment_of(case)  # what is wrong is told here, before anything starts
    tiny, whole = (_peaks(one) for one in (case._replace(d=TINY), case))
    pairs = zip(whole["peak_bytes"], tiny["peak_bytes"], strict=True)
    return [
        {**case._asdict(), "rank": rank, "mpi": whole["mpi"], **_compared(peak, base, case.d)}
        for rank, (peak, base) in enumerate(pairs)
    ]


def _peaks(case: Case) -> Row:
    (row,) = printed_by("netopt.bench.memory_rank", case, case.agents, 1)
    return row


def _compared(peak: int, baseline: int, d: int) -> Row:
    vectors = (peak - baseline) / (4 * d)
    return {
        "peak_bytes": peak,
        "baseline_bytes": baseline,
        "vectors": vectors,
        "limit": LIMIT,
        "held": vectors <= LIMIT,
    }


def table(rows: Sequence[Row]) -> Table:
    """Return the rows of :func:`measure` as a table, one line each."""
    from rich.table import Table

    one = rows[0]
    names = ", ".join(map(_name, (one["algorithm"], one["codec"])))
    title = f"Peak memory of {names}, d = {one['d']:,}, in MB"
    lines = Table(title=title, caption=f"{machine()}; {one['mpi']}")
    for head in ("rank", "peak", "with tiny d", "difference", "of d float32", "limit", "held"):
        lines.add_column(head, justify="right")
    for row in rows:
        lines.add_row(str(row["rank"]), *_cells(row))
    return lines


def _name(spec: Any) -> str:
    """Return a component's id, with its options if a run file gives any."""
    if isinstance(spec, str):
        return spec
    options = ", ".join(f"{key}={value}" for key, value in spec.items() if key != "id")
    return f"{spec['id']}({options})"


def _cells(row: Row) -> list[str]:
    peak, base = row["peak_bytes"], row["baseline_bytes"]
    sizes = [f"{size / 1e6:.1f}" for size in (peak, base, peak - base)]
    return [*sizes, f"{row['vectors']:.2f}", f"{row['limit']:g}", "yes" if row["held"] else "no"]
