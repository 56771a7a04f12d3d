"""The settings of the escape from an exact saddle: who sends what, and which seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from netopt.reproduce._cases import Case
from netopt.reproduce._curves import Run, rounds_to

REFERENCE = "Avdiukhin and Yaroslavtsev, Escaping saddle points with compressed SGD, NeurIPS 2021."
D, CURVATURE = 200, 1.0
LR, NOISE = 0.005, 0.4
"""eta c = .005 and eta r = .002, as in the earlier check, but eta L is within mu of RandomK 1 %."""
LEFT = -CURVATURE / 8
"""Half of the way down: the loss is 0 at the saddle and -c/4 in the minima."""
ROUNDS = 4000
"""Of a run that does not leave: more than twice the longest median of those that do."""
EVERY = 10
SADDLE, MANIFOLD = "from the saddle", "from its manifold"
RAW = {"id": "raw", "dtype": "float64"}
SGD, SGD_SILENT = "SGD with noise", "SGD, no noise"
RANDOM_10, RANDOM_1 = "RandomK 10 %", "RandomK 1 %"
TOP_10, TOP_1, SIGN = "TopK 10 %", "TopK 1 %", "scaled sign"
RANDOM_SILENT, TOP_SILENT = "RandomK 10 %, no noise", "TopK 1 %, no noise"
SIGN_SILENT = "scaled sign, no noise"


class Setting(NamedTuple):
    """One row of the table: a method and a start, with how many seeds; ``quick`` in the quick one.

    ``up`` and ``down`` are codecs; ``r`` is the noise; ``mu`` the share that random-k sends.
    """

    series: str
    up: dict[str, Any]
    down: dict[str, Any]
    seeds: int
    quick: int
    r: float = NOISE
    group: str = SADDLE
    algorithm: str = "compressed-sgd"
    mu: float | None = None
    rounds: int = ROUNDS

    def run(self, seed: int) -> dict[str, Any]:
        """Return the run file of a seed: one worker and its hub, until half of the way down."""
        return {
            "seed": seed,
            "rounds": self.rounds,
            "problem": problem(at="saddle" if self.group == SADDLE else "manifold"),
            "topology": {"id": "star", "size": 2},
            "algorithm": {"id": self.algorithm, "lr": LR, "r": self.r},
            "codecs": {"up": self.up, "down": self.down},
            "stop": {"loss": LEFT},
            "record": {"every": EVERY},
        }

    def cases(self, quick: bool) -> list[Case]:
        """Return a case a seed, all in lockstep."""
        seeds = self.quick if quick else self.seeds
        return [
            Case(self.series, self.run(seed), None, self.group, "lockstep")
            for seed in range(1, seeds + 1)
        ]


def problem(**more: Any) -> dict[str, Any]:
    """Return the saddle: one direction down of curvature -c, all others up with 1."""
    return {"id": "strict-saddle", "dimension": D, "curvature": CURVATURE, **more}


def random_k(fraction: float) -> dict[str, Any]:
    """Return RandomK on common coordinates, not scaled."""
    return {"id": "randk", "indices": "common", "unbiased": False, "fraction": fraction}


def _same(series: str, codec: dict[str, Any], *more: Any, **rest: Any) -> Setting:
    return Setting(series, codec, codec, *more, **rest)


def _top(fraction: float) -> dict[str, Any]:
    return {"id": "topk", "fraction": fraction}


SETTINGS = (
    _same(SGD, RAW, 60, 8, algorithm="perturbed-sgd", mu=1.0),
    _same(RANDOM_10, random_k(0.1), 60, 8, mu=0.1),
    _same(RANDOM_1, random_k(0.01), 60, 8, mu=0.01),
    Setting(TOP_10, _top(0.1), RAW, 60, 8),
    Setting(TOP_1, _top(0.01), RAW, 60, 8),
    _same(SIGN, {"id": "sign"}, 60, 8),
    _same(SGD_SILENT, RAW, 5, 2, 0.0, algorithm="perturbed-sgd"),
    _same(RANDOM_SILENT, random_k(0.1), 5, 2, 0.0),
    Setting(TOP_SILENT, _top(0.01), RAW, 5, 2, 0.0),
    _same(SGD_SILENT, RAW, 5, 2, 0.0, MANIFOLD, "perturbed-sgd"),
    _same(RANDOM_SILENT, random_k(0.1), 5, 2, 0.0, MANIFOLD),
    _same(SIGN_SILENT, {"id": "sign"}, 5, 2, 0.0, MANIFOLD),
)
NOISY = SETTINGS[:6]
SILENT = SETTINGS[6:-1]
"""Those that cannot leave: all but the sign, which moves what it is to leave alone."""


def escape(run: Run) -> float:
    """Return the round in which a run was half of the way down; inf if it never was."""
    return rounds_to(run, LEFT)


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Return an exact confidence interval of the median: two order statistics (sign test).

    The whole range if the values are too few for the level.
    """
    from scipy.stats import binom

    ordered, n = sorted(values), len(values)
    below = int(binom.ppf((1 - level) / 2, n, 0.5))
    while below > 0 and 2 * binom.cdf(below - 1, n, 0.5) > 1 - level:
        below -= 1
    return ordered[max(below - 1, 0)], ordered[min(n - below, n - 1)]


def slowdown(mu: float, rate: float = LR * CURVATURE) -> float:
    """Return how many times slower the direction grows if each round sends it with chance mu.

    ``rate`` is eta c. Between two sends, N rounds with P(N > n) = (1 - mu)^n, it grows by
    1 + eta c N: derived here, for a direction along an axis and without noise.
    """
    n = np.arange(1, math.ceil(40 / mu) + 1)
    chance = mu * (1 - mu) ** (n - 1.0)
    return float(math.log1p(rate) / (mu * np.sum(chance * np.log1p(rate * n))))
