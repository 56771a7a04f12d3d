"""The tables of a plan: the graph, the channels, the traffic, and the links with their time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from netopt import quantities
from netopt.frame import HEADER_BYTES
from netopt.links import Link
from netopt.report import units
from netopt.report.components import flow
from netopt.report.plan import Plan
from netopt.report.plan_links import LinkClass, LinksPlan, TimePlan

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

BOUNDS = {"exact": "", "least": "at least ", "most": "at most ", "about": "about "}
FEW, MOST_KINDS = 3, 12
"""Edges of one kind that are named, and kinds that have a line."""


def render(plan: Plan) -> RenderableType:
    """Return a plan as tables."""
    from rich.console import Group

    tables = [_graph_table(plan), _channel_table(plan), _total_table(plan)]
    if plan.links is not None:
        if any(not one.link.ideal for one in plan.links.classes):
            tables.append(_link_table(plan.links))
        tables.append(_time_table(plan.links, plan.rounds))
    return Group(*tables)


def _graph_table(plan: Plan) -> Table:
    table = _facts(f"graph {plan.topology}")
    kind = "directed" if plan.directed else "undirected"
    table.add_row("agents", str(plan.agents))
    table.add_row("directed edges", f"{plan.directed_edges} ({kind} graph)")
    table.add_row(
        "out-degree" if plan.directed else "degree", _range(plan.degree_min, plan.degree_max)
    )
    table.add_row("connected", _yes(plan.connected))
    table.add_row("diameter", "-" if plan.diameter is None else f"{plan.diameter} hops")
    table.add_row("doubly stochastic", _yes(plan.doubly_stochastic))
    table.add_row("spectral gap", f"{plan.spectral_gap:.6g}")
    table.add_row("second singular value", f"{plan.second_singular_value:.6g}")
    return table


def _turn(plan: Plan) -> str:
    """Return what frames are counted by: asynchronous agents have no round in common."""
    return "an own round" if plan.asynchronous else "a round"


def _channel_table(plan: Plan) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=f"channels, d = {plan.d}", title_justify="left")
    table.title_style = "bold"
    for name in ("channel", "codec"):
        table.add_column(name)
    for name in ("vectors", "payload bits", "frame bytes", f"frames {_turn(plan)}"):
        table.add_column(name, justify="right")
    for channel in plan.channels:
        if not channel.frames_per_round:
            continue  # what is told in the set-up alone
        most = "" if channel.exact else "at most "
        table.add_row(
            channel.name,
            flow(channel.codec.config()),
            str(channel.vectors),
            f"{most}{channel.payload_bits}",
            f"{most}{channel.frame_bytes} = {HEADER_BYTES} + {channel.payload_bytes}",
            str(channel.frames_per_round),
        )
    return table


def _total_table(plan: Plan) -> Table:
    table = _facts("traffic, headers included")
    most = "" if plan.exact else "at most "
    whole = most if not plan.may_stop else "at most "
    edge = [edge.wire_bytes for edge in plan.edges]
    low, high = min(edge, default=0), max(edge, default=0)
    table.add_row(f"an edge, {_turn(plan)}", f"{most}{_range(low, high)} B")
    table.add_row(f"all edges, {_turn(plan)}", f"{most}{_bytes(plan.wire_bytes_per_round)}")
    for extra in plan.extras:
        times = "when the data want it" if extra.times is None else f"{extra.times} times"
        size = f"{'' if extra.exact else 'at most '}{_bytes(extra.wire_bytes)}"
        table.add_row(f"a {extra.what}", f"{size}, {times}")
    apart = [f", and each {extra.what}" for extra in plan.extras if extra.times is None]
    total = f"{whole}{_bytes(plan.wire_bytes_total)}{''.join(apart)}"
    if plan.asynchronous:
        table.add_row("rounds", "each agent's own, as many as it plays by the clock")
    else:
        table.add_row(f"all edges, {plan.rounds} rounds", total)
    if plan.setup_bytes:
        table.add_row("set-up, once", _bytes(plan.setup_bytes))
    if not plan.asynchronous:
        bits = units.bits(plan.payload_bits_total, exact=True)
        table.add_row("of it payload", f"{whole}{bits}")
    return table


def _link_table(links: LinksPlan) -> Table:
    """Return a line for each kind of link, of many the slowest, with the columns that they have."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title="links", title_justify="left")
    table.title_style = "bold"
    slowest = sorted(links.classes, key=lambda one: -max(_times(one, links)))
    kept = links.classes if len(slowest) <= MOST_KINDS else slowest[:MOST_KINDS]
    rows = [_link_cells(one, links) for one in kept]
    heads = [head for head in rows[0] if any(row[head] != "-" for row in rows)]
    for head in heads:
        table.add_column(head, justify="left" if head == "edges" else "right")
    for row in rows:
        table.add_row(*(row[head] for head in heads))
    if len(rows) < len(slowest):
        table.add_row(f"and {len(slowest) - len(rows)} kinds that are faster")
    return table


