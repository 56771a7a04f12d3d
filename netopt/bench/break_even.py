"""Measures for each codec the link speed below which it pays against plain numbers.

``netopt bench break-even`` runs it: two agents trade a vector under mpirun, by a codec and by plain
numbers in turn. The parts give the speed in closed form; then the same trades are held to it, over
links of a rate that the real clock emulates. The ranks' part is
:mod:`netopt.bench.break_even_rank`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any

from netopt import launcher
from netopt.bench.break_even_cases import (
    BASE,
    LEAST,
    PARTS,
    PLAIN,
    Case,
    Item,
    experiment_of,
    label,
)
from netopt.bench.break_even_model import Parts, Verdict, compared, spread
from netopt.bench.output import machine
from netopt.bench.ranks import printed_by

Row = dict[str, Any]
Watch = Callable[[int, int], None]
MODULE = "netopt.bench.break_even_rank"
RATES = (1e9, 1e8, 1e7)
"""bit/s of the links for which a row tells how long a message takes."""
AROUND = (0.25, 1.0, 4.0)
"""Rates at which a break-even speed is checked, as multiples of it."""
USUAL = 1e9
"""bit/s of the link on which a codec is checked that always pays, or never."""
EVEN = 0.2
"""How far from 1 a measured ratio may be where it is predicted to be that near to 1."""


def measure(case: Case, clock: str = "real", watch: Watch = lambda done, of: None) -> list[Row]:
    """Measure a case, whose items have no rates; return one dict a codec, plain numbers first.

    Seconds are medians over turns, ``spread`` the quartiles' distance over the median; those of
    ``encode`` and ``decode`` are the thread's own, ``wait`` is what MPI takes between them here.
    ``against`` says for plain float32 and float64 on which links the codec ``pays``, 'below' or
    'above' a ``rate`` in bit/s, 'always' or 'never', and the same at the quartiles. ``at`` has the
    seconds of a message on some links. ``checks`` are trades over links that ``clock`` emulates
    ('real', 'virtual', or 'none' for no checks): measured and predicted seconds, and their ratios
    to float32. Raises ConfigError if MPI is missing or fails, or
    for a codec that cannot send such a vector.
    """
    launcher.check()
    for item in case.items:
        experiment_of(item, case.d)  # what is wrong is told here, before anything starts
    load = os.getloadavg()[0]
    found = []
    for told in printed_by(MODULE, case, 2, len(case.items)):
        found.append(told)
        watch(len(found), len(case.items))
    rows = rows_of(case, found)
    if clock != "none":
        _check(case, rows, clock, watch)
    facts = {"d": case.d, "machine": machine(), "load": load, "mpi": found[0]["mpi"]}
    return [{**row, **facts} for row in rows]


def rows_of(case: Case, found: Sequence[Row]) -> list[Row]:
    """Return a row for plain numbers and for each codec, given what the root has printed."""
    pooled = {name: _pooled([told[name] for told in found]) for name in PLAIN}
    rows = [_row(name, PLAIN[name], pooled[name], pooled) for name in PLAIN]
    for item, told in zip(case.items, found, strict=True):
        plain = {name: told[name] for name in PLAIN}
        rows.append(_row(label(item.codec), item.codec, told["codec"], plain))
    return rows


def _pooled(turns: Sequence[Row]) -> Row:
    """Return the turns of several items as those of one."""
    times = {part: [seconds for turn in turns for seconds in turn[part]] for part in PARTS}
    return {**times, "frame_bytes": turns[0]["frame_bytes"]}


def _row(name: str, spec: Any, told: Row, plain: Row) -> Row:
    parts = parts_of(told)
    row: Row = {"codec": name, "spec": spec, "turns": len(told["total"])}
    row |= {"frame_bytes": told["frame_bytes"]}
    for part in PARTS:
        row[part] = median(told[part])
        row[f"{part}_spread"] = _spread(told[part])
    row["against"] = {key: _against(told, plain[key]) for key in PLAIN if key != name}
    row["at"] = [
        {"rate": rate, "wire": parts.bits / rate, "total": parts.seconds(rate)} for rate in RATES
    ]
    row["checks"] = []
    return row


def parts_of(told: Row) -> Parts:
    """Return the medians of what was measured."""
    return Parts(median(told["encode"]), median(told["decode"]), 8 * told["frame_bytes"])


def _against(told: Row, plain: Row) -> Row:
    """Return on which links a codec pays, by medians, and at the quartiles of what turns differ."""
    codec, other = parts_of(told), parts_of(plain)
    slower = [_own(told, k) - _own(plain, k) for k in range(len(told["total"]))]
    quick, slow = spread(codec, other, slower)
    found = {"": compared(codec, other), "quick_": quick, "slow_": slow}
    row: Row = {f"{head}{key}": value for head, v in found.items() for key, value in _told(v)}
    return {**row, "encode": other.encode, "decode": other.decode, "bits": other.bits}


def _told(verdict: Verdict) -> list[tuple[str, Any]]:
    return list(verdict._asdict().items())


def _own(told: Row, turn: int) -> float:
    return float(told["encode"][turn] + told["decode"][turn])


def _spread(values: Sequence[float]) -> float:
    """Return the quartiles' distance over the median, 0 for a single value and for zeros."""
    if len(values) < 2:
        return 0.0
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return (high - low) / middle if middle else 0.0


