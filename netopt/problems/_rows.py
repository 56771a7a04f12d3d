"""What problems made of data rows share: dealing rows to agents, batches, and curvature."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from msgspec import Meta

from netopt.data import Data
from netopt.data.scaling import row_max
from netopt.data.splits import split
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem, Vector
from netopt.problems._curvature import DENSE_LIMIT, Curvature, largest


class Part(NamedTuple):
    """The rows of one agent: features (m, n), dense or CSR, and labels (m,)."""

    features: Any
    labels: Any


Source = Annotated[
    str,
    Meta(
        description="digits, breast-cancer, mnist, fashion-mnist, synthetic, gaussian, "
        "heavy-tailed, concentrated, or a file of yours: libsvm:PATH, mnist:FOLDER, "
        "fashion-mnist:FOLDER, cifar10:FOLDER"
    ),
]
Split = Annotated[
    str,
    Meta(
        description="rows to agents: iid, by-class, sorted-by-norm, pairs (an agent has half of a "
        "pair of classes) or dirichlet:ALPHA (class shares drawn; a small ALPHA is uneven)"
    ),
]
Count = Annotated[
    Annotated[int, Meta(ge=1, le=2**31)] | None,
    Meta(description="rows, drawn by the seed; null: all of real data, 1000 of drawn data"),
]
DRAWN = 1000
"""How many rows are drawn if nobody says."""
Dimension = Annotated[int, Meta(ge=1, le=2**31, description="d, the columns of drawn data")]
L2 = Annotated[float, Meta(ge=0, description="weight of the regulariser l2/2 ||x||^2")]


class Rows(Problem):
    """Base of problems over data: f_i is a mean over agent i's rows, plus l2/2 ||x||^2.

    ``scale: row-max`` divides each row by its largest absolute entry, before the rows are sorted;
    ``equal`` drops the last rows, so that the mean over agents is one over rows. Off by default;
    with the split sorted-by-norm both are the preprocessing of smoothness-aware quantization (Wang,
    Safaryan and Richtarik, NeurIPS 2022).

    A product with a dense matrix is BLAS's, whose bits for large matrices (some 10^5 numbers an
    agent) depend on its number of threads; a run gives every rank one thread.
    """

    data: Source = "synthetic"
    split: Split = "iid"
    l2: L2 = 0.0
    batch: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="rows a gradient draws; null: all")
    ] = None
    scale: Annotated[
        Literal["none", "row-max"], Meta(description="row-max: largest entry of each row to +-1")
    ] = "none"
    equal: Annotated[
        bool, Meta(description="as many rows for every agent; the remainder is dropped")
    ] = False
    if TYPE_CHECKING:  # set by prepare; not options
        _parts: tuple[Part, ...] = ()
        _tops: Any = None
        _curvatures: Any = None
        _whole: float | None = None

    def _scaled(self, data: Data) -> Data:
        """Return ``data`` with its rows scaled as ``scale`` says."""
        return data._replace(features=row_max(data.features)) if self.scale == "row-max" else data

    def _deal(self, data: Data, agents: int, seed: int) -> None:
        """Give every agent its rows, each agent's in one contiguous block."""
        with option("split"):
            shares = split(self.split, data, agents, seed, self.equal)
        self.agents, self._tops, self._curvatures, self._whole = agents, {}, {}, None
        self._parts = tuple(Part(data.features[rows], data.labels[rows]) for rows in shares)
        fewest = min(len(part.labels) for part in self._parts)
        if self.batch is not None and self.batch > fewest:
            raise ConfigError(
                f"a batch of {self.batch} rows is more than the {fewest} rows that an agent has",
                "$.problem.batch",
            )

    def _sample(self, rank: int, key: Key | None) -> Part:
        """Return agent ``rank``'s rows, or ``batch`` different ones of them that ``key`` draws."""
        part = self._parts[rank]
        if self.batch is None or key is None:
            return part
        rng = key._replace(purpose=Purpose.BATCH, sender=rank).generator()
        rows = rng.choice(len(part.labels), self.batch, replace=False)
        return Part(part.features[rows], part.labels[rows])

    def _taken(self, rank: int) -> tuple[int, float]:
        """Return how many rows, and how many entries of them, a gradient of f_rank is of.

        Only stored entries of a sparse matrix count, on average over the batches.
        """
        features = self._parts[rank].features
        all_rows = features.shape[0]
        rows = self.batch or all_rows
        return rows, features.size * rows / all_rows  # scipy's size is that of what is stored

    def _ridge(self, x: Vector) -> float:
        """Return l2/2 ||x||^2; not by np.dot, which BLAS sums by threads if x is long."""
        return 0.5 * self.l2 * float(np.sum(x * x))

    def _gram(self, rank: int) -> Vector:
        """Return A_i'A_i/m_i, shape (n, n)."""
        features = self._parts[rank].features
        return np.asarray(dense(features.T @ features) / features.shape[0])

    def curvature_of(self, rank: int) -> Curvature | None:
        """Return agent ``rank``'s Curvature, computed once, or None above d = 4000."""
        if rank not in self._curvatures:
            self._curvatures[rank] = super().curvature_of(rank)
        kept: Curvature | None = self._curvatures[rank]
        return kept

    def _mean_gram(self) -> Vector:
        """Return (1/N) sum_i A_i'A_i/m_i, shape (n, n)."""
        total = self._gram(0)
        for rank in range(1, self.agents):
            total += self._gram(rank)
        return total / self.agents

    def _whole_top(self) -> float:
        """Return the largest eigenvalue of (1/N) sum_i A_i'A_i/m_i; by Lanczos above n = 4000."""
        if self._whole is None:
            n = self._parts[0].features.shape[1]
            if n <= DENSE_LIMIT:
                self._whole = float(np.linalg.eigvalsh(self._mean_gram())[-1])
            else:
                self._whole = largest(self._mean_product, n)
        return self._whole

    def _mean_product(self, v: Vector) -> Vector:
        total = np.zeros(len(v))
        for part in self._parts:
            total += part.features.T @ (part.features @ v / len(part.labels))
        return np.asarray(total / self.agents)

    def _top(self, rank: int) -> float:
        """Return the largest eigenvalue of A_i'A_i/m_i, also that of A_i A_i'/m_i."""
        if rank not in self._tops:
            features = self._parts[rank].features
            m, n = features.shape
            square = features @ features.T if m < n else features.T @ features
            self._tops[rank] = float(np.linalg.eigvalsh(dense(square))[-1]) / m
        top: float = self._tops[rank]
        return top


@contextmanager
def option(name: str) -> Iterator[None]:
    """Let a ConfigError raised inside say that the problem's option ``name`` is at fault."""
    try:
        yield
    except ConfigError as error:
        raise error.under(f"$.problem.{name}") from error.__cause__


def with_ones(features: Any) -> Any:
    """Return ``features`` with a last column of ones: the intercept's."""
    ones = np.ones((features.shape[0], 1))
    if isinstance(features, np.ndarray):
        return np.hstack([features, ones])
    from scipy import sparse

    return sparse.hstack([features, sparse.csr_array(ones)], format="csr")


def times_rows(features: Any, factors: Vector) -> Any:
    """Return diag(factors) ``features``, shape (m, n), in a new array of the same kind."""
    if isinstance(features, np.ndarray):
        return features * factors[:, np.newaxis]
    from scipy.sparse import csr_array

    data = features.data * np.repeat(factors, np.diff(features.indptr))
    return csr_array((data, features.indices, features.indptr), shape=features.shape)


def dense(matrix: Any) -> Vector:
    """Return a dense or sparse matrix as a numpy array."""
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())
