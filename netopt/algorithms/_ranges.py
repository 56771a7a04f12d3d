"""Range schedules of the differentially quantized methods: iterators that both ends hold."""

from __future__ import annotations

import math
from collections.abc import Iterator

from netopt.errors import NumericalError

SLACK = 1 + 1e-12
"""A bound can be attained, and its own rounding must not make the largest vector overflow."""
LARGEST = 1e290


def within(method: str, r: float) -> float:
    """Return r; NumericalError if it has grown so large that float64 soon ends."""
    if r > LARGEST:
        raise NumericalError(
            f"{method}: its range has grown to {r:.4g}, as it diverges; give the codec more bits"
        )
    return r


def modulus(t: float, b: float) -> float:
    """Return the largest |root| of p^2 = t p - b."""
    gap = t * t - 4 * b
    return math.sqrt(b) if gap <= 0 else (abs(t) + math.sqrt(gap)) / 2


def shrinking(first: float, sigma: float) -> Iterator[float]:
    """Yield first sigma^i for i = 0, 1, ..."""
    while True:
        yield first
        first *= sigma * SLACK


def transient(first: float, sigma: float, beta: float) -> Iterator[float]:
    """Yield first ((i + 1) sigma^i + beta i sigma^(i - 1)) for i = 0, 1, ...

    A method with momentum moves along an eigenvector by p_{i+1} = t p_i - b p_{i-1} with roots of
    modulus at most sigma, and p_i = h_i - beta h_{i-1}, where h_i is the sum of the i + 1 products
    of i roots: proved for quadratics, and attained by the heavy ball at lambda = L.
    """
    i, power = 0, shrinking(first, sigma)
    before = 0.0
    for now in power:
        yield (i + 1) * now + beta * i * before
        i, before = i + 1, now


def recursion(
    bounds: Iterator[float], a: float, floor: float, beta: float = 0.0
) -> Iterator[float]:
    """Yield r_i = bound_i + floor + a ((1 + beta) r_{i-1} + beta r_{i-2}).

    The bounds are those of the gradients, ``floor`` that of their rounding, and a = rho_n 2^(-R).
    """
    r = before = 0.0
    for bound in bounds:
        errors = a * ((1 + beta) * r + beta * before)
        r, before = SLACK * (bound + floor + errors), r
        yield r
