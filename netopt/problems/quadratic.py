"""Quadratics with a chosen condition number, practical up to millions of coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from msgspec import Meta

from netopt.core.spectrum import logarithmic
from netopt.keys import Key, Purpose
from netopt.problems import Problem, Vector
from netopt.problems._curvature import DENSE_LIMIT, Curvature, diagonal

_SPREAD, _ORDER, _CENTRE = 0, 1, 2


class _Agent(NamedTuple):
    """One agent's curvature (the diagonal of A_i) and centre b_i, each of shape (d,)."""

    curvature: Vector
    centre: Vector


class _Whole(NamedTuple):
    """F(x) = least + 1/2 (x - best)' diag(curvature) (x - best)."""

    curvature: Vector
    best: Vector
    least: float


class Quadratic(Problem):
    """f_i = 1/2 (x - b_i)' A_i (x - b_i) with diagonal A_i; the minimum is known in closed form.

    A_i has the eigenvalues kappa^(j/(d-1)), j = 0..d-1: from 1 to ``kappa``, evenly on a log scale
    (d = 1: the one eigenvalue 1). A diagonal A_i costs d numbers, not d^2, and loses nothing to a
    rotation unless a codec favours the axes. ``curvature: same`` (the default) gives all agents one
    A, so that F has exactly the condition number kappa too; ``shuffled`` permutes it for each
    agent, so that F is better conditioned than its parts. b_i = c + heterogeneity * N(0, I) with
    c ~ N(0, I); the default 1 makes the agents disagree as much as the start is away from c, and 0
    makes them agree. kappa = 10 and dimension = 10 converge in some tens of rounds.
    """

    id = "quadratic"
    reference = "the standard strongly convex test function"

    dimension: Annotated[int, Meta(ge=1, le=2**31, description="d, number of coordinates")] = 10
    kappa: Annotated[float, Meta(ge=1, description="condition number L / mu")] = 10.0
    heterogeneity: Annotated[
        float, Meta(ge=0, description="how far apart the agents' own minima lie")
    ] = 1.0
    curvature: Annotated[
        Literal["same", "shuffled"], Meta(description="whether all A_i are equal or permuted")
    ] = "same"
    if TYPE_CHECKING:  # set by prepare; not options
        _seed: int = 0
        _known: Any = None
        _spectrum: Any = None
        _sum: _Whole | None = None

    def prepare(self, agents: int, seed: int) -> None:
        """Set d and N; an agent's A_i and b_i are drawn when they are first asked for.

        Only the root needs all of them, so that a rank of a large run draws just its own.
        """
        self.d, self.agents = self.dimension, agents
        self._seed, self._known, self._sum = seed, {}, None
        self._spectrum = logarithmic(self.kappa, self.d)

    def _agent(self, rank: int) -> _Agent:
        if rank not in self._known:
            self._known[rank] = self._draw(rank)
        known: _Agent = self._known[rank]
        return known

    def _draw(self, rank: int) -> _Agent:
        centre = self._stream(_CENTRE, 0).standard_normal(self.d)
        centre += self.heterogeneity * self._stream(_SPREAD, rank).standard_normal(self.d)
        if self.curvature == "same":
            return _Agent(self._spectrum, centre)
        return _Agent(self._stream(_ORDER, rank).permutation(self._spectrum), centre)

    def _stream(self, part: int, rank: int) -> np.random.Generator:
        return Key(self._seed, Purpose.DATA, sender=rank, part=part).generator()

    def _whole(self) -> _Whole:
        if self._sum is None:
            self._sum = self._add_up()
        return self._sum

    def _add_up(self) -> _Whole:
        curvature, pull = np.zeros(self.d), np.zeros(self.d)
        for rank in range(self.agents):
            mine = self._agent(rank)
            curvature += mine.curvature
            pull += mine.curvature * mine.centre
        best = pull / curvature
        least = sum(self.agent_loss(rank, best) for rank in range(self.agents)) / self.agents
        return _Whole(curvature / self.agents, best, least)

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f_i(x) for x of shape (d,)."""
        mine = self._agent(rank)
        return _half_square(mine.curvature, x - mine.centre)

    def loss(self, x: Vector) -> float:
        """Return F(x) for x of shape (d,), in O(d) whatever the number of agents."""
        whole = self._whole()
        return whole.least + _half_square(whole.curvature, x - whole.best)

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return A_i (x - b_i), shape (d,)."""
        mine = self._agent(rank)
        step: Vector = x - mine.centre
        step *= mine.curvature
        return step

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient, one difference and one product a coordinate."""
        return 2.0 * self.d

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return (1/N) sum_i A_i v, shape (d,)."""
        return np.asarray(self._whole().curvature * v)

    def smoothness(self, rank: int) -> float:
        """Return the largest eigenvalue of A_i, exactly."""
        return float(self._agent(rank).curvature.max())

    def smoothness_matrix(self, rank: int) -> Vector:
        """Return A_i as a dense matrix, shape (d, d)."""
        return np.asarray(np.diag(self._agent(rank).curvature))

    def curvature_of(self, rank: int) -> Curvature | None:
        """Return A_i as a Curvature, without a decomposition, or None above d = 4000."""
        return diagonal(self._agent(rank).curvature) if self.d <= DENSE_LIMIT else None

    def top(self) -> float:
        """Return the largest eigenvalue of (1/N) sum_i A_i, exactly."""
        return float(self._whole().curvature.max())

    def strong_convexity(self) -> float:
        """Return the smallest eigenvalue of (1/N) sum_i A_i, exactly."""
        return float(self._whole().curvature.min())

    def minimum(self) -> Vector:
        """Return x* = (sum_i A_i)^(-1) sum_i A_i b_i, shape (d,)."""
        return np.array(self._whole().best)


def _half_square(curvature: Vector, step: Vector) -> float:
    # Not np.dot: BLAS splits long dot products over its threads, and the sum then depends on them.
    return 0.5 * float(np.sum(curvature * step * step))
