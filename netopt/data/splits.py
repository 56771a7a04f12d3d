"""Splits know which rows belong to which agent: each to one at most, sizes within one row."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from netopt.data import Data
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.registry import suggest

Rows = npt.NDArray[np.int64]
SPLITS = ("iid", "by-class", "sorted-by-norm")
_HOLD_OUT, _SHUFFLE = 1, 2


def split(how: str, data: Data, agents: int, seed: int, equal: bool = False) -> list[Rows]:
    """Return ``agents`` arrays of row numbers of ``data``, agent 0 first.

    ``how`` is ``iid`` (a seeded permutation), ``by-class`` (rows sorted by label, so that classes
    are spread as unevenly as they can be) or ``sorted-by-norm``; sorted rows are cut into
    contiguous parts, the first ones a row longer. ``equal`` drops the last rows of that order, so
    that all parts are as long; otherwise every row belongs to an agent. Raises ConfigError for
    another ``how`` and for fewer rows than agents.
    """
    if how not in SPLITS:
        hint = suggest(how, SPLITS) or f"; choose from {', '.join(SPLITS)}"
        raise ConfigError(f"no split is called '{how}'{hint}")
    if len(data.labels) < agents:
        raise ConfigError(f"{len(data.labels)} rows do not go round {agents} agents")
    if how == "iid":
        order = iid(len(data.labels), seed)
    else:
        order = by_class(data.labels) if how == "by-class" else sorted_by_norm(data.features)
    if equal:
        order = order[: len(order) // agents * agents]
    return list(np.array_split(order, agents))


def iid(rows: int, seed: int) -> Rows:
    """Return 0..rows-1 in a random order that ``seed`` decides."""
    return _permutation(rows, seed, _SHUFFLE)


def by_class(labels: npt.NDArray[Any]) -> Rows:
    """Return the rows in ascending order of their label, equal labels in their own order."""
    return np.argsort(labels, kind="stable")


def sorted_by_norm(features: Any) -> Rows:
    """Return the rows in ascending order of their Euclidean norm, equal norms in their own order.

    Source: the heterogeneous split of Wang, Safaryan and Richtarik, NeurIPS 2022.
    """
    squares = np.asarray((features * features).sum(axis=1)).ravel()
    return np.argsort(squares, kind="stable")


def hold_out(rows: int, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Return the row numbers to train on and those held out, each ascending.

    floor(fraction * rows) rows are held out, picked by a seeded permutation, without regard to
    their labels.
    """
    order = _permutation(rows, seed, _HOLD_OUT)
    out = int(fraction * rows)
    return np.sort(order[out:]), np.sort(order[:out])


def _permutation(rows: int, seed: int, part: int) -> Rows:
    order: Rows = Key(seed, Purpose.DATA, part=part).generator().permutation(rows)
    return order
