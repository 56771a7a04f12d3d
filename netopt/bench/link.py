"""Measures edges as the OSU micro-benchmarks do: latency, bandwidth, both ways, message rate.

``netopt bench link`` runs it: edge by edge, over message sizes, beside what the configured link
would deliver. The ranks' part is :mod:`netopt.bench.link_rank`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

from netopt import launcher
from netopt.bench import link_model
from netopt.bench.link_cases import LATENCY, Block, Case, blocks
from netopt.bench.output import machine
from netopt.bench.ranks import Start, command, printed_by
from netopt.speech import say
from netopt.topologies import Topology

Row = dict[str, Any]
Watch = Callable[[int, int], None]
PLACE = ("source", "target", "test", "bytes")
QUANTILES = {"q05": 0, "q25": 4, "median": 9, "q75": 14, "q95": 18}
"""Names of quantiles, and which of the 19 twentieths each is."""


def measure(case: Case, topology: Topology, watch: Watch = lambda done, of: None) -> list[Row]:
    """Measure edges of a topology; return one dict a point: a size in a test on an edge.

    ``latency`` is half a round trip in seconds, the other tests tell bit/s of message bytes; their
    quantiles are over ``samples``, each the mean of ``iterations``. ``spread`` is the distance of
    the quartiles over the median. ``predicted`` is what the configured link would deliver (without
    its latency if nobody delays anything), None if it is ideal, ``ratio`` the median over it.
    ``messages_per_second`` is that of the bandwidth test. A point that would take longer than the
    limit has no samples, and ``expected`` says how many seconds an iteration would take. Raises
    ConfigError if MPI is missing or fails, or if there can be no fabric.
    """
    launcher.check()
    load = os.getloadavg()[0]
    count = len(blocks(case)) * len(case.sizes)
    found = []
    with _home(case, topology) as (start, delayed):
        case = case._replace(delayed=delayed)
        for point in printed_by("netopt.bench.link_rank", case, case.ranks, count, start):
            found.append(point)
            watch(len(found), count)
    return rows_of(case, found, load)


@contextmanager
def _home(case: Case, topology: Topology) -> Iterator[tuple[Start, bool]]:
    """Give the way to start ranks, and whether anybody delays what they send.

    They are on this machine, or each is in its namespace of a fabric.
    """
    if not case.fabric:
        yield command, True
        return
    from netopt import fabric  # late: few machines can build one
    from netopt.fabric._signals import ended_by_signals

    with ended_by_signals(), fabric.build(topology) as built:
        for note in built.notes:
            say(f"netopt: fabric: {note}")
        yield lambda ranks, program: built.command(program), built.latency or case.clock == "real"


def rows_of(case: Case, found: Sequence[Row], load: float = 0.0) -> list[Row]:
    """Return a row a point, given what the ranks have printed; lines may overtake each other."""
    points = {tuple(point[name] for name in PLACE): point for point in found}
    facts = {name: getattr(case, name) for name in ("ranks", "clock", "fabric", "delayed")}
    facts |= {"machine": machine(), "load": load}
    rows = []
    for block in blocks(case):
        for size in case.sizes:
            point = points[block.pair.first, block.pair.second, block.test, size]
            rows.append({**_row(case, block, size, point), **facts, "mpi": point["mpi"]})
    return rows


def _row(case: Case, block: Block, size: int, point: Row) -> Row:
    pair, test, window = block.pair, block.test, point["window"]
    row = {
        "edge": "-".join(str(rank) for rank in sorted((pair.first, pair.second))),
        **{name: point[name] for name in (*PLACE, "window", "iterations", "expected")},
        "unit": "s" if test == LATENCY else "bit/s",
        "samples": len(point["seconds"]),
        "link": dict(pair.there),
        "link_back": dict(pair.back),
        "uplinks": list(pair.uplinks),
        "downlinks": list(pair.downlinks),
    }
    model = link_model.seconds(case.felt(pair), test, size, window)
    predicted = link_model.value(test, size, window, model) if model else None
    values = sorted(link_model.value(test, size, window, taken) for taken in point["seconds"])
    row |= _quantiles(values)
    middle = row["median"]
    row["predicted"] = predicted
    row["ratio"] = middle / predicted if middle and predicted else None
    row["messages_per_second"] = middle / (8 * size) if middle and test == "bandwidth" else None
    return row


def _quantiles(values: Sequence[float]) -> Row:
    """Return the quantiles of ascending values, their extremes and spread; None if there are none.

    >>> _quantiles([1.0, 2.0, 4.0])["median"]
    2.0
    """
    names = ("min", *QUANTILES, "max", "spread")
    if not values:
        return dict.fromkeys(names)
    many = values if len(values) > 1 else [*values, *values]
    parts = quantiles(many, n=20, method="inclusive")
    found = [parts[place] for place in QUANTILES.values()]
    spread = (parts[QUANTILES["q75"]] - parts[QUANTILES["q25"]]) / median(values)
    return dict(zip(names, (values[0], *found, values[-1], spread), strict=True))
