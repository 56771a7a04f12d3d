"""The tables that ``netopt bench link`` prints: one for each edge, and one of all edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netopt.bench.link_cases import BANDWIDTH, BIDIRECTIONAL, LATENCY, TESTS, WINDOW
from netopt.bench.output import BUSY, table
from netopt.report.units import prefix, seconds

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

Row = dict[str, Any]
TOO_LONG = "too long"
HEADS = {LATENCY: "latency", BANDWIDTH: "bandwidth", BIDIRECTIONAL: "both ways"}


def render(rows: Sequence[Row]) -> Group:
    """Return the rows of :func:`netopt.bench.link.measure` as tables."""
    from rich.console import Group

    edges = list(dict.fromkeys(row["edge"] for row in rows))
    tables = [part for edge in edges for part in _edge([r for r in rows if r["edge"] == edge])]
    if len(edges) > 1:
        tables.append(_all(rows, edges))
    return Group(*tables, _notes(rows))


def described(link: Mapping[str, Any]) -> str:
    """Return a link's options in a few words, without those that change nothing.

    >>> described({"rate": "10 Mbit/s", "latency": "5 ms", "loss": 0.0, "duplex": "full"})
    '10 Mbit/s, 5 ms'
    """
    words = [link["rate"] or "no limit"]
    words += [link["latency"]] if link["latency"] != "0 s" else []
    words += [f"loss {link['loss']:g}"] if link["loss"] else []
    words += ["half duplex"] if link["duplex"] == "half" else []
    return ", ".join(words)


def rate(value: float) -> str:
    """Return bit/s to three significant digits.

    >>> rate(93_456_000.0), rate(512.0)
    ('93.5 Mbit/s', '512 bit/s')
    """
    divisor, letter = prefix(float(f"{value:.3g}"))
    return f"{float(f'{value / divisor:.3g}'):g} {letter}bit/s"


def count(value: float) -> str:
    """Return a number to three significant digits, with its prefix."""
    divisor, letter = prefix(float(f"{value:.3g}"))
    return f"{float(f'{value / divisor:.3g}'):g}{' ' if letter else ''}{letter}"


def size(value: int) -> str:
    """Return bytes in powers of 1024 where they are whole.

    >>> size(1), size(65536), size(1000)
    ('1 B', '64 KiB', '1000 B')
    """
    for unit, name in ((2**20, "MiB"), (2**10, "KiB")):
        if value % unit == 0:
            return f"{value // unit} {name}"
    return f"{value} B"


def _edge(rows: Sequence[Row]) -> list[Table]:
    """Return the tables of an edge: one, and one of the way back if that differs."""
    first = rows[0]
    back = [row for row in rows if row["source"] != first["source"]]
    forth = [row for row in rows if row["source"] == first["source"]]
    found = [_sizes(_title(first), forth, TESTS)]
    if back:
        found.append(_sizes(f"Edge {first['edge']}, from {back[0]['source']}", back, (BANDWIDTH,)))
    return found


def _sizes(title: str, rows: Sequence[Row], tests: Sequence[str]) -> Table:
    lines = table(title, ("size",), _heads(rows, tests))
    linked = any(row["predicted"] for row in rows)
    points = {(row["test"], row["bytes"]): row for row in rows}
    for length in dict.fromkeys(row["bytes"] for row in rows):
        cells = [cell for test in tests for cell in _cells(points[test, length], linked)]
        speed = points[BANDWIDTH, length]["messages_per_second"]
        lines.add_row(size(length), *cells, count(speed) if speed else "-")
    return lines


def _title(row: Row) -> str:
    there, back = described(row["link"]), described(row["link_back"])
    link = there if there == back else f"{there} there; {back} back"
    shared = [
        f"{name} of {rank} {rate(speed)}"
        for name in ("uplink", "downlink")
        for rank, speed in zip((row["source"], row["target"]), row[f"{name}s"], strict=True)
        if speed is not None
    ]
    words = ["no link configured" if link == "no limit" and not shared else link, *shared]
    return f"Edge {row['edge']}: {', '.join(words)}"


def _heads(rows: Sequence[Row], tests: Sequence[str]) -> list[str]:
    """Return the heads of the columns: values, and their ratio to the link's where there is one."""
    ratio = ("x link",) if any(row["predicted"] for row in rows) else ()
    return [head for test in tests for head in (HEADS[test], *ratio)] + ["messages/s"]


def _cells(row: Row, ratio: bool) -> list[str]:
    if not row["samples"]:
        return [TOO_LONG, ""][: 1 + ratio]
    value = seconds(row["median"]) if row["unit"] == "s" else rate(row["median"])
    few = f" ({row['window']})" if row["test"] != LATENCY and row["window"] < WINDOW else ""
    times = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
    return [f"{value}{few} ±{row['spread'] / 2:.0%}", times][: 1 + ratio]


def _all(rows: Sequence[Row], edges: Sequence[str]) -> Table:
    title = "All edges: the smallest latency, and the best of all sizes"
    lines = table(title, ("edge",), _heads(rows, TESTS))
    linked = any(row["predicted"] for row in rows)
    for edge in edges:
        here = [row for row in rows if row["edge"] == edge]
        here = [row for row in here if row["source"] == here[0]["source"]]
        found = [_best([row for row in here if row["test"] == test]) for test in TESTS]
        cells = [cell for best in found for cell in _cells(best, linked)]
        speeds = [row["messages_per_second"] or 0.0 for row in here]
        lines.add_row(edge, *cells, count(max(speeds)))
    return lines


def _best(rows: Sequence[Row]) -> Row:
    """Return the row with the best median, or any if none has a sample."""
    known = [row for row in rows if row["samples"]]
    better = min if rows[0]["unit"] == "s" else max
    return better(known, key=lambda row: float(row["median"])) if known else rows[0]


def _notes(rows: Sequence[Row]) -> str:
    """Return what the numbers mean and what they were measured on."""
    first = rows[0]
    notes = [
        "latency: half a round trip; bandwidth: message bytes of a window of 64 messages and a "
        "reply, or of as many as stand in brackets; medians ± half the distance of the quartiles."
    ]
    if any(row["predicted"] for row in rows):
        notes.append(
            "x link: the median over what the configured link would deliver, packets' headers "
            "counted."
        )
    if not (first["fabric"] or first["clock"] != "none"):
        notes.append("Messages take the time that MPI itself takes here; nothing is emulated.")
    if first["fabric"]:
        notes.append("The kernel has the links.")
    if first["clock"] == "real":
        notes.append("Messages are held back as in a run with clock: real.")
    if not first["delayed"]:
        notes.append("Nobody delays them: x link leaves latencies out.")
    if any(row[name]["loss"] for row in rows for name in ("link", "link_back")):
        notes.append("Losses are in what was measured, not in what x link compares it with.")
    if any(not row["samples"] for row in rows):
        longest = max(row["expected"] for row in rows if not row["samples"])
        notes.append(f"{TOO_LONG}: --limit allows more; up to {seconds(longest)} an iteration.")
    if first["load"] >= BUSY:
        notes.append("The machine was busy: messages wait for other programs; try an idle one.")
    library = " ".join(first["mpi"].split())
    return " ".join([*notes, f"{first['machine']}, load {first['load']:.1f} before; {library}"])
