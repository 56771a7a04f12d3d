"""Robust PCA of films: a low-rank background that agents share, and what passes before it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from msgspec import Meta

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem, Vector, _frames, _scene
from netopt.problems._planted import sizes, square, views

_DATA = "$.problem.data"


class RobustPca(Problem):
    """f_i(U, V) = ||D_i - U V - S_i||_F^2 + l2 (||U||_F^2 + ||V||_F^2), D_i the film of agent i.

    D_i has a row for each of its ``frames`` frames and three columns for each pixel. S_i is what
    moves: of the residual R = D_i - U V it holds the entries that are among the largest
    ``keep`` (rounded down) of both their row and their column. It is recomputed wherever f_i is
    evaluated, never sent and never mixed, and a gradient takes it as constant, which is exact where
    no entry is about to enter or to leave; there f_i jumps. x is U, shape (frames, ``rank``), and
    then V, shape (``rank``, columns): the same for all agents, so their films should be of one
    scene. Both start at the top singular vectors, unscaled, of the mean of the D_i, which agents
    would find in one average before they begin; ``at: saddle`` starts at 0, where the gradient
    vanishes and the Hessian has eigenvalues below 0, and where exact gradients stay.

    ``data: scene`` draws one film, whose frames go to the agents in turn: agent i has frames i,
    i + N, i + 2N, ..., so that a row of U V has to fit N frames in a row. It has ``pixels``
    (height, width) and noise of standard deviation ``noise``; its background is known, of rank two.
    ``images:FOLDER`` takes the pictures of a folder (PNG, JPEG, PPM) in the order of their names,
    in the same way. ``keep`` and ``l2`` are the paper's; its films had 200 frames of
    56 by 56 pixels an agent and rank 30. Gradients have no Lipschitz constant.
    """

    id = "robust-pca"
    reference = "Bo and Wang, PNAS 2024, the robust PCA of the experiments"

    data: Annotated[str, Meta(description="scene, or images:FOLDER for pictures of yours")] = (
        "scene"
    )
    frames: Annotated[int, Meta(ge=1, le=2**20, description="frames of an agent")] = 12
    pixels: Annotated[
        tuple[Annotated[int, Meta(ge=1)], Annotated[int, Meta(ge=1)]],
        Meta(description="height and width of a drawn scene"),
    ] = (8, 8)
    rank: Annotated[int, Meta(ge=1, description="rank of the background")] = 3
    keep: Annotated[float, Meta(ge=0, le=1, description="part of a row and column in S")] = 0.2
    l2: Annotated[float, Meta(ge=0, description="weight of ||U||^2 + ||V||^2")] = 0.01
    noise: Annotated[float, Meta(ge=0, description="noise of a drawn scene")] = 0.01
    at: Annotated[
        Literal["singular", "saddle"], Meta(description="start at singular vectors, or at 0")
    ] = "singular"
    if TYPE_CHECKING:  # set by prepare; not options
        _films: Vector = np.zeros((0, 0, 0))
        _behind: Vector | None = None

    @property
    def _shapes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return (self.frames, self.rank), (self.rank, self._films.shape[2])

    def prepare(self, agents: int, seed: int) -> None:
        """Draw or read the film and deal its frames; ConfigError for pictures that are no film.

        The error names what is wrong: no folder, too few pictures, or a rank above what D_i has.
        """
        self.agents = agents
        film = self._film(self.frames * agents, seed)
        self._films = _dealt(film.frames, agents)
        self._behind = None if film.background is None else _dealt(film.background, agents)
        most = min(self._films.shape[1:])
        if self.rank > most:
            raise ConfigError(
                f"a rank of {self.rank} is more than {self.frames} frames of "
                f"{self._films.shape[2]} numbers have; expected at most {most}",
                "$.problem.rank",
            )
        self.d = sum(self.tensors())

    def _film(self, wanted: int, seed: int) -> _scene.Film:
        source, _, folder = self.data.partition(":")
        if self.data == "scene":
            rng = Key(seed, Purpose.DATA).generator()
            return _scene.film(rng, wanted, self.pixels, self.noise)
        if source != "images" or not folder:
            raise ConfigError(f"expected 'scene' or 'images:FOLDER', got '{self.data}'", _DATA)
        try:
            frames = _frames.read(folder, wanted)
        except ConfigError as error:
            raise error.under(_DATA) from error.__cause__
        if len(frames) < wanted:
            raise ConfigError(
                f"the folder '{folder}' has {len(frames)} pictures, and {self.agents} agents with "
                f"{self.frames} frames each need {wanted}",
                _DATA,
            )
        return _scene.Film(frames, None)

    def tensors(self) -> tuple[int, ...]:
        """Return the sizes of U and V."""
        return sizes(self._shapes)

    def start(self) -> Vector:
        """Return 0, or the top singular vectors of the mean of the D_i, unscaled; shape (d,)."""
        if self.at == "saddle":
            return np.zeros(self.d)
        left, _, right = np.linalg.svd(np.mean(self._films, axis=0), full_matrices=False)
        return np.concatenate([left[:, : self.rank].ravel(), right[: self.rank].ravel()])

    def sparse(self, rank: int, x: Vector) -> Vector:
        """Return S_i at x, what passes before agent ``rank``'s background; shape (frames, columns).

        It is 0 wherever nothing passes.
        """
        residual = self._films[rank] - self.low_rank(x)
        return np.where(_passing(residual, self.keep), residual, 0.0)

    def low_rank(self, x: Vector) -> Vector:
        """Return the background U V at x, shape (frames, columns)."""
        u, v = views(x, self._shapes)
        return np.asarray(u @ v)

    def _misfit(self, rank: int, x: Vector) -> tuple[Vector, Vector]:
        """Return U V + S_i - D_i, and where S_i holds an entry, so that it is 0."""
        misfit = self.low_rank(x)
        misfit -= self._films[rank]
        passing = _passing(misfit, self.keep)
        misfit[passing] = 0.0
        return misfit, passing

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f_i(x) for x of shape (d,), with S_i as x leaves it."""
        return square(self._misfit(rank, x)[0]) + self.l2 * square(x)

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return 2 (E V' + l2 U, U'E + l2 V), E = U V + S_i - D_i, S_i constant; shape (d,)."""
        g = np.empty(self.d)
        self._pull(self._misfit(rank, x)[0], x, g)
        g += self.l2 * x
        g *= 2
        return g

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient: 6 r an entry of D_i, the choice of S_i, the ridge.

        S_i takes some ten an entry, of which six are comparisons that find the largest of each row
        and column.
        """
        frames, columns = self._films.shape[1:]
        return float(frames * columns * (6 * self.rank + 10) + 3 * self.d)

    def _pull(self, e: Vector, x: Vector, out: Vector) -> None:
        """Write E V' and U'E to ``out``."""
        (u, v), (by_u, by_v) = views(x, self._shapes), views(out, self._shapes)
        np.matmul(e, v.T, out=by_u)
        np.matmul(u.T, e, out=by_v)

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of F at x times v, shape (d,), with every S_i's places held."""
        (a, b), (da, db) = views(x, self._shapes), views(v, self._shapes)
        residual, change = np.zeros(self._films.shape[1:]), np.zeros(self._films.shape[1:])
        whole = da @ b + a @ db
        for rank in range(self.agents):
            misfit, passing = self._misfit(rank, x)
            residual += misfit
            change += np.where(passing, 0.0, whole)
        out, other = np.empty(self.d), np.empty(self.d)
        self._pull(change, x, out)
        self._pull(residual, v, other)
        out += other
        out *= 2 / self.agents
        out += 2 * self.l2 * v
        return out

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return the mean over agents of ||D_i - U V - S_i||/||D_i||, ``relative_error``.

        Of a drawn scene also ``background_error``, the mean of ||B_i - U V||/||B_i|| for its true
        background B_i.
        """
        squares = [
            square(self._misfit(rank, x)[0]) / square(film) for rank, film in enumerate(self._films)
        ]
        found = {"relative_error": _mean_root(squares)}
        if self._behind is not None:
            flat = self.low_rank(x)
            found["background_error"] = _mean_root(
                [square(behind - flat) / square(behind) for behind in self._behind]
            )
        return found


def _dealt(frames: Vector, agents: int) -> Vector:
    """Return the frames that go to the agents in turn, shape (agents, frames of each, columns)."""
    turns = frames.reshape(-1, agents, frames.shape[1])
    return np.ascontiguousarray(turns.swapaxes(0, 1))


def _mean_root(squares: list[float]) -> float:
    return sum(map(math.sqrt, squares)) / len(squares)


def _passing(residual: Vector, keep: float) -> Vector:
    """Return where an entry is among the largest part ``keep`` of its row and of its column."""
    size = np.abs(residual)
    passing = np.ones(size.shape, dtype=bool)
    for axis, n in enumerate(size.shape):
        count = math.floor(keep * n + 1e-9)
        if count == 0:
            return np.zeros(size.shape, dtype=bool)
        least = np.partition(size, n - count, axis=axis).take([n - count], axis=axis)
        passing &= size >= least
    return passing
