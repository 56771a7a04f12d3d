"""Tucker decomposition of a 3-way tensor that all agents know, with an unsquared misfit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem, Vector
from netopt.problems._planted import sizes, square, views

Sides = tuple[Annotated[int, Meta(ge=1)], Annotated[int, Meta(ge=1)], Annotated[int, Meta(ge=1)]]


class Tucker(Problem):
    """f(G, U1, U2, U3) = ||T - G x1 U1 x2 U2 x3 U3||_F + l2 sum_n ||U_n||_F^2, T known to all.

    x is the core G, shape ``rank``, and then the factors U_n, shape (size_n, rank_n), row by row;
    every agent has the same f. ``data: planted`` draws T of exactly that ``rank`` by the seed: core
    N(0, 1), factors uniform in [0, 1), normal noise of norm ``noise`` ||T|| on top. A path that
    ends in .npy is a 3-way array of yours, looked for beside the run file too; ``size`` is then its
    own. All of x starts uniform in [0, 1), as in the paper's code; ``l2`` is its 0.1.

    The misfit is a norm, not its square: f is not smooth where it vanishes, and the gradient there
    is taken to be the regulariser's alone. The core is not penalised, so that shrinking the factors
    and growing the core lowers f for ever: there is no minimiser, and its infimum is that of the
    misfit. The Hessian is unbounded near a fit, so gradients have no Lipschitz constant.
    """

    id = "tucker"
    reference = "Bo and Wang, PNAS 2024, the tensor decomposition of the experiments"

    data: Annotated[str, Meta(description="planted, or the path of a .npy file of yours")] = (
        "planted"
    )
    size: Annotated[Sides, Meta(description="sides of a planted tensor")] = (8, 8, 8)
    rank: Annotated[Sides, Meta(description="multilinear rank: the sides of the core")] = (5, 5, 5)
    l2: Annotated[float, Meta(ge=0, description="weight of the factors' squared norms")] = 0.1
    noise: Annotated[float, Meta(ge=0, description="norm of the noise, relative to T's")] = 0.0
    if TYPE_CHECKING:  # set by prepare; not options
        _seed: int = 0
        _tensor: Vector = np.zeros((0, 0, 0))
        _norm: float = 0.0

    @property
    def _shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.rank, *zip(self._tensor.shape, self.rank, strict=True)

    def prepare(self, agents: int, seed: int) -> None:
        """Draw or read T; ConfigError for a file that is no 3-way tensor, and a rank above a side.

        The error names the file, or the option at fault.
        """
        self.agents, self._seed = agents, seed
        self._tensor = self._planted() if self.data == "planted" else _read(self.data)
        if any(r > n for r, n in zip(self.rank, self._tensor.shape, strict=True)):
            raise ConfigError(
                f"a rank of {list(self.rank)} does not fit a tensor of sides "
                f"{list(self._tensor.shape)}; no rank is above its side",
                "$.problem.rank",
            )
        self.d, self._norm = sum(self.tensors()), math.sqrt(square(self._tensor))

    def _planted(self) -> Vector:
        rng = Key(self._seed, Purpose.DATA).generator()
        core = rng.standard_normal(self.rank)
        shapes = zip(self.size, self.rank, strict=True)
        tensor = product(core, *(rng.random(shape) for shape in shapes))
        if self.noise:
            noise = rng.standard_normal(self.size)
            tensor += self.noise * math.sqrt(square(tensor) / square(noise)) * noise
        return tensor

    def tensors(self) -> tuple[int, ...]:
        """Return the sizes of G, U1, U2 and U3."""
        return sizes(self._shapes)

    def start(self) -> Vector:
        """Return a vector that the seed draws uniformly in [0, 1), shape (d,)."""
        return Key(self._seed, Purpose.START).generator().random(self.d)

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f(x) for x of shape (d,)."""
        return self._misfit(x) + self.l2 * square(x[math.prod(self.rank) :])

    def _misfit(self, x: Vector) -> float:
        return math.sqrt(square(product(*views(x, self._shapes)) - self._tensor))

    def loss(self, x: Vector) -> float:
        """Return F(x) = f(x) for x of shape (d,)."""
        return self.agent_loss(0, x)

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return J'R/||R|| + 2 l2 U, shape (d,), of the residual R; at R = 0 without the first.

        J is the derivative of the product by x.
        """
        parts = views(x, self._shapes)
        residual = product(*parts) - self._tensor
        norm = math.sqrt(square(residual))
        if norm > 0:
            residual /= norm
        g = np.empty(self.d)
        for into, part in zip(views(g, self._shapes), pull(residual, *parts), strict=True):
            into[:] = part
        self._ridge(g, x)
        return g

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient: 11 products of tensors, 4 an entry of T, the ridge.

        Sides are n, those of the core r: three products take 2 n1 n2 n3 r3 each, four
        2 n1 n2 r2 r3, and four 2 n1 r1 r2 r3.
        """
        (n1, n2, n3), (r1, r2, r3) = self._tensor.shape, self.rank
        products = 6.0 * n1 * n2 * n3 * r3 + 8 * n1 * n2 * r2 * r3 + 8 * n1 * r1 * r2 * r3
        return float(products + 4 * n1 * n2 * n3 + 2 * (self.d - math.prod(self.rank)))

    def _ridge(self, out: Vector, x: Vector) -> None:
        """Add the gradient of the regulariser to ``out``; it is linear in x."""
        core = math.prod(self.rank)
        out[core:] += 2 * self.l2 * x[core:]

    def gradient(self, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of F at x, shape (d,), which is that of f."""
        return self.grad(0, x, None)

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of F at x times v, shape (d,); the regulariser's alone at a fit.

        With r = R/||R|| and w = Jv it is J'(w - r (r.w))/||R|| + (dJ/dv)'r + 2 l2 v. The product
        and J'r are linear in each tensor, so a derivative by v is a sum over one replaced by v's.
        """
        parts, steps = views(x, self._shapes), views(v, self._shapes)
        out = np.zeros(self.d)
        self._ridge(out, v)
        residual = product(*parts) - self._tensor
        norm = math.sqrt(square(residual))
        if norm == 0:
            return out
        residual /= norm
        into, replaced = views(out, self._shapes), _replaced(parts, steps)
        change = sum(product(*some) for some in replaced)
        change -= residual * float(np.sum(residual * change))
        _add(into, pull(change / norm, *parts))
        for n, some in enumerate(replaced):
            _add(into, pull(residual, *some), but=n)
        return out

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return the relative error ||T - That||/||T||, and F/||T||, as the paper's code does."""
        return {
            "relative_error": self._misfit(x) / self._norm,
            "relative_loss": self.loss(x) / self._norm,
        }


def product(core: Vector, a: Vector, b: Vector, c: Vector) -> Vector:
    """Return core x1 a x2 b x3 c, shape (rows of a, of b, of c)."""
    return np.asarray(b @ np.tensordot(a, core, 1) @ c.T)


def pull(r: Vector, core: Vector, a: Vector, b: Vector, c: Vector) -> list[Vector]:
    """Return the gradients of the inner product of r with product(core, a, b, c), in that order."""
    first = np.tensordot(a, core, 1)
    third = r @ c
    second = b.T @ third
    return [
        np.tensordot(a.T, second, 1),
        np.tensordot(second, core, ((1, 2), (1, 2))),
        np.tensordot(third, first, ((0, 2), (0, 2))),
        np.tensordot(r, b @ first, ((0, 1), (0, 1))),
    ]


def _replaced(parts: list[Vector], steps: list[Vector]) -> list[list[Vector]]:
    """Return the lists in which one of ``parts`` is replaced by that of ``steps``."""
    return [[*parts[:n], step, *parts[n + 1 :]] for n, step in enumerate(steps)]


def _add(into: list[Vector], parts: list[Vector], but: int = -1) -> None:
    for n, (total, part) in enumerate(zip(into, parts, strict=True)):
        if n != but:
            total += part


def _read(name: str) -> Vector:
    """Return the tensor in a .npy file as float64; ConfigError names the file if it is none."""
    if not name.endswith(".npy"):
        raise ConfigError(f"expected 'planted' or a file that ends in .npy, got '{name}'", _DATA)
    try:
        with Path(name).expanduser().open("rb") as stream:
            array = np.lib.format.read_array(stream, allow_pickle=False)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"cannot read '{name}': {reason}", _DATA) from error
    except ValueError as error:
        raise ConfigError(f"'{name}' is not a .npy file of numbers", _DATA) from error
    fault = _fault(array)
    if fault:
        raise ConfigError(f"the tensor in '{name}' {fault}", _DATA)
    return np.ascontiguousarray(array, dtype=np.float64)


def _fault(array: Any) -> str:
    """Return why an array is no tensor to decompose, or ''."""
    if array.dtype.kind not in "fiu":
        return f"has the type {array.dtype}; expected real numbers"
    if array.ndim != 3:
        return f"has {array.ndim} axes; expected 3"
    if not np.isfinite(array).all():
        return "has entries that are not finite"
    return "" if array.any() else "has no entry but 0, so there is nothing to decompose"


_DATA = "$.problem.data"
