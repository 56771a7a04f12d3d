"""Curves know what came of the runs: the measure of each, and its mean and band over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from netopt import config
from netopt.algorithms._star import HUB
from netopt.config import Experiment
from netopt.errors import ConfigError
from netopt.report import reading
from netopt.report.reading import Column
from netopt.reproduce._cases import Case, Request

DISTANCE = "distance"
GEOMETRIC = (DISTANCE, "grad_norm", "consensus")
"""Measures that fall by factors: their mean is geometric, and that of all others arithmetic."""
LEAST = float(np.finfo(np.float64).tiny)
"""What stands for an error of exactly 0, which has no logarithm."""


class Run(NamedTuple):
    """One finished run; the columns have one entry a recorded row.

    ``error`` is (||x_k - x*|| / ||x_0 - x*||)^power where the ``measure`` is the distance, and
    else the column of metrics that it names. ``uplink_bits`` is the payload sent to the hub, or on
    all edges where there is no ``hub``; ``wire_bytes`` is all payload and headers on all edges.
    Both are without the set-up, whose payload and whole bytes are ``setup_bits`` and
    ``setup_bytes``. ``table`` has all columns of the metrics, NaN where nothing was recorded, and
    ``edges`` the lines of edges.csv. ``directory`` is where all of it was read.
    """

    case: Case
    round: Column
    error: Column
    uplink_bits: Column
    wire_bytes: Column
    seconds: Column
    setup_bits: int
    setup_bytes: int
    up_frames: int
    table: Mapping[str, Column] = MappingProxyType({})
    measure: str = DISTANCE
    hub: bool = True
    edges: Sequence[Mapping[str, int]] = ()
    directory: Path | None = None

    def by(self, measure: str) -> Run:
        """Return the run with a column of its metrics as the measure; ConfigError without it."""
        if measure not in self.table:
            raise ConfigError(f"'{self.case.name}' has no column '{measure}' in its metrics")
        return self._replace(error=self.table[measure], measure=measure)

    def last(self, column: str) -> float:
        """Return the last number recorded in a column of the metrics; NaN if there is none."""
        known = self.table[column][np.isfinite(self.table[column])]
        return float(known[-1]) if len(known) else float("nan")


class Curve(NamedTuple):
    """A series: mean and band (one standard deviation) of the ``measure`` over ``n`` seeds.

    Both are of the logarithm for the measures in GEOMETRIC. ``columns`` has the arithmetic means
    of all columns of the metrics, and the other columns are arithmetic means, too.
    """

    group: str
    series: str
    at: float | None
    n: int
    round: Column
    error: Column
    low: Column
    high: Column
    uplink_bits: Column
    wire_bytes: Column
    seconds: Column
    setup_bits: float
    setup_bytes: float
    columns: Mapping[str, Column] = MappingProxyType({})
    measure: str = DISTANCE
    hub: bool = True


def read(case: Case, directory: Path, power: int, measure: str = DISTANCE) -> Run:
    """Return what a finished run directory says; ConfigError if it does not know the measure."""
    files = reading.load(directory)
    table = reading.columns(files.rows)
    if measure == DISTANCE:
        if not np.isfinite(table["distance"]).all():
            raise ConfigError(f"'{directory}' knows no minimiser, and so no error")
        error = (table["distance"] / table["distance"][0]) ** power
    elif measure in table:
        error = table[measure]
    else:
        raise ConfigError(f"'{directory}' has no column '{measure}' in its metrics")
    used = [edge for edge in files.edges if edge["frames"]]
    hub = all(HUB in (edge["src"], edge["dst"]) for edge in used)
    up = [edge for edge in files.edges if edge["dst"] == HUB or not hub]
    down = sum(e["payload_bits"] for e in files.edges) - sum(e["payload_bits"] for e in up)
    # What comes down is raw numbers, so that it grows evenly; only its total was counted apart.
    share = table["round"] / table["round"][-1] * down
    return Run(
        case,
        table["round"],
        error,
        table["payload_bits"] - share,
        table["wire_bytes"],
        table["seconds"],
        sum(edge["setup_bits"] for edge in files.edges),
        sum(edge["setup_bytes"] for edge in files.edges),
        sum(edge["frames"] for edge in up),
        table,
        measure,
        hub,
        files.edges,
        directory,
    )


def over_seeds(runs: Sequence[Run]) -> Curve:
    """Return the curve of runs that differ only by their seed, at the rows that all of them have.

    The mean is mean(error), the band mean -+ std(error), std over n; for a measure in GEOMETRIC it
    is exp(mean(log error)), and exp(mean -+ std(log error)).
    """
    rows = min(len(run.round) for run in runs)
    errors = np.array([run.error[:rows] for run in runs])
    middle, low, high = _band(errors, runs[0].measure in GEOMETRIC)
    group, series, at = runs[0].case.key
    shared = [name for name in runs[0].table if all(name in run.table for run in runs)]

    def column(name: str) -> Column:
        return np.asarray(np.mean([getattr(run, name)[:rows] for run in runs], axis=0))

    return Curve(
        group=group,
        series=series,
        at=at,
        n=len(runs),
        round=runs[0].round[:rows],
        error=middle,
        low=low,
        high=high,
        uplink_bits=column("uplink_bits"),
        wire_bytes=column("wire_bytes"),
        seconds=column("seconds"),
        setup_bits=float(np.mean([run.setup_bits for run in runs])),
        setup_bytes=float(np.mean([run.setup_bytes for run in runs])),
        columns={n: np.mean([run.table[n][:rows] for run in runs], axis=0) for n in shared},
        measure=runs[0].measure,
        hub=runs[0].hub,
    )


def _band(errors: Column, geometric: bool) -> tuple[Column, Column, Column]:
    """Return the mean of errors, shape (runs, rows), and a deviation below and above it."""
    values = np.log(np.maximum(errors, LEAST)) if geometric else errors
    mean, off = values.mean(axis=0), values.std(axis=0)
    if geometric:
        return np.exp(mean), np.exp(mean - off), np.exp(mean + off)
    return mean, mean - off, mean + off


class Results:
    """All finished runs of a study, by group, series and place in the sweep."""

    def __init__(self, request: Request, runs: Sequence[Run]) -> None:
        self.request = request
        self._runs: dict[tuple[str, str, float | None], list[Run]] = {}
        self._dimensions: dict[str, int] = {}
        for run in runs:
            self._runs.setdefault(run.case.key, []).append(run)

    def groups(self) -> list[str]:
        """Return the groups in the order in which the study lists them."""
        return list(dict.fromkeys(group for group, _, _ in self._runs))

    def series(self, group: str = "") -> list[str]:
        """Return the series of a group, in order."""
        return list(dict.fromkeys(series for of, series, _ in self._runs if of == group))

    def places(self, series: str, group: str = "") -> list[float]:
        """Return where in the sweep a series was played, ascending."""
        return sorted(at for g, s, at in self._runs if (g, s) == (group, series) and at is not None)

    def runs(self, series: str, at: float | None = None, group: str = "") -> list[Run]:
        """Return the runs of a series, one a seed; empty if there is none."""
        return self._runs.get((group, series, at), [])

    def curve(
        self, series: str, at: float | None = None, group: str = "", measure: str | None = None
    ) -> Curve:
        """Return the curve of a series, of another ``measure`` than the study's if one is given."""
        runs = self.runs(series, at, group)
        return over_seeds(runs if measure is None else [run.by(measure) for run in runs])

    @cached_property
    def curves(self) -> list[Curve]:
        """Return the curves of all series."""
        return [over_seeds(runs) for runs in self._runs.values()]

    def all(self) -> list[Run]:
        """Return every run."""
        return [run for runs in self._runs.values() for run in runs]

    def dimension(self, run: Run) -> int:
        """Return d of a run's problem; the runs of a group have the same."""
        group = run.case.group
        if group not in self._dimensions:
            self._dimensions[group] = config.make(run.case.run).problem.d
        return self._dimensions[group]

    def experiment(self, series: str, at: float | None = None, group: str = "") -> Experiment:
        """Return the experiment of a series' first seed, built anew: for what theory needs."""
        return config.make(self.runs(series, at, group)[0].case.run)

    def experiments(
        self, series: str, at: float | None = None, group: str = ""
    ) -> Iterator[Experiment]:
        """Yield the experiments of a series' seeds, one at a time: data take room."""
        for run in self.runs(series, at, group):
            yield config.make(run.case.run)


