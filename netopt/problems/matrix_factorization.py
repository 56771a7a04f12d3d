"""Low-rank factorization of a planted matrix: every minimum is global, and 0 is a strict saddle."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
from msgspec import Meta

from netopt.core.spectrum import logarithmic
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem, Vector
from netopt.problems._planted import orthonormal, sizes, square, views


class _Answer(NamedTuple):
    """The balanced minimiser U*, V* of F, and F there."""

    left: Vector
    right: Vector
    least: float


class MatrixFactorization(Problem):
    """F(U, V) = 1/2 ||U V' - M||_F^2 + mu/4 ||U'U - V'V||_F^2, rows of M dealt to the agents.

    M = A diag(s) B' + noise, shape (``rows``, ``columns``): A and B have ``rank`` random
    orthonormal columns, s goes from 1 down to 1/``condition`` evenly on a log scale, and the noise
    is normal with norm about ``noise``. Agent i holds a block of neighbouring rows M_i, as if they
    were its users: f_i = N/2 ||U_i V' - M_i||_F^2 + mu/4 ||U'U - V'V||_F^2, of which F is the mean;
    its data tell it about its own rows U_i only. x is U and then V, row by row.

    At x = 0 the gradient vanishes and the Hessian has the eigenvalues +-s. ``at: near`` starts at
    ``scale`` times N(0, I) from there; ``saddle`` starts in it, and exact gradients stay. mu
    (``balance``) is 1/2 as in the paper, whose objective is four times this one.

    The minimisers are a whole manifold (U*R, V*R), R orthogonal, so there is no distance to list;
    ``procrustes`` is the distance to the manifold. Gradients have no global Lipschitz constant.
    """

    id = "matrix-factorization"
    reference = (
        "Ge, Jin and Zheng, No spurious local minima in nonconvex low rank problems, ICML 2017, "
        "asymmetric matrix factorization"
    )

    rows: Annotated[int, Meta(ge=1, le=2**20, description="rows of M, of all agents")] = 20
    columns: Annotated[int, Meta(ge=1, le=2**20, description="columns of M")] = 15
    rank: Annotated[int, Meta(ge=1, description="columns of U and V, and the planted rank")] = 3
    condition: Annotated[float, Meta(ge=1, description="largest over smallest planted s")] = 2.0
    noise: Annotated[float, Meta(ge=0, description="norm of the noise in M; M's own is > 1")] = 0.0
    balance: Annotated[float, Meta(ge=0, description="mu, the weight of ||U'U - V'V||^2")] = 0.5
    at: Annotated[
        Literal["near", "saddle"], Meta(description="start near the saddle 0, or in it")
    ] = "near"
    scale: Annotated[float, Meta(gt=0, description="standard deviation of a start near 0")] = 1e-3
    if TYPE_CHECKING:  # set by prepare; not options
        _seed: int = 0
        _matrix: Vector = np.zeros((0, 0))
        _blocks: tuple[slice, ...] = ()
        _kept: _Answer | None = None

    def __post_init__(self) -> None:
        """Refuse a rank that M cannot have."""
        if self.rank > min(self.rows, self.columns):
            raise ValueError(
                f"'rank' is at most the smaller side of M, {min(self.rows, self.columns)}, "
                f"got {self.rank}"
            )

    @property
    def _shapes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return (self.rows, self.rank), (self.columns, self.rank)

    def prepare(self, agents: int, seed: int) -> None:
        """Draw M and deal its rows; ConfigError if there are fewer rows than agents."""
        if self.rows < agents:
            raise ConfigError(
                f"{self.rows} rows are too few for {agents} agents; expected at least {agents}",
                "$.problem.rows",
            )
        self.d, self.agents, self._seed, self._kept = sum(self.tensors()), agents, seed, None
        rng = Key(seed, Purpose.DATA).generator()
        left, right = (orthonormal(rng, *shape) for shape in self._shapes)
        self._matrix = left / logarithmic(self.condition, self.rank) @ right.T
        size = self.noise / math.sqrt(self.rows * self.columns)
        self._matrix += size * rng.standard_normal((self.rows, self.columns))
        ends = [self.rows * i // agents for i in range(agents + 1)]
        self._blocks = tuple(slice(*pair) for pair in pairwise(ends))

    def tensors(self) -> tuple[int, ...]:
        """Return the sizes of U and V."""
        return sizes(self._shapes)

    def start(self) -> Vector:
        """Return 0, or ``scale`` times a normal vector by the seed; shape (d,)."""
        if self.at == "saddle":
            return np.zeros(self.d)
        return self.scale * Key(self._seed, Purpose.START).generator().standard_normal(self.d)

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f_i(x) for x of shape (d,)."""
        u, v = views(x, self._shapes)
        own = self._blocks[rank]
        fit = 0.5 * self.agents * square(u[own] @ v.T - self._matrix[own])
        return fit + 0.25 * self.balance * square(u.T @ u - v.T @ v)

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of f_i, shape (d,): N E V and N E'U_i of the residual E, balanced."""
        return self._gradient(self._blocks[rank], float(self.agents), x)

    def gradient(self, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of F at x, shape (d,), from the whole of M at once."""
        return self._gradient(slice(None), 1.0, x)

    def _gradient(self, own: slice, weight: float, x: Vector) -> Vector:
        g = np.empty(self.d)
        (u, v), (by_u, by_v) = views(x, self._shapes), views(g, self._shapes)
        residual = u[own] @ v.T - self._matrix[own]
        residual *= weight
        lean = self.balance * (u.T @ u - v.T @ v)
        np.matmul(u, lean, out=by_u)
        np.matmul(v, -lean, out=by_v)
        by_u[own] += residual @ v
        by_v += residual.T @ u[own]
        return g

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient of f_rank.

        U_i V' and two products with the residual take 6 m n r for m own rows; U'U, V'V and the two
        products with their difference take 4 r^2 a row of U and of V; the rest is elementwise.
        """
        own, (m, n, r) = self._blocks[rank], (self.rows, self.columns, self.rank)
        mine = own.stop - own.start
        fit = 6.0 * mine * n * r + 2 * mine * n + (mine + n) * r
        return float(fit + 4 * (m + n) * r**2 + 3 * r**2)

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of F at x times v, shape (d,)."""
        product = np.empty(self.d)
        (a, b), (da, db) = views(x, self._shapes), views(v, self._shapes)
        by_a, by_b = views(product, self._shapes)
        residual, change = a @ b.T - self._matrix, da @ b.T + a @ db.T
        lean = self.balance * (a.T @ a - b.T @ b)
        turn = da.T @ a - db.T @ b
        turn = self.balance * (turn + turn.T)
        by_a[:] = change @ b + residual @ db + da @ lean + a @ turn
        by_b[:] = change.T @ a + residual.T @ da - db @ lean - b @ turn
        return product

    def _answer(self) -> _Answer:
        """Return the balanced factors of M's best approximation of this rank, by its SVD."""
        if self._kept is None:
            left, values, right = np.linalg.svd(self._matrix, full_matrices=False)
            root = np.sqrt(values[: self.rank])
            halves = left[:, : self.rank] * root, right[: self.rank].T * root
            self._kept = _Answer(*halves, 0.5 * square(values[self.rank :]))
        return self._kept

    def minimum(self) -> Vector:
        """Return one of the minimisers, shape (d,)."""
        best = self._answer()
        return np.concatenate([best.left.ravel(), best.right.ravel()])

    def minimisers(self) -> Vector | None:
        """Return None: they are a manifold, and the nearest is nobody's row in a list."""
        return None

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return the relative error ||UV' - M||/||M||, F - F*, and the distance to the minimisers.

        That distance is min over orthogonal R of ||(U, V) - (U*R, V*R)||, by an SVD of one
        ``rank`` by ``rank`` matrix.
        """
        u, v = views(x, self._shapes)
        best = self._answer()
        turn, _, back = np.linalg.svd(best.left.T @ u + best.right.T @ v)
        aligned = square(u - best.left @ turn @ back) + square(v - best.right @ turn @ back)
        miss = square(u @ v.T - self._matrix)
        return {
            "relative_error": math.sqrt(miss / square(self._matrix)),
            "excess": self.loss(x) - best.least,
            "procrustes": math.sqrt(aligned),
        }
