"""A strict saddle of any size: chosen directions lead down, all others up, and all is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from netopt.core import packing
from netopt.core.spectrum import logarithmic
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem, Vector

_PIECE = 2**15
_LISTED = 2**20
"""Numbers that the list of all minimisers may have."""


class StrictSaddle(Problem):
    """f(x) = sum_j c/4 (x_j^4 - 2 x_j^2) over k directions + 1/2 sum_j a_j x_j^2 over the others.

    Every agent has the same f. The saddle is x = 0, where the Hessian has k eigenvalues -c
    (``directions``, ``curvature``); the others are a_j, from 1 to ``spread`` evenly on a log scale.
    The 2^k minimisers have +-1 in the first k coordinates and 0 in the rest; f is -k c/4 there and
    the curvatures are 2c. ``at: manifold`` starts with zeros in the k directions and the rest
    uniform on a sphere of ``radius``, by the seed: exact gradients lead into the saddle and stay.
    ``noise`` is sigma: a gradient is exact plus N(0, sigma^2/d I), its total variance is sigma^2.

    Defaults: one direction of curvature -0.25 among ten. The directions are axes, so a codec that
    favours axes has it easy. The gradient has no global Lipschitz constant, because of the quartic;
    for |x_j| <= 1 it is max(2c, ``spread``). A gradient allocates the vector that it returns, and
    no other of its size; the distance to the minimisers is known where they fit 2^20 numbers.
    """

    id = "strict-saddle"
    reference = "the strict saddle of Ge, Huang, Jin and Yuan, COLT 2015, in its simplest form"

    dimension: Annotated[int, Meta(ge=1, le=2**31, description="d, number of coordinates")] = 10
    directions: Annotated[int, Meta(ge=1, description="k, coordinates that lead down")] = 1
    curvature: Annotated[float, Meta(gt=0, description="c; the saddle's eigenvalue is -c")] = 0.25
    spread: Annotated[float, Meta(ge=1, description="the largest positive eigenvalue")] = 1.0
    at: Annotated[
        Literal["manifold", "saddle"],
        Meta(description="start on the saddle's stable manifold, or at the saddle itself"),
    ] = "manifold"
    radius: Annotated[float, Meta(gt=0, description="distance of a start to the saddle")] = 1.0
    noise: Annotated[
        float, Meta(ge=0, description="sigma, root of the gradient noise's total variance")
    ] = 0.0
    if TYPE_CHECKING:  # set by prepare; not options
        _seed: int = 0
        _up: Any = None

    def __post_init__(self) -> None:
        """Refuse more directions than coordinates."""
        if self.directions > self.dimension:
            raise ValueError(
                f"'directions' is at most 'dimension', {self.dimension}, got {self.directions}"
            )

    def prepare(self, agents: int, seed: int) -> None:
        """Set d; ``seed`` draws the start. Raises ConfigError if no start is off the saddle."""
        if self.at == "manifold" and self.directions == self.dimension:
            raise ConfigError(
                "all coordinates lead down, so the stable manifold is the saddle alone; "
                "use 'saddle'",
                "$.problem.at",
            )
        self.d, self.agents, self._seed = self.dimension, agents, seed
        self._up = None if self.spread == 1 else logarithmic(self.spread, self.d - self.directions)

    def start(self) -> Vector:
        """Return 0, or a point at ``radius`` from it, 0 in the k directions; shape (d,)."""
        x = np.zeros(self.d)
        if self.at == "manifold":
            rest = x[self.directions :]
            Key(self._seed, Purpose.START).generator().standard_normal(out=rest)
            rest *= self.radius / packing.norm(rest, "l2")
        return x

    def _rest(self, x: Vector) -> Iterator[tuple[slice, Any]]:
        """Yield pieces of x behind the k directions, with their curvatures."""
        for begin in range(self.directions, self.d, _PIECE):
            piece = slice(begin, min(begin + _PIECE, self.d))
            if self._up is None:
                yield piece, 1.0
            else:
                yield piece, self._up[begin - self.directions : piece.stop - self.directions]

    def _down(self) -> Iterator[slice]:
        """Yield pieces of the k directions."""
        for begin in range(0, self.directions, _PIECE):
            yield slice(begin, min(begin + _PIECE, self.directions))

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f(x) for x of shape (d,), summed in pieces that fit the cache."""
        total = 0.0
        for piece in self._down():
            square = np.square(x[piece])
            total += 0.25 * self.curvature * float(np.sum(square * (square - 2)))
        for piece, up in self._rest(x):
            total += 0.5 * float(np.sum(np.square(x[piece]) * up))
        return total

    def loss(self, x: Vector) -> float:
        """Return F(x) = f(x) for x of shape (d,)."""
        return self.agent_loss(0, x)

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return c (x_j^3 - x_j) and a_j x_j, shape (d,); with noise if ``key`` names a batch."""
        g = self._noise(rank, key)
        for piece in self._down():
            near = x[piece]
            g[piece] += self.curvature * near * (np.square(near) - 1)
        for piece, up in self._rest(x):
            g[piece] += x[piece] * up
        return g

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient: 5 a direction that leads down, 2 for any other.

        Noise takes one more; that of drawing it is not counted.
        """
        return 5.0 * self.directions + 2 * (self.d - self.directions) + self.d * bool(self.noise)

    def _noise(self, rank: int, key: Key | None) -> Vector:
        if key is None or self.noise == 0:
            return np.zeros(self.d)
        own = key._replace(purpose=Purpose.BATCH, sender=rank)
        g = own.generator().standard_normal(self.d)
        g *= self.noise / math.sqrt(self.d)
        return g

    def gradient(self, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of F at x, shape (d,), which is that of f where nothing is drawn."""
        if key is None or self.noise == 0:
            return self.grad(0, x, None)
        return super().gradient(x, key)

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return c (3 x_j^2 - 1) v_j and a_j v_j, shape (d,)."""
        product = np.empty(self.d)
        for piece in self._down():
            product[piece] = self.curvature * (3 * np.square(x[piece]) - 1) * v[piece]
        for piece, up in self._rest(x):
            np.multiply(v[piece], up, out=product[piece])
        return product

    def minimum(self) -> Vector:
        """Return the minimiser with +1 in the first k coordinates, shape (d,)."""
        best = np.zeros(self.d)
        best[: self.directions] = 1.0
        return best

    def minimisers(self) -> Vector | None:
        """Return all 2^k minimisers, shape (2^k, d), or None if they are above 2^20 numbers."""
        k = self.directions
        if k > 20 or self.d * 2**k > _LISTED:
            return None
        bits = np.arange(2**k)[:, np.newaxis] >> np.arange(k) & 1
        rows = np.zeros((2**k, self.d))
        rows[:, :k] = 1.0 - 2.0 * bits
        return rows

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return ``escape``: the largest |x_j| that leads down, 0 at the saddle, 1 at a minimum."""
        return {"escape": packing.norm(np.ascontiguousarray(x[: self.directions]), "linf")}