def tail_factor(run: Run, start: float, floor: float = 1e-12) -> float:
    """Return the mean contraction a round of the error from ``start`` (a share of the rows) on.

    Rows whose error is below ``floor`` are rounding: they do not count, for the share neither.
    """
    last = int(np.flatnonzero(run.error > floor)[-1])
    first = int(start * last)
    rounds = run.round[last] - run.round[first]
    return float((run.error[last] / run.error[first]) ** (1 / rounds))


def whole_factor(run: Run) -> float:
    """Return (error at the end / error at the start)^(1/T), the paper's measure."""
    return float(max(run.error[-1], LEAST) ** (1 / run.round[-1]))


def rounds_to(run: Run, target: float) -> float:
    """Return the first recorded round at which the error is at most ``target``; inf if none is."""
    reached = np.flatnonzero(run.error <= target)
    return float(run.round[reached[0]]) if len(reached) else float("inf")


def value_at(run: Run, column: str, cost: str, budget: float) -> float:
    """Return the last number in a column of the metrics before its ``cost`` is above a budget.

    ``cost`` is another column, such as wire_bytes. NaN if the run ended before the budget was
    spent: it could have come further.
    """
    spent, values = run.table[cost], run.table[column]
    if spent[-1] < budget:
        return float("nan")
    known = np.flatnonzero((spent <= budget) & np.isfinite(values))
    return float(values[known[-1]]) if len(known) else float("nan")


def bits_to(run: Run, target: float) -> float:
    """Return the uplink payload bits until the error is at most ``target``, without the set-up."""
    reached = np.flatnonzero(run.error <= target)
    return float(run.uplink_bits[reached[0]]) if len(reached) else float("inf")
