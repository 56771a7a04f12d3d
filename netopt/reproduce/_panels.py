"""Panels that many studies share: the error of some curves against what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from netopt.report.reading import Column
from netopt.report.units import prefix
from netopt.reproduce._curves import Curve
from netopt.reproduce._drawing import Line, Panel

LOWEST, HIGHEST = 1e-16, 1e3
"""Relative errors below are rounding; those above belong to a method that diverges."""


class Shown(NamedTuple):
    """A curve to draw: its label and colour; ``rate`` is a factor a round that theory promises."""

    curve: Curve
    label: str
    colour: int
    rate: float | None = None


Cost = Callable[[Curve], Column]


def errors(
    shown: Sequence[Shown], measure: str, title: str, theory: str = "", power: int = 1
) -> list[Panel]:
    """Return the panels error against rounds, uplink bytes and seconds.

    If some method has a set-up, there is a panel of bytes without it and one with it.

    ``measure`` is the axis label of the error, ``title`` goes before each panel's own, ``theory``
    is the label of the lines rate^k.
    """
    lines = [_line(one, lambda curve: curve.round) for one in shown]
    lines += [_promise(one, theory) for one in shown if one.rate is not None]
    panels = [Panel(f"{title}: iterations", "iterations", measure, lines, log_y=True)]
    setup = any(one.curve.setup_bits for one in shown)
    note = ", without set-up" if setup else ""
    panels.append(_bytes(shown, measure, f"{title}: bytes{note}", note, False))
    if setup:
        panels.append(_bytes(shown, measure, f"{title}: bytes, with set-up", ", with set-up", True))
    lines = [_line(one, lambda curve: curve.seconds) for one in shown]
    panels.append(Panel(f"{title}: seconds", "wall time (s)", measure, lines, True, True))
    low, high = LOWEST**power, HIGHEST**power
    return [panel._replace(lowest=low, highest=high) for panel in panels]


def metric(shown: Sequence[Shown], label: str, title: str, log_y: bool = False) -> list[Panel]:
    """Return the panels of the curves' measure against rounds, payload bytes and seconds.

    ``label`` is the axis label of the measure, ``title`` goes before each panel's own. Payload is
    what the hub gets where all curves have one, and else what all edges carry.
    """
    hub = all(one.curve.hub for one in shown)
    most = max(float(_payload(one.curve, hub)[-1]) for one in shown)
    divisor, letter = prefix(most)
    where = "to the hub" if hub else "on all edges"
    costs: list[tuple[str, str, Cost]] = [
        ("iterations", "iterations", lambda curve: curve.round),
        ("bytes", f"payload {where} ({letter}B)", lambda curve: _payload(curve, hub) / divisor),
        ("seconds", "wall time (s)", lambda curve: curve.seconds),
    ]
    return [
        Panel(f"{title}: {name}", x, label, [_line(one, cost) for one in shown], k > 0, log_y=log_y)
        for k, (name, x, cost) in enumerate(costs)
    ]


def _payload(curve: Curve, hub: bool) -> Column:
    """Return the payload bytes that the hub got, or those of all edges, shape (rows,)."""
    return (curve.uplink_bits if hub else curve.columns["payload_bits"]) / 8


def _bytes(shown: Sequence[Shown], measure: str, title: str, note: str, setup: bool) -> Panel:
    most = max(float(one.curve.uplink_bits[-1] + one.curve.setup_bits) for one in shown) / 8
    divisor, letter = prefix(most)

    def cost(curve: Curve) -> Column:
        return np.asarray(
            (curve.uplink_bits + (curve.setup_bits if setup else 0.0)) / (8 * divisor)
        )

    lines = [_line(one, cost) for one in shown]
    return Panel(title, f"payload sent to the hub ({letter}B){note}", measure, lines, True, True)


def _line(one: Shown, cost: Cost) -> Line:
    curve = one.curve
    return Line(one.label, cost(curve), curve.error, one.colour, curve.low, curve.high)


def _promise(one: Shown, theory: str) -> Line:
    assert one.rate is not None
    y = one.rate**one.curve.round
    return Line(theory, one.curve.round, y, one.colour, dash="--")
