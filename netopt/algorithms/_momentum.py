"""The momentum beta of Nesterov's and Polyak's methods, and the state that they keep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from netopt.agent import Vector
from netopt.algorithms._star import Node

Beta = Annotated[
    Annotated[float, Meta(ge=0, lt=1)] | Literal["theory"],
    Meta(description="beta, momentum; theory: from the condition number"),
]


@dataclass(slots=True)
class Rolling(Node):
    """``last`` is the y or x of the round before, shape (d,), and ``beta`` the momentum."""

    last: Vector
    beta: float


def nesterov(top: float, mu: float) -> float:
    """Return beta = (sqrt(kappa) - 1)/(sqrt(kappa) + 1) for L = top."""
    root = math.sqrt(top / mu)
    return (root - 1) / (root + 1)


def polyak(top: float, mu: float) -> float:
    """Return beta = ((sqrt(kappa) - 1)/(sqrt(kappa) + 1))^2 for L = top."""
    return nesterov(top, mu) ** 2
