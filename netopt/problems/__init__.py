"""Problems know what is minimised: F(x) = (1/N) sum_i f_i(x), f_i private to agent i.

A problem holds the data of all N agents, since the root evaluates the whole of F; an algorithm only
ever reaches its own agent's gradient. Nothing here knows the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from netopt.core.packing import norm
from netopt.errors import ConfigError
from netopt.keys import Key
from netopt.problems._curvature import Curvature, decompose
from netopt.registry import Component

Vector = npt.NDArray[np.float64]
_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


class Problem(Component):
    """Base of every problem: give ``prepare``, ``agent_loss`` and ``grad``; the rest has defaults.

    ``prepare`` sets ``d``, the number of coordinates, and ``agents``, the number of agents N.
    """

    kind: ClassVar[str] = "problem"
    package: ClassVar[str] = "netopt.problems"
    if TYPE_CHECKING:  # set by prepare; not options, so msgspec must not see them
        d: int = 0
        agents: int = 0

    def prepare(self, agents: int, seed: int) -> None:
        """Load or draw the data of ``agents`` agents; the same seed gives the same data."""
        raise ConfigError(f"problem {self.id} does not say how to prepare its data")

    def tensors(self) -> tuple[int, ...]:
        """Return the sizes of the tensors that x is made of, in order; they add up to d."""
        return (self.d,)

    def start(self) -> Vector:
        """Return the point x_0, shape (d,) float64, at which every agent starts."""
        return np.zeros(self.d)

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return agent ``rank``'s f_i(x), over all of its rows, for x of shape (d,)."""
        raise ConfigError(f"problem {self.id} does not define a loss")

    def loss(self, x: Vector) -> float:
        """Return F(x) for x of shape (d,): the agents' losses summed in rank order, over N."""
        return sum(self.agent_loss(rank, x) for rank in range(self.agents)) / self.agents

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of agent ``rank``'s f_i at x, shape (d,), in a new array.

        ``key`` draws the batch of a stochastic problem; None asks for the exact gradient.
        """
        raise ConfigError(f"problem {self.id} does not define a gradient")

    def flops(self, rank: int) -> float:
        """Return the floating-point operations of one gradient of f_rank, batches being drawn.

        Each sum, product, quotient, comparison and elementary function of a number is one; drawing
        and copying are none. The default, for a problem that does not count, is an estimate: 4 d.
        """
        return 4.0 * self.d

    def gradient(self, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of F at x: the agents' gradients summed in rank order, over N.

        ``key`` draws every agent's batch; None asks for the exact gradient.
        """
        total = np.zeros(self.d)
        for rank in range(self.agents):
            total += self.grad(rank, x, key and key._replace(sender=rank))
        total /= self.agents
        return total

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of F at x times v, shape (d,), over all rows.

        The default is the central difference of two exact gradients, h = eps^(1/3) (1 + ||x||)
        away along v / ||v||. Its error is h^2 / 6 times F's fourth derivative there, and eps / h
        times the gradient from rounding: eps^(2/3) = 4e-11 of either where ||x|| is below 1.
        """
        size = norm(np.ascontiguousarray(v), "l2")
        if size == 0.0:
            return np.zeros(self.d)
        h = _STEP * (1.0 + norm(np.ascontiguousarray(x), "l2"))
        step = v * (h / size)
        product = self.gradient(x + step, None) - self.gradient(x - step, None)
        product *= size / (2.0 * h)
        return product

    def products(self) -> str:
        """Return how ``hessian_vector`` comes about: 'exact', or 'finite-difference'.

        A problem whose products are computed in another way says its own word, such as 'autograd'.
        """
        mine = type(self).hessian_vector is not Problem.hessian_vector
        return "exact" if mine else "finite-difference"

    def hessian(self, x: Vector) -> Vector | None:
        """Return the Hessian of F at x, shape (d, d), or None where it is not formed."""
        return None

    def smoothness(self, rank: int) -> float | None:
        """Return L_i, a Lipschitz constant of agent ``rank``'s gradient, or None if unknown."""
        return None

    def smoothness_matrix(self, rank: int) -> Vector | None:
        """Return a matrix, shape (d, d), that bounds the Hessian of f_i everywhere, or None."""
        return None

    def curvature_of(self, rank: int) -> Curvature | None:
        """Return agent ``rank``'s smoothness matrix L_i with its root and extreme eigenvalues.

        None where there is no such matrix. Raises ConfigError that names the agent if L_i is
        singular. Takes O(d^3); kept by problems over data.
        """
        matrix = self.smoothness_matrix(rank)
        return None if matrix is None else decompose(matrix, rank)

    def top(self) -> float | None:
        """Return L, a Lipschitz constant of F's own gradient, or None if unknown.

        It is at most the mean of the L_i, and smaller where the agents' curvatures differ.
        """
        return None

    def strong_convexity(self) -> float | None:
        """Return a mu > 0 such that F - mu/2 ||x||^2 is convex, or None if there is none known."""
        return None

    def minimum(self) -> Vector | None:
        """Return a known minimiser x*, shape (d,), or None."""
        return None

    def certificate(self) -> float | None:
        """Return the norm of F's gradient at ``minimum()``, or None if no minimum is known."""
        best = self.minimum()
        return None if best is None else float(np.linalg.norm(self.gradient(best, None)))

    def minimisers(self) -> Vector | None:
        """Return all known minimisers as rows, shape (m, d); distances are taken to the nearest."""
        best = self.minimum()
        return None if best is None else best[np.newaxis]

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return further figures of merit at x that go into each row of metrics.jsonl."""
        return {}
