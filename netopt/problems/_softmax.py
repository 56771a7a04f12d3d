"""The mean cross-entropy of c classes: pure functions of rows A, labels y and parameters x.

A has shape (m, n), dense or CSR; y holds 0..c-1; x is the (c, n) weight matrix, flattened. Scores
are kept as (c, m), since numpy reduces over the first axis several times faster than over ten
neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netopt.problems import Vector

CURVATURE = 0.5
"""The Hessian is at most CURVATURE * I_c (x) A'A/m (Boehning, Ann. Inst. Stat. Math. 1992)."""


def loss(rows: Any, labels: Any, x: Vector) -> float:
    """Return the mean over rows of log(sum_k exp(z_k)) - z_label, z = W a."""
    scores = _scores(rows, x)
    scores -= scores.max(axis=0)
    own = scores[labels, np.arange(len(labels))]
    return float(np.mean(np.log(np.exp(scores).sum(axis=0)) - own))


def grad(rows: Any, labels: Any, x: Vector) -> Vector:
    """Return the gradient of ``loss``, shape (c n,)."""
    share = _probabilities(rows, x)
    share[labels, np.arange(len(labels))] -= 1.0
    share /= len(labels)
    return np.asarray(share @ rows).ravel()


def hessian_vector(rows: Any, labels: Any, x: Vector, v: Vector) -> Vector:
    """Return the Hessian of ``loss`` at x times v, shape (c n,)."""
    share, tilt = _probabilities(rows, x), _scores(rows, v)
    tilt -= (share * tilt).sum(axis=0)
    tilt *= share
    tilt /= len(labels)
    return np.asarray(tilt @ rows).ravel()


def predict(rows: Any, x: Vector) -> Any:
    """Return the most likely class of each row, shape (m,); the first of equals."""
    return _scores(rows, x).argmax(axis=0)


def _scores(rows: Any, x: Vector) -> Vector:
    return np.asarray(x.reshape(-1, rows.shape[1]) @ rows.T)


def _probabilities(rows: Any, x: Vector) -> Vector:
    share = _scores(rows, x)
    share -= share.max(axis=0)  # so that no exp overflows
    np.exp(share, out=share)
    share /= share.sum(axis=0)
    return share
