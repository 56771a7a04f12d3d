"""Splits know which rows belong to which agent: each to one at most.

Sizes are within one row, but for the split by pairs, where they are as the classes are large.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from netopt.data import Data
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.registry import suggest

Rows = npt.NDArray[np.int64]
SPLITS = ("iid", "by-class", "sorted-by-norm", "pairs", "dirichlet")
ALPHA = 0.5
"""The concentration of the split by Dirichlet's distribution where none is named."""
_HOLD_OUT, _SHUFFLE, _PAIRS, _DIRICHLET = 1, 2, 3, 4


def split(how: str, data: Data, agents: int, seed: int, equal: bool = False) -> list[Rows]:
    """Return ``agents`` arrays of row numbers of ``data``, agent 0 first.

    ``how`` is ``iid`` (a seeded permutation), ``by-class`` (rows sorted by label, so that classes
    are spread as unevenly as they can be) or ``sorted-by-norm``; sorted rows are cut into
    contiguous parts, the first ones a row longer. It may also be ``pairs`` or ``dirichlet:ALPHA``;
    see the functions. ``equal`` drops the last rows of that order, or of the parts, so that all
    parts are as long; otherwise every row belongs to an agent. Raises ConfigError for another
    ``how``, for fewer rows than agents, and for labels that do not fit.
    """
    name, colon, argument = how.partition(":")
    if name not in SPLITS or (colon and name != "dirichlet"):
        hint = suggest(name, SPLITS) or f"; choose from {', '.join(SPLITS)}"
        raise ConfigError(f"no split is called '{how}'{hint}")
    if len(data.labels) < agents:
        raise ConfigError(f"{len(data.labels)} rows do not go round {agents} agents")
    if name in ("pairs", "dirichlet"):
        if name == "pairs":
            parts = pairs(data.labels, agents, seed)
        else:
            parts = dirichlet(data.labels, agents, seed, _alpha(how, argument))
        return _cut(parts) if equal else parts
    if name == "iid":
        order = iid(len(data.labels), seed)
    else:
        order = by_class(data.labels) if name == "by-class" else sorted_by_norm(data.features)
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


def pairs(labels: npt.NDArray[Any], agents: int, seed: int) -> list[Rows]:
    """Return parts of which agent i has half of the i-th pair of classes, and little of the others.

    The other half goes round the other agents: with five agents and ten classes each has 50 % of
    one pair and 12.5 % of the other four. Raises ConfigError unless there are twice as many classes
    as agents. Source: the non-IID split of Bo and Wang, PNAS 2024.
    """
    classes, index = np.unique(labels, return_inverse=True)
    if agents < 2 or len(classes) != 2 * agents:
        raise ConfigError(
            f"the split by pairs gives each of N agents its own pair of 2 N classes; {agents} "
            f"agents and {len(classes)} classes do not fit, use dirichlet:{ALPHA}"
        )
    rng = Key(seed, Purpose.DATA, part=_PAIRS).generator()
    shares: list[list[Rows]] = [[] for _ in range(agents)]
    for owner in range(agents):
        rows = rng.permutation(np.flatnonzero(index // 2 == owner))
        half = len(rows) // 2
        others = (i for i in range(agents) if i != owner)
        shares[owner].append(rows[:half])
        for i, share in zip(others, np.array_split(rows[half:], agents - 1), strict=True):
            shares[i].append(share)
    return [np.concatenate(share) for share in shares]


def dirichlet(labels: npt.NDArray[Any], agents: int, seed: int, alpha: float) -> list[Rows]:
    """Return parts of one size whose shares of the classes are drawn from Dirichlet's distribution.

    Agent after agent draws shares q ~ Dir(alpha p), p being those of all rows, and then that many
    rows without replacement; q leaves out classes that are used up. A small ``alpha`` gives an
    agent few classes, a large one the mixture of all. (It is the sum of the distribution's
    parameters; where a paper gives each of c classes the parameter a, it is c a.) Source: Hsu, Qi
    and Brown, Measuring the effects of non-identical data distribution for federated visual
    classification, arXiv 1909.06335, 2019.
    """
    rng = Key(seed, Purpose.DATA, part=_DIRICHLET).generator()
    _, index = np.unique(labels, return_inverse=True)
    stock = [rng.permutation(np.flatnonzero(index == c)) for c in range(index.max() + 1)]
    left = np.array([len(rows) for rows in stock])
    prior = alpha * left / left.sum()
    parts = []
    for i in range(agents):
        size = len(labels) // agents + (i < len(labels) % agents)
        counts = _counts(rng, prior, left, size)
        taken = zip(stock, left, counts, strict=True)
        parts.append(np.concatenate([rows[n - k : n] for rows, n, k in taken]))
        left -= counts
    return parts


def _counts(rng: np.random.Generator, prior: Any, left: Rows, size: int) -> Rows:
    """Return how many rows of each class, at most ``left``, make up ``size``: shares ~ Dir(prior).

    Where the shares have nothing that is left, others are drawn for the rest.
    """
    counts, q = np.zeros_like(left), rng.dirichlet(prior)
    while (missing := size - int(counts.sum())) > 0:
        weights = np.where(counts < left, q, 0.0)
        while weights.sum() <= 1e-12:
            q = np.zeros(len(left))
            q[counts < left] = rng.dirichlet(prior[counts < left])
            weights = q
        counts += rng.multinomial(missing, weights / weights.sum())
        np.minimum(counts, left, out=counts)
    return counts


def _cut(parts: list[Rows]) -> list[Rows]:
    fewest = min(map(len, parts))
    return [part[:fewest] for part in parts]


def _alpha(how: str, argument: str) -> float:
    try:
        alpha = float(argument) if ":" in how else ALPHA
    except ValueError:
        alpha = math.nan
    if not 1e-3 <= alpha <= 1e6:
        raise ConfigError(
            f"dirichlet needs a number from 0.001 to 1e6 after its colon, as in 'dirichlet:0.3', "
            f"got '{how}'"
        )
    return alpha


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
