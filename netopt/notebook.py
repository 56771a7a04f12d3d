"""The Python front door: a run file in, numpy arrays out, all in this process."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from netopt import config, engine
from netopt.ledger import Tally
from netopt.registry import load_file


class Result(NamedTuple):
    """What a run leaves: its curves, its estimates and its ledger.

    ``metrics`` maps a column of metrics.jsonl to an array over the recorded rounds (NaN where
    unknown), ``x`` holds the agents' last estimates, shape (N, d), ``mean`` their average, shape
    (d,), ``edges`` maps a column of edges.csv to an int64 array over the directed edges.
    """

    metrics: dict[str, npt.NDArray[np.float64]]
    x: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    edges: dict[str, npt.NDArray[np.int64]]
    summary: dict[str, Any]
    config: dict[str, Any]
    directory: Path | None


def run(
    source: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    load: Sequence[str | Path] = (),
    **overrides: Any,
) -> Result:
    """Play a run file in lockstep and return its Result.

    ``source`` is a path, the name of a shipped experiment, or what such a file holds as a mapping.

    ``overrides`` replace options, dotted names as ``**{"algorithm.lr": 0.1}``; ``out`` is a run
    directory to write, ``load`` names Python files with components. Raises ConfigError and the
    other errors of ``netopt.errors``.

    >>> import netopt
    >>> job = {"problem": "quadratic", "topology": "ring-5", "algorithm": "dgd"}
    >>> result = netopt.run(job, rounds=20)
    >>> result.metrics["round"]
    array([ 0., 10., 20.])
    >>> result.x.shape
    (5, 10)
    """
    for path in load:
        load_file(path)
    file = source if isinstance(source, Mapping) else config.locate(source)
    raw = config.read(file)
    for place, value in overrides.items():
        config.override(raw, place, value)
    folder = None if isinstance(file, Mapping) else file.parent
    with engine.single_threaded():
        experiment = config.make(raw, folder)
    for warning in experiment.warnings:
        warnings.warn(warning, RuntimeWarning, stacklevel=2)
    directory = None if out is None else Path(out)
    outcome = engine.lockstep(experiment, directory)
    assert outcome.sent is not None, "an interrupted run raises KeyboardInterrupt"
    return Result(
        {name: _column(outcome.rows, name) for name in outcome.rows[0]},
        outcome.x,
        engine.mean_of(outcome.x),
        _edges(outcome.sent.edges, outcome.sent.counts),
        outcome.summary,
        experiment.resolved,
        directory,
    )


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> npt.NDArray[np.float64]:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=np.float64)


def _edges(
    edges: Sequence[tuple[int, int]], counts: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[np.int64]]:
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    columns = {"src": pairs[:, 0], "dst": pairs[:, 1]}
    return columns | {name: counts[:, i].copy() for i, name in enumerate(Tally._fields)}
