"""Logistic regression on real data: two classes or many, as the data have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta

from netopt.data import Data, Recipe, classify, load
from netopt.data.splits import hold_out
from netopt.keys import Key
from netopt.problems import Vector, _softmax, _two_classes
from netopt.problems._curvature import DENSE_LIMIT
from netopt.problems._rows import (
    DRAWN,
    L2,
    Count,
    Dimension,
    Part,
    Rows,
    Source,
    Split,
    option,
    with_ones,
)


class Logistic(Rows):
    """Logistic regression: f_i is the mean log-loss over agent i's rows, plus l2/2 ||x||^2.

    Two classes have labels -1 and +1 and n + 1 parameters; c > 2 classes have a (c, n + 1) matrix
    of them, flattened. The last column is the ``intercept``; leave it out for papers without one.

    - ``data``: digits by default, real and of ten classes, yet a gradient takes a tenth of a
      millisecond; also breast-cancer and libsvm:PATH (sparse files stay sparse), mnist and
      fashion-mnist (of 784 pixels), cifar10:FOLDER, and, drawn as two classes of ``rows`` x
      ``dimension``, synthetic, gaussian, heavy-tailed and concentrated (for the split
      sorted-by-norm, which then gives each of floor(sqrt(d)) agents the curvature of its own
      block). Of real data ``rows`` takes so many that the seed draws.
    - ``split``: by-class by default, the hard case: agents see different classes and disagree;
      also iid, sorted-by-norm, pairs and dirichlet:ALPHA.
    - ``l2``: acts on all parameters, the intercept too, so that F is strongly convex with mu = l2;
      1e-3 is small enough to leave the accuracy alone and large enough to converge.
    - ``scale``: row-max divides every row by its largest entry (before the intercept's ones are
      added); ``equal``: agents get equally many rows. Both are off by default.
    - ``batch``: how many rows a gradient draws, without replacement; None, the default, is all.
    - ``test_fraction``: the share of rows held out for the metric ``accuracy``; by custom a fifth.
    - ``solve``: whether the minimiser is computed, to rounding error by Newton's method, so that
      distances are recorded; off, since it costs some ten Hessians of F where it is asked for.
    """

    id = "logistic"
    reference = "Cox, J. R. Stat. Soc. B 1958; c classes: Boehning, Ann. Inst. Stat. Math. 1992"

    data: Source = "digits"
    split: Split = "by-class"
    l2: L2 = 1e-3
    test_fraction: Annotated[
        float, Meta(ge=0, lt=1, description="share of the rows held out for the accuracy")
    ] = 0.2
    intercept: Annotated[bool, Meta(description="whether each class has a bias")] = True
    solve: Annotated[bool, Meta(description="find the minimum, so that distances are known")] = (
        False
    )
    rows: Count = None
    dimension: Dimension = 20
    if TYPE_CHECKING:  # set by prepare; not options
        _kind: Any = None
        _models: Any = None
        _test: Any = None
        _classes: int = 0
        _best: Any = None

    def __post_init__(self) -> None:
        """Refuse to look for a minimiser that may not exist."""
        if self.solve and self.l2 == 0:
            raise ValueError("'solve' needs l2 > 0; separable classes have no minimiser without it")

    def prepare(self, agents: int, seed: int) -> None:
        """Load the data, hold out the test rows and deal the others to ``agents`` agents.

        Raises ConfigError for data or a split that do not exist or do not fit.
        """
        with option("data"):
            recipe = Recipe(self.rows or DRAWN, self.dimension, classes=True, most=self.rows)
            data = self._scaled(classify(load(self.data, seed, recipe)))
        two = len(data.classes) == 2
        self._kind, self._classes = (_two_classes, 1) if two else (_softmax, len(data.classes))
        features = with_ones(data.features) if self.intercept else data.features
        labels = data.labels.astype(np.float64) if two else data.labels
        train, test = hold_out(len(labels), self.test_fraction, seed)
        self._deal(Data(features[train], labels[train]), agents, seed)
        if two:
            self._parts = tuple(_two_classes.fold(part) for part in self._parts)
        self._models = {}
        self._test, self._best = Part(features[test], labels[test]), None
        self.d = self._classes * features.shape[1]

    def _model(self, rank: int, key: Key | None = None) -> Any:
        """Return agent ``rank``'s loss, or that of the batch that ``key`` draws."""
        if self.batch is not None and key is not None:
            return self._kind.Model(self._sample(rank, key))
        if rank not in self._models:
            self._models[rank] = self._kind.Model(self._parts[rank])
        return self._models[rank]

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f_i(x), over all rows of agent ``rank``, in nats."""
        return float(self._model(rank).loss(x)) + self._ridge(x)

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of f_i at x, shape (d,), over the batch that ``key`` draws."""
        total: Vector = self._model(rank, key).grad(x)
        total += self.l2 * x
        return total

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient: two products with A_i, the classes' shares, ridge.

        A share takes four operations a row for two classes, and six a class and row for more.
        """
        rows, entries = self._taken(rank)
        shares = 4 * rows if self._kind is _two_classes else (6 * self._classes + 1) * rows
        return 4.0 * entries * self._classes + shares + 2 * self.d

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of F at x times v, shape (d,), over all rows."""
        total = np.zeros(self.d)
        for rank in range(self.agents):
            total += self._model(rank).hessian_vector(x, v)
        return total / self.agents + self.l2 * v

    def hessian(self, x: Vector) -> Vector | None:
        """Return the Hessian of F at x, shape (d, d); None for c > 2 classes or d > 4000."""
        if self._kind is _softmax or self.d > DENSE_LIMIT:
            return None
        total = np.zeros((self.d, self.d))
        for rank in range(self.agents):
            total += self._model(rank).hessian(x)
        return total / self.agents + self.l2 * np.eye(self.d)

    def smoothness(self, rank: int) -> float:
        """Return c lambda_max(A_i'A_i)/m_i + l2; c = 1/4 for two classes and 1/2 for more."""
        return float(self._kind.CURVATURE) * self._top(rank) + self.l2

    def smoothness_matrix(self, rank: int) -> Vector | None:
        """Return c A_i'A_i/m_i + l2 I, once per class on the diagonal, or None above d = 4000."""
        if self.d > DENSE_LIMIT:
            return None
        block = self._kind.CURVATURE * self._gram(rank)
        return np.kron(np.eye(self._classes), block) + self.l2 * np.eye(self.d)

    def top(self) -> float:
        """Return c lambda_max((1/N) sum_i A_i'A_i/m_i) + l2; by Lanczos above n = 4000 columns."""
        return float(self._kind.CURVATURE) * self._whole_top() + self.l2

    def strong_convexity(self) -> float | None:
        """Return l2, or None if it is 0."""
        return self.l2 or None

    def minimum(self) -> Vector | None:
        """Return the minimiser of F to rounding error if ``solve`` is set, else None.

        Raises NumericalError if it is not reached.
        """
        if self.solve and self._best is None:
            from netopt.problems import _reference

            self._best = _reference.solve(self)
        return None if self._best is None else self._best.copy()

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return ``accuracy``: the share of held-out rows that x puts into the right class."""
        if not len(self._test.labels):
            return {}
        hits = self._kind.predict(self._test.features, x) == self._test.labels
        return {"accuracy": float(np.mean(hits))}
