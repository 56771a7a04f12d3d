"""The mean logistic loss of two classes: pure functions of rows A, labels y and parameters x.

A has shape (m, n), dense or CSR; y holds -1 and +1; x has shape (n,).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netopt.problems import Vector

CURVATURE = 0.25
"""The Hessian is at most CURVATURE * A'A/m, with equality at x = 0."""


def loss(rows: Any, labels: Any, x: Vector) -> float:
    """Return the mean over rows of log(1 + exp(-y a'x))."""
    return float(np.mean(np.logaddexp(0.0, -labels * (rows @ x))))


def grad(rows: Any, labels: Any, x: Vector) -> Vector:
    """Return the gradient of ``loss``, shape (n,)."""
    pull = _falling(labels * (rows @ x))
    pull *= labels
    pull /= -len(labels)
    return np.asarray(rows.T @ pull)


def hessian_vector(rows: Any, labels: Any, x: Vector, v: Vector) -> Vector:
    """Return the Hessian of ``loss`` at x times v, shape (n,)."""
    p = _falling(labels * (rows @ x))
    bend = p * (1 - p) * (rows @ v) / len(labels)
    return np.asarray(rows.T @ bend)


def predict(rows: Any, x: Vector) -> Any:
    """Return the likelier class of each row, -1 or +1, shape (m,); +1 if they are equal."""
    return np.where(rows @ x >= 0, 1, -1)


def _falling(t: Vector) -> Vector:
    """Return 1 / (1 + exp(t)), to full precision and without overflow for any t."""
    small = np.exp(-np.abs(t))
    top = np.where(t > 0, small, 1.0)
    small += 1.0
    top /= small
    return top
