"""What ``bench round`` compares with: bare collectives, and the same methods written by hand.

A rival plays rounds over one neighbourhood collective that is handed in, uncompressed and without
headers, checksums, counters or checks: what a researcher would write in ten lines.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from netopt.agent import Vector
from netopt.algorithms.gradient_tracking import GradientTracking
from netopt.algorithms.qgd import Qgd
from netopt.config import Experiment
from netopt.keys import Key, Purpose
from netopt.problems import Problem


class Neighbourhood(Protocol):
    """A collective that hands an array to all neighbours."""

    sources: tuple[int, ...]

    def allgather(self, x: Vector, out: Vector) -> None:
        """Write the arrays of all sources, in their order, to the rows of ``out``."""


class Linear(Problem):
    """f_i(x) = b_i . x: a gradient that costs nothing, so that a round is method and messages.

    b_i is standard normal; the iterates drift, and stay finite for any number of timed rounds.
    """

    def prepare(self, agents: int, seed: int) -> None:
        """Draw the gradients of ``agents`` agents when they are first asked for."""
        self.agents, self._seed = agents, seed
        self._slopes: dict[int, Vector] = {}

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return b_i, always the same array."""
        if rank not in self._slopes:
            stream = Key(self._seed, Purpose.DATA, sender=rank).generator()
            self._slopes[rank] = stream.standard_normal(self.d)
        return self._slopes[rank]


class Bare:
    """Hands over an array of the size of a round's message, and does nothing with what comes."""

    def __init__(self, neighbours: Neighbourhood, vectors: int, d: int) -> None:
        self._neighbours = neighbours
        self._x = np.ones((vectors, d))
        self._got = np.empty((len(neighbours.sources), vectors, d))

    def play(self, k: int) -> None:
        """Play one round."""
        self._neighbours.allgather(self._x, self._got)


class Handwritten:
    """Common part of the methods by hand: the state ``x``, shape (m, d), and its weighted mean."""

    def __init__(self, experiment: Experiment, rank: int, neighbours: Neighbourhood) -> None:
        weights = experiment.topology.weights[rank]
        self._own = float(weights[rank])
        self._theirs = [float(weights[j]) for j in neighbours.sources]
        self._neighbours, self._rank = neighbours, rank
        self._problem: Any = experiment.problem
        self._algorithm: Any = experiment.algorithm
        self.x = self.start(experiment.problem.start())
        self._next, self._work = np.empty_like(self.x), np.empty_like(self.x)
        self._got = np.empty((len(neighbours.sources), *self.x.shape))

    def start(self, x: Vector) -> Vector:
        """Return the rows that travel in round 0."""
        return x[np.newaxis].copy()

    def mix(self) -> Vector:
        """Return the weighted mean of the neighbourhood's rows, in ``_next``."""
        self._neighbours.allgather(self.x, self._got)
        np.multiply(self.x, self._own, out=self._next)
        for weight, rows in zip(self._theirs, self._got, strict=True):
            np.multiply(rows, weight, out=self._work)
            self._next += self._work
        return self._next

    def swap(self) -> None:
        """Let what was mixed be the state."""
        self.x, self._next = self._next, self.x


class TrackingByHand(Handwritten):
    """Gradient tracking: x <- W x - lr y; y <- W y + grad f(x_new) - grad f(x_old)."""

    def start(self, x: Vector) -> Vector:
        """Return x_0 and its gradient."""
        self._g = self._problem.grad(self._rank, x, None).copy()
        return np.stack([x, self._g])

    def play(self, k: int) -> None:
        """Play one round."""
        x, y = self.mix()
        np.multiply(self.x[1], self._algorithm.lr, out=self._work[0])
        x -= self._work[0]
        g = self._problem.grad(self._rank, x, None)
        y += g
        y -= self._g
        np.copyto(self._g, g)
        self.swap()


class QgdByHand(Handwritten):
    """QGD without quantizer: x <- (1 - eps) x + eps W x - alpha grad f(x)."""

    def play(self, k: int) -> None:
        """Play one round."""
        eps, alpha = self._algorithm.schedule.rates(k)
        g = self._problem.grad(self._rank, self.x[0], None)
        (mixed,) = self.mix()
        mixed *= eps
        self.x *= 1.0 - eps
        mixed += self.x[0]
        np.multiply(g, alpha, out=self._work[0])
        mixed -= self._work[0]
        self.swap()


def disropt(experiment: Experiment, rank: int) -> Callable[[int], None] | None:
    """Return a round of disropt's gradient tracking; None for another method or without it.

    It gets the same weights, step and gradients; its agents exchange pickles.
    """
    if experiment.algorithm.id != GradientTracking.id or find_spec("disropt") is None:
        return None
    try:
        agents = import_module("disropt.agents")
        algorithms = import_module("disropt.algorithms.gradient_tracking")
    except Exception:  # without what it needs, or with a numpy that it does not know
        return None
    topology, problem, algorithm = experiment.topology, experiment.problem, experiment.algorithm
    sources, weights = topology.predecessors(rank), topology.weights[rank]
    agent = agents.Agent(list(sources), list(sources), in_weights=weights.tolist())
    objective = SimpleNamespace(subgradient=lambda x: problem.grad(rank, x, None))
    agent.problem = SimpleNamespace(objective_function=objective)
    tracking = algorithms.GradientTracking(agent, problem.start())
    step: float = algorithm.lr  # type: ignore[attr-defined]
    return lambda k: tracking.iterate_run(stepsize=step)


BY_HAND: dict[str, type[TrackingByHand | QgdByHand]] = {
    GradientTracking.id: TrackingByHand,
    Qgd.id: QgdByHand,
}
