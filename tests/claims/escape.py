"""QGD's escape from the saddle of the toy problem, played seed by seed; all in lockstep.

``python tests/claims/escape.py`` plays all rows and prints the table.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from netopt import config
from netopt.network.lockstep import Lockstep

ROUNDS = 8000
SEEDS = 50
WORKERS = 2


class Case(NamedTuple):
    """One row: codec, levels, start, schedule, how many seeds from which on, rounds; all on W1."""

    codec: str
    levels: int
    start: tuple[float, float]
    schedule: str = "sample-and-hold"
    seeds: int = SEEDS
    rounds: int = ROUNDS
    first: int = 0


CASES = {
    "plain": Case("raw", 0, (1, -1), seeds=1),
    "plain, not held": Case("raw", 0, (1, -1), "decaying", seeds=1),
    "l = 2": Case("switching", 2, (1, -1)),
    "l = 10": Case("switching", 10, (1, -1)),
    "even only, from 0": Case("qsgd", 10, (0, 0), seeds=20, rounds=500),
    "l = 10, from 0": Case("switching", 10, (0, 0), seeds=10),
    "l = 2, from 0": Case("switching", 2, (0, 0), seeds=10),
    "held": Case("switching", 10, (0.5, -0.5), seeds=80, first=100),
    "not held": Case("switching", 10, (0.5, -0.5), "decaying", seeds=80, first=100),
}
"""Even-only rounding never leaves 0, so that few rounds show all that it does. Seeds 0 to 49 of the
last two cases gave 20 and 6 escapes of 50 (p = 0.0013): the 80 seeds are others, chosen after that.
"""


class End(NamedTuple):
    """Where a run ended: the network mean, its loss, and whether it is away from the saddle."""

    mean: tuple[float, float]
    loss: float

    @property
    def escaped(self) -> bool:
        """Whether ||mean|| > 1 and loss < 0.6."""
        return float(np.hypot(*self.mean)) > 1 and self.loss < 0.6


def final(case: Case, seed: int) -> End:
    """Play one seed to its last round."""
    codec: Any = {"id": case.codec, "levels": case.levels} if case.levels else case.codec
    run = {
        "problem": {"id": "saddle", "at": list(case.start)},
        "topology": "w1",
        "algorithm": {"id": "qgd", "schedule": case.schedule},
        "codecs": {"mix": codec},
        "seed": seed,
    }
    experiment = config.make(run)
    network = Lockstep(experiment)
    for k in range(case.rounds):
        network.play(k)
    mean = network.estimates().mean(axis=0)
    return End(tuple(mean.tolist()), experiment.problem.loss(mean))


def seeds(case: Case) -> range:
    """Return the seeds of a case."""
    return range(case.first, case.first + case.seeds)


def play(names: list[str], workers: int = WORKERS) -> dict[str, list[End]]:
    """Play the named cases, all their seeds, in ``workers`` processes."""
    with ProcessPoolExecutor(workers) as pool:
        jobs = {n: [pool.submit(final, CASES[n], s) for s in seeds(CASES[n])] for n in names}
        return {name: [job.result() for job in row] for name, row in jobs.items()}


def escapes(ends: list[End]) -> int:
    """Return how many of the runs got away."""
    return sum(end.escaped for end in ends)


def table(results: dict[str, list[End]]) -> Iterator[str]:
    """Yield the table with exact (Clopper-Pearson) 95 % confidence intervals, line by line."""
    yield f"{'case':18} {'start':12} {'rounds':>6} {'escaped':>8}  95 % interval   median loss"
    for name, ends in results.items():
        case, count = CASES[name], escapes(ends)
        low, high = stats.binomtest(count, len(ends)).proportion_ci(method="exact")
        share = f"{count:2}/{len(ends)}"
        loss = np.median([end.loss for end in ends])
        interval = f"{low:5.1%} to {high:6.1%}"
        yield f"{name:18} {case.start!s:12} {case.rounds:6} {share:>8}  {interval}  {loss:.6f}"


if __name__ == "__main__":
    began = time.perf_counter()
    print("\n".join(table(play(list(CASES)))))
    print(f"{time.perf_counter() - began:.0f} s with {WORKERS} workers")
