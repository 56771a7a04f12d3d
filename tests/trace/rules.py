"""The rules of the Trace Event format, and what a trace of netopt says beyond them."""

from __future__ import annotations

import json
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

AGENTS, LINKS = 1, 2
KINDS = {"compute", "encode", "send", "wait", "decode"}
Event = dict[str, Any]


def nanoseconds(microseconds: float) -> int:
    """Return whole nanoseconds; the file must not hold anything finer."""
    found = Fraction(repr(microseconds)) * 1000
    assert found.denominator == 1, microseconds
    return int(found)


def read(directory: Path) -> dict[str, Any]:
    """Return trace.json, all times in nanoseconds."""
    whole = json.loads((directory / "trace.json").read_text("utf-8"))
    for event in whole["traceEvents"]:
        for name in ("ts", "dur"):
            if name in event:
                event[name] = nanoseconds(event[name])
    return whole


def slices(whole: dict[str, Any], process: int = AGENTS, *kinds: str) -> list[Event]:
    """Return the complete events of a process, of some kinds or of all."""
    return [
        event
        for event in whole["traceEvents"]
        if event["ph"] == "X" and event["pid"] == process and (not kinds or event["name"] in kinds)
    ]


def check(whole: dict[str, Any]) -> None:
    """Assert that a trace obeys the format's rules."""
    assert set(whole) == {"displayTimeUnit", "otherData", "traceEvents"}
    named = set()
    for event in whole["traceEvents"]:
        assert {"name", "ph", "pid", "tid"} <= set(event)
        assert event["ph"] in "XMstfi"
        if event["ph"] == "M":
            named.add((event["pid"], event["tid"], event["name"]))
            continue
        assert event["ts"] >= 0
        assert event.get("dur", 0) >= 0
        assert ("dur" in event) == (event["ph"] == "X")
        assert (event["pid"], event["tid"], "thread_name") in named
        assert (event["pid"], 0, "process_name") in named
    assert {event["name"] for event in slices(whole)} <= KINDS
    _check_order(whole)
    _check_nesting(whole)
    _check_flows(whole)


def _check_order(whole: dict[str, Any]) -> None:
    """The events of a thread come in the order of time, and what encloses others before them."""
    timed = [e for e in whole["traceEvents"] if e["ph"] != "M"]
    keys = [(e["pid"], e["tid"], e["ts"], -e.get("dur", 0)) for e in timed]
    assert keys == sorted(keys)


def _check_nesting(whole: dict[str, Any]) -> None:
    """Two slices of a thread have no instant in common, or one encloses the other."""
    threads = defaultdict(list)
    for process in (AGENTS, LINKS):
        for event in slices(whole, process):
            threads[process, event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for spans in threads.values():
        open_until: list[int] = []
        for begin, end in spans:
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            assert not open_until or end <= open_until[-1]
            open_until.append(end)


def _check_flows(whole: dict[str, Any]) -> None:
    """Every flow begins once, ends once, not before, and at a slice of its thread's sender."""
    flows: dict[int, dict[str, Event]] = defaultdict(dict)
    for event in whole["traceEvents"]:
        if event["ph"] in "stf":
            assert event["ph"] not in flows[event["id"]]
            flows[event["id"]][event["ph"]] = event
    sends = {(e["tid"], e["ts"] + e["dur"]) for e in slices(whole, AGENTS, "send")}
    crossings = {(e["tid"], e["ts"]) for e in slices(whole, LINKS)}
    for flow in flows.values():
        assert {"s", "f"} <= set(flow)
        steps = [flow[phase]["ts"] for phase in "stf" if phase in flow]
        assert steps == sorted(steps)
        assert (flow["s"]["tid"], flow["s"]["ts"]) in sends
        assert "t" not in flow or (flow["t"]["tid"], flow["t"]["ts"]) in crossings


def check_tiling(whole: dict[str, Any], agents: int) -> list[int]:
    """Assert that computing and waiting fill each agent's time; return when each ends (ns)."""
    ends = []
    for rank in range(agents):
        now = 0
        for event in slices(whole, AGENTS, "compute", "wait"):
            if event["tid"] == rank:
                assert event["ts"] == now
                now += event["dur"]
        ends.append(now)
    return ends
