"""What the studies of QGD's larger problems share: its rates, the runs, and how they are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from netopt.reproduce._cases import Case
from netopt.reproduce._claims import Claim, at_least, at_most, exact
from netopt.reproduce._curves import Results, Run
from netopt.reproduce.qgd._escapes import REFERENCE

__all__ = [
    "REFERENCE",
    "Length",
    "Method",
    "bends_up",
    "cases",
    "ends",
    "for_the_same_bytes",
    "no_worse",
    "payload",
    "rates",
]
EDGES = 8
"""Directed edges of W1, on which five agents talk."""
CLOSE = 0.01
"""How much worse a loss may be and still count as equally good."""
FLAT = -0.01
"""A smallest eigenvalue above this share of the start's size counts as gone."""
RAW = {"id": "raw", "dtype": "float64"}


class Length(NamedTuple):
    """How long a study is: rounds of a run, how many seeds, and rounds between two rows."""

    rounds: int
    seeds: int
    every: int


class Method(NamedTuple):
    """A series of a study: ``levels`` None sends float64 numbers, else QGD's grids of l levels."""

    series: str
    algorithm: Mapping[str, Any]
    levels: int | None = None

    @property
    def bits(self) -> int:
        """Return the bits of a coordinate on the wire: those of 2 l + 2 symbols."""
        return 64 if self.levels is None else (2 * self.levels + 1).bit_length()

    @property
    def scale_bits(self) -> int:
        """Return the bits of a message beside its coordinates: the norm's."""
        return 0 if self.levels is None else 32

    def codec(self) -> dict[str, Any]:
        """Return what the method sends."""
        return RAW if self.levels is None else {"id": "switching", "levels": self.levels}


def rates(c_e: float, c_g: float, c_k: float) -> dict[str, Any]:
    """Return QGD with the schedule that its three larger problems have in common."""
    held = {"c_e": c_e, "c_g": c_g, "r": 0.3, "a": 0.6, "b": 0.9, "t0": 100, "c_k": c_k}
    return {"id": "qgd", "schedule": {"id": "sample-and-hold", **held}}


def cases(
    problem: Mapping[str, Any], methods: Sequence[Method], length: Length, group: str
) -> list[Case]:
    """Return a case a method and seed, on W1; the eigenvalue is looked at first and last."""
    record = {"every": length.every, "lambda_min": length.rounds}
    return [
        Case(
            one.series,
            {
                "seed": seed,
                "rounds": length.rounds,
                "problem": dict(problem),
                "topology": "w1",
                "algorithm": dict(one.algorithm),
                "codecs": {"mix": one.codec()},
                "record": record,
            },
            None,
            group,
        )
        for one in methods
        for seed in range(length.seeds)
    ]


def no_worse(
    results: Results, group: str, series: str, other: str, column: str = "loss", said: str = ""
) -> Claim:
    """Claim that a column ends no more than 1 % above that of another series, seed by seed."""
    pairs = zip(results.runs(series, None, group), results.runs(other, None, group), strict=True)
    ratios = [one.last(column) / two.last(column) for one, two in pairs]
    text = f"{group}: the {said or column} of {series}, over that of {other}"
    return at_most(text, 1 + CLOSE, ratios)


def for_the_same_bytes(results: Results, group: str, series: str, other: str) -> Claim:
    """Claim that a loss ends below that of another series with as much payload, or a row more."""
    pairs = zip(results.runs(series, None, group), results.runs(other, None, group), strict=True)
    ratios = []
    for one, two in pairs:
        bits = two.table["payload_bits"]
        row = int(np.searchsorted(bits, one.table["payload_bits"][-1]))
        ratios.append(one.last("loss") / float(two.table["loss"][min(row, len(bits) - 1)]))
    text = f"{group}: the loss of {series}, over that of {other} with the same payload"
    return at_most(text, 1.0, ratios, "< 1")


def bends_up(results: Results, group: str, series: str) -> Claim:
    """Claim that no direction at the end bends down by more than 1 % of what one did at first."""
    shares = [
        run.last("lambda_min") / abs(run.table["lambda_min"][0])
        for run in results.runs(series, None, group)
    ]
    text = f"{group}: smallest eigenvalue at the end of {series}, over its size at the start"
    return at_least(text, FLAT, shares)


def payload(results: Results, methods: Sequence[Method]) -> Claim:
    """Claim that every round of every run has the payload of the formula, by the ledger."""
    wrong = counted = 0
    for one in methods:
        for group in results.groups():
            for run in results.runs(one.series, None, group):
                bits = EDGES * (one.scale_bits + results.dimension(run) * one.bits)
                wrong += bool((run.table["payload_bits"] != bits * run.round).any())
                counted += 1
    widths = ", ".join(f"{one.series}: {one.bits} bits" for one in methods if one.levels)
    return exact(f"payload of every round by the ledger ({widths})", wrong, counted, "runs")


def ends(results: Results, methods: Sequence[Method], columns: Mapping[str, str]) -> str:
    """Return a table of how the runs ended, means over seeds; ``columns`` are those of metrics."""
    head = f"## Ends\n| start | method | {' | '.join(columns.values())} | payload (MB) |\n"
    rule = f"| --- | --- |{' --- |' * (len(columns) + 1)}\n"
    rows = [
        f"| {group} | {one.series} | {_cells(results.runs(one.series, None, group), columns)} |"
        for group in results.groups()
        for one in methods
        if results.runs(one.series, None, group)
    ]
    return head + rule + "\n".join(rows)


def _cells(runs: Sequence[Run], columns: Mapping[str, str]) -> str:
    means = [float(np.mean([run.last(name) for run in runs])) for name in columns]
    bits = float(np.mean([run.table["payload_bits"][-1] for run in runs]))
    return " | ".join([*(f"{mean:.4g}" for mean in means), f"{bits / 8e6:.4g}"])
