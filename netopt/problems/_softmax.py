"""The mean cross-entropy of c classes, of rows A and labels y, as a function of x.

A has shape (m, n), dense or CSR; y holds 0..c-1; x is the (c, n) weight matrix, flattened. Scores
are kept as (c, m), since numpy reduces over the first axis several times faster than over ten
neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netopt.problems import Vector
from netopt.problems._rows import Part

CURVATURE = 0.5
"""The Hessian is at most CURVATURE * I_c (x) A'A/m (Boehning, Ann. Inst. Stat. Math. 1992)."""


class Model:
    """The loss of one agent's rows and labels, as a function of x, shape (c n,)."""

    def __init__(self, part: Part) -> None:
        self._rows, self._labels = part
        self._own = (self._labels, np.arange(len(self._labels)))

    def loss(self, x: Vector) -> float:
        """Return the mean over rows of log(sum_k exp(z_k)) - z_label, z = W a."""
        scores = _scores(self._rows, x)
        scores -= scores.max(axis=0)
        own = scores[self._own]
        return float(np.mean(np.log(np.exp(scores).sum(axis=0)) - own))

    def grad(self, x: Vector) -> Vector:
        """Return the gradient of ``loss``, shape (c n,), in a new array."""
        share = self._probabilities(x)
        share[self._own] -= 1.0
        share /= len(self._labels)
        return np.asarray(share @ self._rows).ravel()

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of ``loss`` at x times v, shape (c n,)."""
        share, tilt = self._probabilities(x), _scores(self._rows, v)
        tilt -= (share * tilt).sum(axis=0)
        tilt *= share
        tilt /= len(self._labels)
        return np.asarray(tilt @ self._rows).ravel()

    def _probabilities(self, x: Vector) -> Vector:
        share = _scores(self._rows, x)
        share -= share.max(axis=0)  # so that no exp overflows
        np.exp(share, out=share)
        share /= share.sum(axis=0)
        return share


def predict(rows: Any, x: Vector) -> Any:
    """Return the most likely class of each row, shape (m,); the first of equals."""
    return _scores(rows, x).argmax(axis=0)


def _scores(rows: Any, x: Vector) -> Vector:
    return np.asarray(x.reshape(-1, rows.shape[1]) @ rows.T)
