"""QGD's escape from the saddle of the toy problem, played seed by seed; all in lockstep.

The settings are those of ``netopt reproduce qgd/toy``, which also draws them and prints the table;
here they are played without run directories, and the network mean is at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np

from netopt import config, engine
from netopt.reproduce._shares import Share
from netopt.reproduce.qgd import _escapes
from netopt.reproduce.qgd._escapes import Setting

WORKERS = 2


class End(NamedTuple):
    """Where a run ended: the network mean, its loss, and whether it is away from the saddle."""

    mean: tuple[float, float]
    loss: float

    @property
    def escaped(self) -> bool:
        """Whether ||mean|| > 1 and loss < 0.6."""
        return _escapes.escaped(float(np.hypot(*self.mean)), self.loss)


def final(setting: Setting, seed: int) -> End:
    """Play one seed to its last round, at which alone it is looked at."""
    run = {
        **setting.run(seed),
        "record": {"every": setting.rounds},
        "network": {"driver": "lockstep"},
    }
    outcome = engine.lockstep(config.make(run), None)
    first, second = outcome.x.mean(axis=0).tolist()
    return End((first, second), float(outcome.rows[-1]["loss"]))


def play(settings: Sequence[Setting], workers: int = WORKERS) -> dict[Setting, list[End]]:
    """Play some settings, all their seeds, in ``workers`` processes."""
    with ProcessPoolExecutor(workers) as pool:
        jobs = {one: [pool.submit(final, one, seed) for seed in one.numbers()] for one in settings}
        return {one: [job.result() for job in row] for one, row in jobs.items()}


def share(ends: Sequence[End]) -> Share:
    """Return how many of the runs got away."""
    return Share.among(end.escaped for end in ends)
