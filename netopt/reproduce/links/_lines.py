"""The workers' lines to the hub: what is emulated, and in closed form how long a round takes there.

All that a synchronous star waits for is c + b / r at the rate r of the lines: c is what no rate
shortens, b the bits that follow one another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from netopt import quantities
from netopt.algorithms._star import HUB
from netopt.reproduce._curves import Run


class Rate(NamedTuple):
    """A rate of the lines up, in bit/s, and the latency, in s, that such lines usually have."""

    name: str
    rate: float
    latency: float


RATES = (
    Rate("1 Gbit/s", 1e9, 1e-4),
    Rate("10 Mbit/s", 1e7, 2e-2),
    Rate("100 kbit/s", 1e5, 2e-3),
)
"""A switched local network, an access line across the Internet, a sensors' radio in a building."""
SWEPT = RATES[2]
"""Its latency is that of all lines in a sweep of rates, which has its rate, too."""


class Shape(NamedTuple):
    """How the lines are: ``down`` times as fast down as up; ``shared``: one interface at the hub.

    The hub's interface has the rates of one line, for all workers together.
    """

    name: str
    down: float = 1.0
    shared: bool = False


ALIKE = Shape("both ways alike")
FAST = Shape("down 10 times as fast", 10.0)
ONE = Shape("one such interface at the hub", 10.0, True)
SHAPES = (ALIKE, FAST, ONE)


def topology(shape: Shape, rate: float, latency: float, n: int) -> dict[str, Any]:
    """Return the star of n workers whose lines have this ``rate`` up."""
    star: dict[str, Any] = {"id": "star", "size": n + 1}
    star["link"] = {"rate": rate, "latency": latency}
    if shape.down != 1:
        star["links"] = {f"{HUB}->{i}": {"rate": shape.down * rate} for i in range(1, n + 1)}
    if shape.shared:
        star |= {"uplink": {HUB: shape.down * rate}, "downlink": {HUB: rate}}
    return star


class Time(NamedTuple):
    """Seconds that depend on the rate r of the lines: ``fixed`` + ``bits`` / r."""

    fixed: float
    bits: float

    def at(self, rate: float) -> float:
        """Return the seconds at a rate in bit/s."""
        return self.fixed + self.bits / rate

    def times(self, rounds: float) -> Time:
        """Return the time of so many rounds."""
        return Time(rounds * self.fixed, rounds * self.bits)

    def and_then(self, other: Time) -> Time:
        """Return the time of both, one after the other."""
        return Time(self.fixed + other.fixed, self.bits + other.bits)


class Sent(NamedTuple):
    """Bits on the wire: of a frame up (the ``largest`` of a round, and the mean) and one down.

    ``setup_up`` and ``setup_down`` are those of the whole set-up, of one worker.
    """

    largest: float
    up: float
    down: float
    setup_up: float
    setup_down: float


def sent(run: Run, spread: float = 1.0) -> Sent:
    """Return what a run sent, from its edges; the largest frame is ``spread`` times the mean."""
    up = [edge for edge in run.edges if edge["dst"] == HUB]
    down = [edge for edge in run.edges if edge["src"] == HUB]
    mean = float(np.mean([_frame(edge) for edge in up]))
    return Sent(
        spread * mean,
        mean,
        float(np.mean([_frame(edge) for edge in down])),
        8.0 * max(edge["setup_bytes"] for edge in up),
        8.0 * max(edge["setup_bytes"] for edge in down),
    )


def _frame(edge: Mapping[str, int]) -> float:
    """Return the bits of a frame on an edge, in the mean over all rounds, its header included."""
    return 8.0 * (edge["payload_bytes"] + edge["header_bytes"]) / edge["frames"]


def thinks(run: Run) -> float:
    """Return the seconds of compute of a round, as the run's model has them."""
    return quantities.duration(run.case.run["network"]["compute"]["seconds"])


def round_time(shape: Shape, n: int, latency: float, compute: float, sent: Sent) -> Time:
    """Return the time of a round: compute, a frame up, one down, and the latency twice.

    With one interface at the hub, worker i gets its frame as the i-th and may start at once, and
    what comes up queues in that order: after i frames down come n - i + 1 frames up, and the round
    takes the longest of these ways.
    """
    down = sent.down / shape.down
    bits = sent.largest + down
    if shape.shared:
        bits = max(down + n * sent.up, n * down + sent.up)
    return Time(compute + 2 * latency, bits)


def setup_time(shape: Shape, n: int, latency: float, sent: Sent) -> Time:
    """Return the time of a set-up: matrices up, one number down; 0 if there is none."""
    if not sent.setup_up:
        return Time(0.0, 0.0)
    many = n if shape.shared else 1
    bits = many * (sent.setup_up + sent.setup_down / shape.down)
    return Time(latency * (2 if sent.setup_down else 1), bits)


def pays_below(base: Time, other: Time) -> float:
    """Return the rate, in bit/s, below which ``other`` is sooner than ``base``.

    0 if it is not even on the slowest lines, and infinite if it is at all rates.

    >>> pays_below(Time(1.0, 5000.0), Time(2.0, 1000.0))
    4000.0
    """
    saved, lost = base.bits - other.bits, other.fixed - base.fixed
    if saved <= 0 or not math.isfinite(saved):
        return 0.0
    return saved / lost if lost > 0 else math.inf


def seen_below(rates: Sequence[float], base: Sequence[float], other: Sequence[float]) -> float:
    """Return the same from seconds at ascending ``rates``: between two of them linear in 1 / rate.

    >>> round(seen_below([1e3, 1e4], [6.0, 1.5], [3.0, 2.1]))
    4000
    """
    with np.errstate(invalid="ignore"):  # neither has come to the accuracy: inf - inf
        ahead = np.asarray(base) - np.asarray(other)
    behind = np.flatnonzero(~(ahead > 0))
    if not len(behind):
        return math.inf
    k = int(behind[0])
    if k == 0 or not np.all(np.isfinite(ahead[k - 1 : k + 1])):
        return 0.0
    share = ahead[k - 1] / (ahead[k - 1] - ahead[k])
    slow, fast = 1 / rates[k - 1], 1 / rates[k]
    return float(1 / (slow + share * (fast - slow)))
