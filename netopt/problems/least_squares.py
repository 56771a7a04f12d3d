"""Linear regression by least squares: convex, and solved in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from netopt.data import Recipe, load
from netopt.keys import Key, Purpose
from netopt.problems import Vector
from netopt.problems._curvature import DENSE_LIMIT
from netopt.problems._rows import DRAWN, Count, Dimension, Rows, option


class LeastSquares(Rows):
    """Least squares: f_i = 1/(2 m_i) ||A_i x - b_i||^2 + l2/2 ||x||^2 over agent i's m_i rows.

    - ``data``: synthetic by default, as only there the condition number is chosen: A'A/m over all
      rows has the condition number ``kappa``, b = A x + ``noise`` * N(0, I). Also drawn, ``rows`` x
      ``dimension`` too: gaussian (A and b all N(0, 1)), heavy-tailed (A of fifth powers of N(0, 1))
      and concentrated (``noise`` as above; for the split sorted-by-norm, which then gives each of
      floor(sqrt(d)) agents the curvature of its own block). Also breast-cancer, digits and
      libsvm:PATH (sparse files stay sparse), which regress on the labels as the source gives them.
    - ``split``: iid by default, so that agents nearly agree; by-class (sorted by label) and
      sorted-by-norm make them differ.
    - ``l2``: 0 by default, plain least squares; ``batch``: how many rows a gradient draws, without
      replacement; None, the default, is all.
    - ``scale``: row-max divides every row by its largest entry; ``equal``: agents get equally many
      rows. Both are off by default.
    - ``at``: where every agent starts: zero by default; random is N(0, I), drawn from the seed.

    There is no intercept and no test set.
    """

    id = "least-squares"
    reference = "the standard linear regression"

    rows: Count = None
    dimension: Dimension = 20
    kappa: Annotated[float, Meta(ge=1, description="condition number of A^T A")] = 10.0
    noise: Annotated[float, Meta(ge=0, description="standard deviation in the targets")] = 0.1
    at: Annotated[Literal["zero", "random"], Meta(description="where every agent starts")] = "zero"
    if TYPE_CHECKING:  # set by prepare; not options
        _seed: int = 0
        _best: Any = None
        _mu: Any = None

    def prepare(self, agents: int, seed: int) -> None:
        """Load or draw the data and deal them to ``agents`` agents.

        Raises ConfigError for data or a split that do not exist or do not fit.
        """
        count = self.rows or DRAWN
        recipe = Recipe(count, self.dimension, self.kappa, self.noise, most=self.rows)
        with option("data"):
            data = self._scaled(load(self.data, seed, recipe))
        self._deal(data, agents, seed)
        self.d = data.features.shape[1]
        self._seed, self._best, self._mu = seed, None, None

    def start(self) -> Vector:
        """Return x_0, shape (d,): zero, or N(0, I) by the seed's own stream of starts."""
        if self.at == "zero":
            return np.zeros(self.d)
        return Key(self._seed, Purpose.START).generator().standard_normal(self.d)

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f_i(x), over all rows of agent ``rank``."""
        part = self._parts[rank]
        miss = part.features @ x - part.labels
        return 0.5 * float(np.mean(miss * miss)) + self._ridge(x)

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of f_i at x, shape (d,), over the batch that ``key`` draws."""
        part = self._sample(rank, key)
        miss = part.features @ x
        miss -= part.labels
        miss /= len(miss)
        total: Vector = part.features.T @ miss
        total += self.l2 * x
        return total

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient: two products with A_i, the residual, the ridge."""
        rows, entries = self._taken(rank)
        return 4.0 * entries + 2 * rows + 2 * self.d

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of F times v, shape (d,), over all rows."""
        return self._mean_product(v) + self.l2 * v

    def hessian(self, x: Vector) -> Vector | None:
        """Return the Hessian of F, the same at every x, shape (d, d), or None above d = 4000."""
        if self.d > DENSE_LIMIT:
            return None
        return self._mean_gram() + self.l2 * np.eye(self.d)

    def smoothness(self, rank: int) -> float:
        """Return lambda_max(A_i'A_i)/m_i + l2, the smallest constant there is."""
        return self._top(rank) + self.l2

    def smoothness_matrix(self, rank: int) -> Vector | None:
        """Return the Hessian of f_i, A_i'A_i/m_i + l2 I, or None above d = 4000."""
        if self.d > DENSE_LIMIT:
            return None
        return self._gram(rank) + self.l2 * np.eye(self.d)

    def top(self) -> float:
        """Return the largest eigenvalue of F's Hessian; by Lanczos iteration above d = 4000."""
        return self._whole_top() + self.l2

    def strong_convexity(self) -> float | None:
        """Return the smallest eigenvalue of F's Hessian; None if it is 0 or d > 4000."""
        hessian = self.hessian(np.zeros(self.d)) if self._mu is None else None
        if hessian is not None:
            values = np.linalg.eigvalsh(hessian)
            noise = self.d * np.finfo(np.float64).eps * values[-1]
            self._mu = float(values[0]) if values[0] > noise else 0.0
        return self._mu or None

    def minimum(self) -> Vector | None:
        """Return the minimiser of F, of least norm if there are many, or None above d = 4000."""
        hessian = self.hessian(np.zeros(self.d)) if self._best is None else None
        if hessian is not None:
            self._best = self._normal_equations(hessian)
        return None if self._best is None else self._best.copy()

    def _normal_equations(self, hessian: Vector) -> Vector:
        """Solve for the zero of F's gradient; a second pass undoes the first one's rounding."""
        best = np.zeros(self.d)
        for _ in range(2):
            best -= np.linalg.lstsq(hessian, self.gradient(best, None), rcond=None)[0]
        return best
