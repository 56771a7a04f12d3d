"""The document is what a study leaves behind: figure, CSV, claims for programs and for people."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from netopt.bench.output import machine
from netopt.recorder import write
from netopt.report import units
from netopt.reproduce._claims import Claim
from netopt.reproduce._curves import DISTANCE, GEOMETRIC, Curve, Results
from netopt.reproduce._drawing import Panel, draw
from netopt.reproduce._study import Study

COLUMNS = (
    *("group", "series", "at", "round", "error", "low", "high", "n"),
    *("uplink_bits", "wire_bytes", "setup_bits", "setup_bytes", "seconds"),
)
FIGURE, TABLE, CLAIMS, PAGE, FACTS = (
    *("figure.png", "results.csv", "claims.json", "REPRODUCTION.md", "study.json"),
)


class Facts(NamedTuple):
    """How a study was played: ``seconds`` is the wall time of the ``played`` runs of ``runs``."""

    study: str
    data: str | None
    quick: bool
    driver: str
    runs: int
    played: int
    seconds: float
    command: str


def publish(study: Study, results: Results, facts: Facts, out: Path) -> list[Claim]:
    """Write all files of a study to ``out``; return its claims."""
    claims = study.claims(results)
    panels: Sequence[Panel] = study.panels(results)
    pictures = [out / FIGURE, (out / FIGURE).with_suffix(".pdf")]
    draw(panels, f"{study.name}: {study.shows}", pictures)
    write(out / TABLE, table(results.curves))
    write(out / CLAIMS, json.dumps([claim.row() for claim in claims], indent=2) + "\n")
    for name, text in study.files(results).items():
        write(out / name, text)
    write(out / PAGE, page(study, results, claims, facts))
    write(out / FACTS, json.dumps(facts._asdict(), indent=2) + "\n")
    return claims


def table(curves: Sequence[Curve]) -> str:
    """Return the curves as CSV: one line a series and recorded round, means over n seeds.

    ``error`` is a geometric mean, ``low`` and ``high`` one standard deviation of its logarithm
    below and above; the set-up is apart from the other bits and bytes. If something else is
    measured, that is the column's name, its mean is as in ``over_seeds``, and all other columns of
    the metrics follow.
    """
    measure = curves[0].measure
    more = [] if measure == DISTANCE else _further(curves)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([measure if n == "error" and more else n for n in COLUMNS] + more)
    for curve in curves:
        columns = (curve.columns.get(name, np.full(len(curve.round), np.nan)) for name in more)
        rest = zip(*(column.tolist() for column in columns), strict=True) if more else repeat(())
        for line, others in zip(_lines(curve), rest, strict=False):
            lines.writerow([*line, *("" if math.isnan(v) else v for v in others)])
    return text.getvalue()


def _further(curves: Sequence[Curve]) -> list[str]:
    """Return the columns of the metrics that have no place of their own in the table."""
    names = dict.fromkeys(name for curve in curves for name in curve.columns)
    return [name for name in names if name not in (*COLUMNS, curves[0].measure)]


def _lines(curve: Curve) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a curve; Python writes the shortest text that is the same number."""
    place = "" if curve.at is None else curve.at
    columns = (
        *(curve.error, curve.low, curve.high),
        *(curve.uplink_bits, curve.wire_bytes, curve.seconds),
    )
    points = (column.tolist() for column in columns)
    for k, error, low, high, bits, wire, seconds in zip(curve.round, *points, strict=True):
        where = (curve.group, curve.series, place, int(k))
        setup = (curve.setup_bits, curve.setup_bytes)
        yield (*where, error, low, high, curve.n, bits, wire, *setup, seconds)


def page(study: Study, results: Results, claims: Sequence[Claim], facts: Facts) -> str:
    """Return REPRODUCTION.md."""
    held = sum(claim.held for claim in claims)
    apart = "\n".join(f"- {line}" for line in study.deviations(results.request))
    return f"""\
# {study.name}: {study.shows}

{study.reference}

## What the paper says
{study.paper}

## How to run it
```
{facts.command}
```
Add `--quick` for a small version, `--driver lockstep` to do without MPI. A run that is complete is
not played again; `runs/` holds one run directory a case, for `netopt show`, `plot` and `inspect`.

![{study.shows}]({FIGURE})

Measured lines are {_means(results)}. The points are in `{TABLE}`, the figure as PDF beside it.

{_notes(study, results)}## Claims: {held} of {len(claims)} held
| claim | expected | measured | spread | held |
| --- | --- | --- | --- | --- |
{claims_lines(claims)}

## What was sent
{_sent(results.curves, study.place)}

## Deviations
{apart or "- None."}

## Where
{machine()}; driver {facts.driver}; {"quick" if facts.quick else "full"} version,
{facts.runs} runs, of which {facts.played} were played for this page in \
{units.seconds(facts.seconds)}.
"""


def _notes(study: Study, results: Results) -> str:
    """Return the study's own tables, with an empty line after them."""
    return "".join(f"{text.rstrip()}\n\n" for text in study.notes(results))


def claims_lines(claims: Sequence[Claim]) -> str:
    """Return the claims as the lines of a Markdown table."""
    cells = (
        (claim.claim, *map(value, claim[1:4]), "held" if claim.held else "**not held**")
        for claim in claims
    )
    return "\n".join(f"| {' | '.join(text.replace('|', '/') for text in row)} |" for row in cells)


def value(number: float | str | None) -> str:
    """Return a number to four digits, words as they are, and a dash for None."""
    if number is None:
        return "-"
    return number if isinstance(number, str) else f"{number:.4g}"


def _means(results: Results) -> str:
    if results.curves[0].measure in GEOMETRIC:
        return (
            f"geometric means over {_seeds(results)}; the bands are one standard deviation of\n"
            "the logarithm"
        )
    return f"means over {_seeds(results)}; the bands are one standard deviation"


def _seeds(results: Results) -> str:
    counts = sorted({curve.n for curve in results.curves})
    return f"{' or '.join(map(str, counts))} seed{'s' if counts != [1] else ''}"


def _sent(curves: Sequence[Curve], place: str) -> str:
    """Return a table of bits and bytes at each series' end, with and without the set-up.

    ``place`` is what a sweep goes over, such as R.
    """
    up = "payload up" if all(curve.hub for curve in curves) else "payload (with a hub: up)"
    head = (
        f"| series | rounds | {up} | with set-up | on the wire, all edges, headers included "
        "| with set-up |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    return head + "\n".join(f"| {' | '.join(_sent_cells(curve, place))} |" for curve in curves)


def _sent_cells(curve: Curve, place: str) -> tuple[Any, ...]:
    place = "" if curve.at is None else f", {place} = {curve.at:g}"
    group = f"{curve.group}: " if curve.group else ""
    up, wire = float(curve.uplink_bits[-1]), float(curve.wire_bytes[-1])
    return (
        f"{group}{curve.series}{place}",
        f"{int(curve.round[-1])}",
        units.size(round(up / 8)),
        units.size(round((up + curve.setup_bits) / 8)),
        units.size(round(wire)),
        units.size(round(wire + curve.setup_bytes)),
    )


def read_facts(out: Path) -> dict[str, Any] | None:
    """Return how a study was last played in ``out``, or None if it never was."""
    try:
        found = json.loads((out / FACTS).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
