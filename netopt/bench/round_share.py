"""Finds netopt's own share of a round: what is left without kernels, gradients and waiting.

Codecs and problem stand behind proxies with stopwatches; a stopwatch's own time, about a quarter of
a microsecond a call, stays in netopt's share.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from netopt.config import Experiment
from netopt.engine import single_threaded
from netopt.network.lockstep import Lockstep

KERNELS = ("encode_into", "accumulate", "decode_into")


class Stopwatch:
    """Seconds spent in the calls that it times."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``call`` with its time added up; calls within a timed call are not to be timed."""

        def watched(*arguments: Any) -> Any:
            began = perf_counter()
            try:
                return call(*arguments)
            finally:
                self.seconds += perf_counter() - began

        return watched


class Proxy:
    """Stands for an object, with stopwatches on some of its methods."""

    def __init__(self, whole: object, watch: Stopwatch, names: tuple[str, ...]) -> None:
        self._whole = whole
        for name in names:
            setattr(self, name, watch.timed(getattr(whole, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


def watched(experiment: Experiment, watch: Stopwatch) -> Experiment:
    """Return the experiment with stopwatches on its kernels and gradients."""
    codecs: Any = tuple(Proxy(codec, watch, KERNELS) for codec in experiment.codecs)
    problem: Any = Proxy(experiment.problem, watch, ("grad",))
    return experiment._replace(codecs=codecs, problem=problem)


def own_seconds(play: Callable[[int], None], watch: Stopwatch, rounds: int) -> float:
    """Return the median of the seconds of a round that no stopwatch has seen."""
    found = []
    for k in range(rounds):
        watch.seconds, began = 0.0, perf_counter()
        play(k)
        found.append(perf_counter() - began - watch.seconds)
    return median(found)


def alone(experiment: Experiment, rounds: int) -> float:
    """Return netopt's own seconds a round and neighbour when all agents share one process.

    There is no MPI library and no change of process: what is measured is netopt's Python alone.
    """
    watch = Stopwatch()
    with single_threaded():
        network = Lockstep(watched(experiment, watch))
        seconds = own_seconds(network.play, watch, rounds)
    return seconds / len(experiment.topology.edges)
