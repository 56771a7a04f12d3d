"""What each rank of ``bench round`` runs: netopt and its rivals in turn, in one mpirun.

``python -m netopt.bench.round_rank CASES`` with CASES a JSON list of ``Case``; the root prints
a JSON line for each case when it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import numpy as np

from netopt.bench import rank
from netopt.bench.neighbours import Neighbours
from netopt.bench.round_cases import Case, experiment_of
from netopt.bench.round_rivals import BY_HAND, Bare, Handwritten, disropt
from netopt.bench.round_share import Stopwatch, own_seconds, watched
from netopt.config import Experiment
from netopt.network import mpi, ranks

Play = Callable[[int], None]


def race(
    plays: Mapping[str, Play], settle: Callable[[], None], case: Case
) -> dict[str, list[float]]:
    """Return each contestant's seconds a round, for each repetition; all take turns.

    Each plays the same rounds 0, 1, ...; one turn before the first repetition is not timed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in plays}
    for turn in range(case.repeats + 1):
        for name, play in plays.items():
            settle()
            began = perf_counter()
            for k in range(turn * case.rounds, (turn + 1) * case.rounds):
                play(k)
            settle()
            seconds[name].append((perf_counter() - began) / case.rounds)
    return {name: times[1:] for name, times in seconds.items()}


def measure(case: Case) -> dict[str, Any] | None:
    """Run one case on all ranks; return its row at the root, else None."""
    experiment = experiment_of(case)
    mine, _ = ranks.world()
    network = mpi.MpiNetwork(experiment)
    neighbours = Neighbours(experiment.topology.predecessors(mine))
    hand = BY_HAND[case.algorithm](experiment, mine, neighbours)
    bare = Bare(neighbours, len(hand.x), case.d)
    plays: dict[str, Play] = {"netopt": network.play, "bare": bare.play, "handwritten": hand.play}
    theirs = disropt(experiment, mine)
    if theirs is not None:
        plays["disropt"] = theirs
    seconds = race(plays, network.settle, case)
    row = _row(case, seconds)
    row["difference"] = _difference(network, hand) if case.codec == "raw float64" else None
    row["own_seconds_per_neighbour"] = _own(experiment, min(200, case.rounds))
    network.books()
    network.close()
    neighbours.close()
    return row if network.root else None


def _row(case: Case, seconds: dict[str, list[float]]) -> dict[str, Any]:
    ours, bare = median(seconds["netopt"]), median(seconds["bare"])
    low, _, high = quantiles(seconds["netopt"], n=4)
    return {
        "algorithm": case.algorithm,
        "codec": case.codec,
        "ranks": case.ranks,
        "d": case.d,
        "seconds": ours,
        "bare_seconds": bare,
        "ratio": ours / bare,
        "handwritten_seconds": median(seconds["handwritten"]),
        "disropt_seconds": median(seconds["disropt"]) if "disropt" in seconds else None,
        "spread": (high - low) / ours,
    }


def _difference(network: mpi.MpiNetwork, hand: Handwritten) -> float | None:
    """Return how far netopt's estimates are from those by hand, relative to the largest."""
    ours = network.estimates()
    theirs = network.gather(hand.x[0])
    if ours is None or theirs is None:
        return None
    return float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))


def _own(experiment: Experiment, rounds: int) -> float:
    """Return netopt's own seconds a round and neighbour at this rank, MPI waiting left out."""
    watch = Stopwatch()
    network = mpi.MpiNetwork(watched(experiment, watch))
    network.deadline.wait = watch.timed(network.deadline.wait)  # type: ignore[method-assign]
    seconds = own_seconds(network.play, watch, rounds)
    network.books()
    network.close()
    return seconds / len(experiment.topology.predecessors(network.rank))


def measure_all(told: list[Any]) -> Iterator[dict[str, Any]]:
    """Measure all cases; yield the row of each at the root."""
    rank.pin(ranks.world()[0])
    for words in told:
        row = measure(Case(*words))
        if row is not None:
            yield row


if __name__ == "__main__":
    rank.play(measure_all)
