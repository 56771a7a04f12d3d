"""Phase retrieval: a signal from the squares of its random projections, up to its sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
from msgspec import Meta

from netopt.core.norms import l2
from netopt.keys import Key, Purpose
from netopt.problems import Problem, Vector

_SIGNAL, _ROWS = 0, 1


class _Part(NamedTuple):
    """One agent's projections a_j, shape (m, d), and what was measured, b_j, shape (m,)."""

    rows: Vector
    squares: Vector


class PhaseRetrieval(Problem):
    """f_i(x) = mean over agent i's rows of 1/4 ((a_j'x)^2 - b_j)^2, b_j = (a_j'x*)^2 + noise.

    a_j ~ N(0, I), ``measurements`` of them an agent; x* is uniform on the unit sphere, the same for
    all; the noise is N(0, ``noise``^2). Without noise the minimisers are x* and -x*, with F = 0
    there. The paper needs of the order of d log(d)^3 rows in all agents together to exclude other
    minima; the defaults, 40 an agent for ten coordinates, are ample.

    x = 0 is a local maximum where the gradient vanishes. ``at: near`` starts at ``scale`` from it
    in a random direction, the same for all; ``zero`` starts in it. ``batch`` rows make a gradient
    stochastic. Gradients have no global Lipschitz constant.
    """

    id = "phase-retrieval"
    reference = "Sun, Qu and Wright, A geometric analysis of phase retrieval, FoCM 2018; here real"

    dimension: Annotated[int, Meta(ge=1, le=2**20, description="d, size of the signal")] = 10
    measurements: Annotated[int, Meta(ge=1, le=2**31, description="rows of an agent")] = 40
    noise: Annotated[float, Meta(ge=0, description="standard deviation of a measurement")] = 0.0
    at: Annotated[
        Literal["near", "zero"], Meta(description="start near the local maximum 0, or in it")
    ] = "near"
    scale: Annotated[float, Meta(gt=0, description="distance from 0 of a start near it")] = 1e-2
    batch: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="rows a gradient draws; null: all")
    ] = None
    if TYPE_CHECKING:  # set by prepare; not options
        _seed: int = 0
        _signal: Vector = np.zeros(0)
        _parts: dict[int, _Part] = {}

    def __post_init__(self) -> None:
        """Refuse a batch of more rows than there are."""
        if self.batch is not None and self.batch > self.measurements:
            raise ValueError(
                f"'batch' is at most 'measurements', {self.measurements}, got {self.batch}"
            )

    def prepare(self, agents: int, seed: int) -> None:
        """Draw the signal; an agent's rows are drawn when they are first asked for."""
        self.d, self.agents, self._seed, self._parts = self.dimension, agents, seed, {}
        self._signal = _on_sphere(Key(seed, Purpose.DATA, part=_SIGNAL), self.d)

    def _part(self, rank: int) -> _Part:
        if rank not in self._parts:
            rng = Key(self._seed, Purpose.DATA, sender=rank, part=_ROWS).generator()
            rows = rng.standard_normal((self.measurements, self.d))
            squares = np.square(rows @ self._signal)
            if self.noise:
                squares += self.noise * rng.standard_normal(self.measurements)
            self._parts[rank] = _Part(rows, squares)
        return self._parts[rank]

    def _sample(self, rank: int, key: Key | None) -> _Part:
        """Return agent ``rank``'s rows, or ``batch`` different ones of them that ``key`` draws."""
        part = self._part(rank)
        if self.batch is None or key is None:
            return part
        rng = key._replace(purpose=Purpose.BATCH, sender=rank).generator()
        drawn = rng.choice(self.measurements, self.batch, replace=False)
        return _Part(part.rows[drawn], part.squares[drawn])

    def start(self) -> Vector:
        """Return 0, or a point at ``scale`` from it, by the seed; shape (d,)."""
        if self.at == "zero":
            return np.zeros(self.d)
        return self.scale * _on_sphere(Key(self._seed, Purpose.START), self.d)

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f_i(x) over all rows, for x of shape (d,)."""
        part = self._part(rank)
        return 0.25 * float(np.mean(np.square(np.square(part.rows @ x) - part.squares)))

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return the mean of ((a_j'x)^2 - b_j) (a_j'x) a_j over rows, shape (d,)."""
        part = self._sample(rank, key)
        seen = part.rows @ x
        weight = (np.square(seen) - part.squares) * seen
        weight /= len(weight)
        return np.asarray(weight @ part.rows)

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient: two products with the rows, and four a row."""
        rows = self.batch or self.measurements
        return 4.0 * rows * self.d + 4 * rows

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the mean over all rows of (3 (a_j'x)^2 - b_j) (a_j'v) a_j, shape (d,)."""
        total = np.zeros(self.d)
        for rank in range(self.agents):
            part = self._part(rank)
            bend = 3 * np.square(part.rows @ x) - part.squares
            total += (bend * (part.rows @ v)) @ part.rows
        return total / (self.agents * self.measurements)

    def minimum(self) -> Vector | None:
        """Return x*, shape (d,), or None if there is noise."""
        return None if self.noise else self._signal.copy()

    def minimisers(self) -> Vector | None:
        """Return x* and -x* as rows, shape (2, d), or None if there is noise."""
        return None if self.noise else np.array([self._signal, -self._signal])

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return ``relative_error``: the distance to the nearer of x* and -x*, over ||x*|| = 1."""
        return {"relative_error": min(l2(x - self._signal), l2(x + self._signal))}


def _on_sphere(key: Key, d: int) -> Vector:
    """Return a vector that ``key`` draws uniformly on the unit sphere, shape (d,)."""
    x = key.generator().standard_normal(d)
    x /= l2(x)
    return x