def _times(one: LinkClass, links: LinksPlan) -> list[float]:
    mine = set(one.edges)
    return [edge.seconds for edge in links.edges if (edge.source, edge.target) in mine]


def _link_cells(one: LinkClass, links: LinksPlan) -> dict[str, str]:
    link, total = one.link, sum(len(other.edges) for other in links.classes)
    named = ", ".join(f"{i} -> {j}" for i, j in one.edges)
    many = f"all {total}" if len(one.edges) == total else f"{len(one.edges)} of {total}"
    times = _times(one, links)
    low, high = units.seconds(min(times)), units.seconds(max(times))
    headers = link.overhead + link.framing  # of each packet
    return {
        "edges": named if len(one.edges) <= FEW and len(one.edges) < total else many,
        "rate": "no limit" if link.rate is None else quantities.written_rate(float(link.rate)),
        "latency": units.seconds(float(link.latency)),
        "jitter": units.seconds(float(link.jitter)) if link.jitter else "-",
        "loss": f"{100 * link.loss:g} %" if link.loss else "-",
        "if lost": _if_lost(link) if link.loss else "-",
        "duplex": "half" if link.duplex == "half" else "-",
        "mtu": "-" if link.mtu is None else f"{link.mtu} B",
        "headers": f"{headers} B" if headers else "-",
        "a round": "-" if links.slowest is None else low if low == high else f"{low} to {high}",
    }


def _if_lost(link: Link) -> str:
    if link.on_loss == "drop":
        return "dropped"
    return f"again in {units.seconds(float(link.resend_after))}"


def _time_table(links: LinksPlan, rounds: int) -> Table:
    table = _facts("clock")
    table.add_row("clock", links.clock)
    if links.compute is not None:
        table.add_row("compute", links.compute)
    for what, rates in (("uplink", links.uplinks), ("downlink", links.downlinks)):
        if rates:
            table.add_row(what, _rates(rates))
    if links.slowest is not None and links.slowest.seconds > 0:
        slow = links.slowest
        chance = any(one.link.loss or one.link.jitter for one in links.classes)
        mean = " in the mean" if chance else ""
        row = f"{slow.source} -> {slow.target}, {units.seconds(slow.seconds)} a round{mean}"
        table.add_row("slowest edge", row)
    if links.tick is not None:
        table.add_row(
            "a round", f"{units.seconds(links.tick)}, in which agents go as far as they come"
        )
    if links.time is not None:
        word = BOUNDS[links.time.bound]
        table.add_row("round 0", f"{word}{units.seconds(links.time.first)}")
        table.add_row(f"{rounds} rounds", f"{word}{units.seconds(links.time.seconds)}")
        table.add_row("", _counted(links.time, rounds))
    return table


def _counted(time: TimePlan, rounds: int) -> str:
    """Return what the seconds count, and what they leave out."""
    if time.bound == "exact":
        return "(links and compute: what the run will say)"
    counts = ["links and compute" if time.computed else "the links alone, without compute"]
    counts += ["without rare frames"] if time.rare else []
    counts += ["with the largest frames"] if time.largest else []
    counts += [f"from the first {time.played} rounds"] if time.played < rounds else []
    return f"({', '.join(counts)})"


def _rates(rates: Mapping[int, float]) -> str:
    """Return nodes and their rates, or the one rate that all have."""
    found = {quantities.written_rate(rate) for rate in rates.values()}
    if len(found) == 1 and len(rates) > FEW:
        return f"{found.pop()}, of {len(rates)} agents"
    return ", ".join(f"{quantities.written_rate(rate)} of agent {i}" for i, rate in rates.items())


def _facts(title: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, show_header=False, title=title, title_justify="left")
    table.title_style = "bold"
    table.add_column(min_width=24)
    table.add_column()
    return table


def _bytes(count: int) -> str:
    """Return bytes by number, and with a unit where that is easier to read."""
    return f"{count} B" + (f" ({units.size(count)})" if count >= 1000 else "")


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
