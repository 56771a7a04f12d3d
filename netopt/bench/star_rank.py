"""What each rank of ``bench star`` runs: every method in turn, without and with timers.

``python -m netopt.bench.star_rank CASE`` under mpirun, CASE being a ``Case`` in JSON; the root
prints a JSON line for each turn of a method. A turn is a run of its own from x_0, set-up included
and not timed, so that all turns of a method play the same rounds and send the same bits.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import nullcontext
from time import perf_counter
from typing import Any

import numpy as np

from netopt.bench import rank
from netopt.bench.star_cases import Case, experiments
from netopt.bench.star_split import PARTS, Place, Split, timers
from netopt.config import Experiment
from netopt.network import mpi, ranks

WIRE: Place = ("wire", mpi.MpiNetwork, "_exchange")


def turn(experiment: Experiment, split: Split | None = None) -> tuple[Any, int] | None:
    """Play a run; return at the root its seconds, shape (ranks, 1 + parts), and the bits sent up.

    The first column is a rank's own seconds from its first round to the end of its last one; the
    parts are zeros without ``split``.
    """
    network = mpi.MpiNetwork(experiment)
    network.setup()
    network.settle()
    with nullcontext() if split is None else timers(split, (WIRE,)):
        began = perf_counter()
        for k in range(experiment.rounds):
            network.play(k)
        whole = perf_counter() - began
    network.settle()
    parts = [0.0] * len(PARTS) if split is None else list(split.seconds.values())
    seconds = network.gather(np.array([whole, *parts]))
    books = network.books()
    network.close()
    if seconds is None or books is None:
        return None
    sent = books[0]
    up = [row for edge, row in zip(sent.edges, sent.counts, strict=True) if edge[1] == 0]
    return seconds / experiment.rounds, int(np.array(up)[:, 1].sum())


def sample(experiment: Experiment) -> dict[str, Any] | None:
    """Return what one turn of a method measures, at the root; None elsewhere.

    ``seconds`` are those of an iteration at the slowest rank, ``timed_seconds`` the same under
    timers, ``split`` has a row a rank: seconds in total and of each part, under timers.
    """
    plain = turn(experiment)
    watched = turn(experiment, Split())
    if plain is None or watched is None:
        return None
    messages = (experiment.topology.size - 1) * experiment.rounds
    return {
        "seconds": float(plain[0][:, 0].max()),
        "timed_seconds": float(watched[0][:, 0].max()),
        "split": watched[0].tolist(),
        "up_bits": plain[1] / messages,
        "d": experiment.problem.d,
    }


def measure(told: list[Any]) -> Iterator[dict[str, Any]]:
    """Let all methods take turns; yield what each turn measured, but for a first turn of all."""
    case = Case(*told)
    if case.pinned:
        rank.pin(ranks.world()[0])
    with np.errstate(over="ignore", invalid="ignore"):  # as a run has it
        todo = experiments(case)
        gc.collect()
        gc.freeze()  # as a run does after its start
        for repeat in range(case.repeats + 1):
            for name, experiment in todo.items():
                found = sample(experiment)
                if found is not None and repeat:
                    yield {"method": name, **found}


if __name__ == "__main__":
    rank.play(measure)