def _check(case: Case, rows: Sequence[Row], clock: str, watch: Watch) -> None:
    """Let the same trades cross links of a rate, and add to each row what that took."""
    limit = case.limit if clock == "real" else None
    todo = [(row, rate) for row in rows for rate in rates_of(row, rows[0], limit)]
    items = [Item(row["spec"], rate, clock) for row, rate in todo]
    if not items:
        return
    told = printed_by(MODULE, case._replace(items=items), 2, len(items))
    for done, ((row, rate), found) in enumerate(zip(todo, told, strict=True)):
        row["checks"].append({**checked(row, rate, found), "clock": clock})
        watch(done + 1, len(items))


def rates_of(row: Row, base: Row, limit: float | None) -> list[float]:
    """Return the rates at which a codec is checked: around its break-even, or at a usual one.

    A real clock has ``limit`` seconds, and rates up to half of what MPI carries here: what that
    takes by itself cannot be emulated away. Without a limit all rates will do.
    """
    if row["codec"] == base["codec"]:
        return []
    even = row["against"][BASE]["rate"]
    wanted = [USUAL] if even is None else [factor * even for factor in AROUND]
    if limit is None:
        return wanted
    most = 4 * base["frame_bytes"] / base["wait"]
    rates = [rate for rate in wanted if rate <= most] or [min(*wanted, most)]
    own = sum(one[part] for one in (row, base) for part in ("encode", "decode"))
    bits = 8 * (row["frame_bytes"] + base["frame_bytes"])
    return [rate for rate in rates if (LEAST + 1) * (own + bits / rate) <= limit]


def checked(row: Row, rate: float, found: Row) -> Row:
    """Return what a trade over a link of ``rate`` took, beside what was predicted of it."""
    base = row["against"][BASE]
    codec = Parts(row["encode"], row["decode"], 8 * row["frame_bytes"])
    plain = Parts(base["encode"], base["decode"], base["bits"])
    predicted, took = codec.seconds(rate) / plain.seconds(rate), median(found["codec"]["total"])
    ratio = took / median(found[BASE]["total"])
    return {
        "rate": rate,
        "turns": len(found["codec"]["total"]),
        "measured": took,
        "measured_spread": _spread(found["codec"]["total"]),
        "predicted": codec.seconds(rate),
        "plain": median(found[BASE]["total"]),
        "predicted_plain": plain.seconds(rate),
        "ratio": ratio,
        "predicted_ratio": predicted,
        "held": holds(ratio, predicted),
    }


def holds(ratio: float, predicted: float) -> bool:
    """Return whether a codec is quicker or slower as predicted, or neither where neither is."""
    if abs(predicted - 1) <= EVEN:
        return abs(ratio - 1) <= EVEN
    return (ratio < 1) == (predicted < 1)
