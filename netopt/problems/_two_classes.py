"""The mean logistic loss of two classes, of rows that carry their label: y a, y = -1 or +1.

The loss depends on a row and its label through y a only. So the label is multiplied in once, and a
gradient is two products and one exponential.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netopt.problems import Vector
from netopt.problems._rows import Part, dense, times_rows

CURVATURE = 0.25
"""The Hessian is at most CURVATURE * A'A/m, with equality at x = 0."""

_LARGEST = 700.0
"""exp(700) is finite; a row above it weighs less than 1e-304, whatever its exact weight."""


def fold(part: Part) -> Part:
    """Return ``part`` with rows y a, shape (m, n), dense or CSR, for a; y is -1 or +1."""
    return part._replace(features=times_rows(part.features, part.labels))


class Model:
    """The loss of the folded rows y a of one agent, as a function of x, shape (n,)."""

    def __init__(self, part: Part) -> None:
        self._rows = part.features
        self._across = self._rows.T  # a view; kept, as scipy takes 20 us to make one
        self._work = np.empty(self._rows.shape[0])

    def loss(self, x: Vector) -> float:
        """Return the mean over rows of log(1 + exp(-y a'x))."""
        return float(np.mean(np.logaddexp(0.0, -(self._rows @ x))))

    def grad(self, x: Vector) -> Vector:
        """Return the gradient of ``loss``, shape (n,), in a new array."""
        pull = self._falling(x)
        np.divide(-1.0 / len(pull), pull, out=pull)
        return np.asarray(self._across @ pull)

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of ``loss`` at x times v, shape (n,)."""
        return np.asarray(self._across @ (self._bend(x) * (self._rows @ v)))

    def hessian(self, x: Vector) -> Vector:
        """Return the Hessian of ``loss`` at x, shape (n, n), symmetric to the last bit."""
        half = times_rows(self._rows, np.sqrt(self._bend(x)))
        return dense(half.T @ half)

    def _bend(self, x: Vector) -> Vector:
        """Return p (1 - p)/m of every row, p = 1/(1 + exp(y a'x)), in a new array."""
        p = 1.0 / self._falling(x)
        return np.asarray(p * (1.0 - p) / len(p))

    def _falling(self, x: Vector) -> Vector:
        """Return 1 + exp(y a'x) of every row, shape (m,), in the work array."""
        work = self._work
        if isinstance(self._rows, np.ndarray):
            np.dot(self._rows, x, out=work)
        else:
            work = self._rows @ x  # scipy makes an array of its own
        np.minimum(work, _LARGEST, out=work)
        np.exp(work, out=work)
        work += 1.0
        return work


def predict(rows: Any, x: Vector) -> Any:
    """Return the likelier class of each row a, -1 or +1, shape (m,); +1 if they are equal."""
    return np.where(rows @ x >= 0, 1, -1)
