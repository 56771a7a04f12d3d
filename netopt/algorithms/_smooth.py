"""What the smoothness paper's methods share: tuned codecs, and smoothness matrices on the wire.

``Quantized`` methods tune one codec identically at both ends and need no set-up. ``Preconditioned``
methods compress L_i^(-1/2) v and multiply by L_i^(1/2) again, so each worker first tells the hub
its L_i^(1/2), row by row in float32, and the parameters of its quantizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from netopt.agent import TELLING, Agent, Channel, Exchange, Message, Vector
from netopt.algorithms import Round
from netopt.algorithms._star import HUB, Node, Rate, Star, omega_of
from netopt.codecs import Codec, Tuning
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.topologies import Topology

LOOK = 1024
"""Up to so many coordinates every rank looks at all L_i before a run, not only at its own."""

ShiftRate = Annotated[
    Rate, Meta(description="alpha, how fast the shifts h_i learn; theory: 1 / (1 + omega)")
]


@contextmanager
def up() -> Iterator[None]:
    """Let a ConfigError of a codec, raised inside, say which codec."""
    try:
        yield
    except ConfigError as error:
        raise error if error.path else error.under("$.codecs.up") from None


def halved(problem: Problem) -> float:
    """Return 1, or 1/2 if F is not known to be strongly convex: the factor of every gamma."""
    return 1.0 if problem.strong_convexity() else 0.5


def fit(codec: Codec, d: int, n: int, method: str) -> Codec:
    """Return the codec of all n workers' messages for a method without preconditioning.

    Raises ConfigError if it cannot be had without telling parameters.
    """
    tuning = Tuning(workers=n)
    with up():
        if codec.tune(tuning) is not None:
            raise ConfigError(
                f"{method} has no set-up in which workers could tell the parameters of "
                f"{codec.id}; choose those that both ends know (such as steps: uniform), or a "
                "method that tells them (dcgd-plus, diana-plus)"
            )
        return codec.tuned(tuning, d)


def alike(codec: Codec, d: int, n: int, method: str) -> Sequence[str]:
    """Return a warning if the n workers' errors are the same: theory averages independent ones."""
    if n == 1 or not codec.linear() or (codec.omega(d) or 0.0) < 1e-9:
        return ()
    return [
        f"the theory of {method} divides the variance of {codec.id} by n = {n} workers, but with "
        "indices: common their errors are not independent; use indices: shared"
    ]


class Quantized(Star):
    """Base of a method without preconditioning: its workers' codecs are tuned at both ends."""

    channels = (Channel("up", "dithering"), Channel("down"))

    def start(self, me: Agent) -> Any:
        """Tune the codec of every worker that this agent sends or hears as; return x_0, gamma."""
        n = len(me.workers)
        codec = fit(me.codec("up"), me.d, n, self.id)
        for rank in me.workers if me.rank == HUB else (me.rank,):
            me.tune("up", rank, codec)
        lr = self.step(me.problem, codec, n) if me.rank == HUB else np.nan
        return Node.at(me.problem.start(), lr)

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Refuse a problem or codec without the constants that theory needs."""
        n = problem.agents
        codec = fit(codecs[0], problem.d, n, self.id)
        self.refuse(problem, codec, n)
        return alike(codec, problem.d, n, self.id)

    def refuse(self, problem: Problem, codec: Codec, n: int) -> None:
        """Raise ConfigError if a rate of theory cannot be had from the tuned codec."""
        self.step(problem, codec, n)


# ---- preconditioning ----


def nothing() -> Vector:
    """Return the array of an agent that needs none."""
    return np.empty((0, 0))


@dataclass(slots=True)
class Told(Node):
    """What set-up leaves behind; M_i is L_i^(1/2) rounded to float32, symmetric as that is.

    A worker has ``root`` M_i and ``inverse`` M_i^(-1), shape (d, d). The hub has ``stack``, the
    M_i / n side by side, shape (d, n d), and ``rows``, n views of ``flat``, shape (n d,).
    """

    root: Vector = field(default_factory=nothing)
    inverse: Vector = field(default_factory=nothing)
    stack: Vector = field(default_factory=nothing)
    flat: Vector = field(default_factory=nothing)
    rows: list[Vector] = field(default_factory=list)


class Preconditioned(Star):
    """Base of a '+' method: give ``aim``, ``factor``, ``message`` and ``serve``.

    Both ends take L_i for M_i^2, M_i being the float32 numbers that travelled; it differs from L_i
    by a relative 1e-7 at most, and so do the step sizes.
    """

    channels = (Channel("up", "varying-steps"), Channel("down"), TELLING)
    dense = True
    aim: ClassVar[str] = "dcgd"
    """What the quantizers are tuned for; see ``Tuning``."""
    factor: ClassVar[float] = 2.0
    """In theory gamma = 1 / (L + factor calL_max / n)."""

    def start(self, me: Agent) -> Any:
        """Return x_0; the rest follows in ``setup``."""
        return Told.at(me.problem.start(), np.nan)

    def gamma(self, top: float, worst: float, n: int, problem: Problem) -> float:
        """Return the step size of theory for L = ``top`` and calL_max = ``worst``."""
        return halved(problem) / (top + self.factor * worst / n)

    def setup(self, s: Told, me: Agent) -> Round:
        """Tell the hub M_i row by row, and the quantizer's parameters; tune the codecs."""
        if me.shard is not None:
            s.root = root_of(me.problem, me.shard)
            s.inverse = np.asarray(np.linalg.inv(s.root), np.float64)
        yield from self._hear(s, me) if me.rank == HUB else self._tell(s, me)
        yield from self.agree(s, me)

    def agree(self, s: Any, me: Agent) -> Round:
        """Play what comes after the codecs are tuned, still before round 0."""
        yield from ()

    def setup_traffic(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> list[tuple[int, int, int]]:
        """Return d frames of d numbers up from each worker, and one with the parameters, if any."""
        d, told = problem.d, self._parameters(codecs[0], problem, root_of(problem, 0))
        frames = [d] * d + ([] if told is None else [len(told)])
        return [(i, HUB, size) for i in range(1, topology.size) for size in frames]

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Refuse singular L_i, and a problem or codec without the constants that theory needs."""
        for shard in range(problem.agents if problem.d <= LOOK else 0):
            root = root_of(problem, shard)
            told = self._parameters(codecs[0], problem, root)
            with up():
                self.refuse(codecs[0].tuned(self._tuning(problem), problem.d, told), root)
        return alike(codecs[0], problem.d, problem.agents, self.id)

    def refuse(self, codec: Codec, root: Vector) -> None:
        """Raise ConfigError if a rate of theory cannot be had from the tuned codec."""
        if isinstance(self.lr, str):
            cal_l_of(codec, root)

    # ---- details ----

    def _tuning(self, problem: Problem, root: Vector | None = None) -> Tuning:
        diagonal = None if root is None else np.einsum("ij,ij->j", root, root)
        return Tuning(problem.agents, diagonal, problem.strong_convexity(), self.aim)

    def _parameters(self, codec: Codec, problem: Problem, root: Vector) -> Vector | None:
        """Return what the codec's user has to tell, for the smoothness matrix root^2."""
        with up():
            return codec.tune(self._tuning(problem, root))

    def _tell(self, s: Told, me: Agent) -> Round:
        for row in s.root:
            yield Exchange({HUB: me.tell(row, HUB)})
        codec = me.codec("up")
        told = self._parameters(codec, me.problem, s.root)
        if told is not None:
            yield Exchange({HUB: me.tell(told, HUB)})
        me.tune("up", me.rank, codec.tuned(self._tuning(me.problem), me.d, told))

    def _hear(self, s: Told, me: Agent) -> Round:
        """Collect all M_i, tune the codec of each worker, and prepare the step."""
        d, others = me.d, [i for i in me.workers if i != HUB]
        roots = {i: np.empty((d, d)) for i in others}
        for j in range(d):
            inbox = yield Exchange(sources=others)
            for i in others:
                me.decode(inbox[i], roots[i][j])
        if me.shard is not None:
            roots = {HUB: s.root, **roots}
        codec = me.codec("up")
        told = {i: self._parameters(codec, me.problem, root) for i, root in roots.items()}
        if told[others[0]] is not None:
            inbox = yield Exchange(sources=others)
            told |= {i: me.decode(inbox[i]) for i in others}
        for i in roots:
            me.tune("up", i, codec.tuned(self._tuning(me.problem), d, told[i]))
        self._prepare(s, me, roots)

    def _prepare(self, s: Told, me: Agent, roots: Mapping[int, Vector]) -> None:
        n, d = len(roots), me.d
        s.lr = self.lr if not isinstance(self.lr, str) else self._theory(me, roots)
        s.stack = np.hstack(list(roots.values()))
        s.stack /= n
        s.flat = np.empty(n * d)
        s.rows = [s.flat[i * d : (i + 1) * d] for i in range(n)]

    def _theory(self, me: Agent, roots: Mapping[int, Vector]) -> float:
        mean = sum(root @ root for root in roots.values()) / len(roots)
        top = float(np.linalg.eigvalsh(mean)[-1])
        worst = max(cal_l_of(me.codec("up", i), root) for i, root in roots.items())
        return self.gamma(top, worst, len(roots), me.problem)


def root_of(problem: Problem, shard: int) -> Vector:
    """Return M_i: L_i^(1/2), shape (d, d), rounded to float32; ConfigError if there is no L_i."""
    from threadpoolctl import threadpool_limits  # late: other methods do not need it

    with threadpool_limits(limits=1):  # as on every rank: eigh's last bits depend on the threads
        curvature = problem.curvature_of(shard)
    if curvature is None:
        raise ConfigError(
            f"problem {problem.id} gives no smoothness matrices L_i for its d = {problem.d} "
            "coordinates; use a method without them, such as diana",
            "$.problem",
        )
    return curvature.root.astype(np.float32).astype(np.float64)


def cal_l_of(codec: Codec, root: Vector) -> float:
    """Return the tuned codec's calL for the smoothness matrix root^2; ConfigError without one."""
    diagonal = np.einsum("ij,ij->j", root, root)
    found = codec.cal_l(diagonal, float(np.linalg.eigvalsh(root)[-1]) ** 2)
    if found is None:
        omega_of(codec, len(root))  # says what to do
        raise ConfigError(f"codec {codec.id} has no constant calL; give lr a number", "$.codecs.up")
    return found


def learning_rate(codec: Codec, d: int, cure: str = ", or give alpha a number") -> float:
    """Return alpha = 1/(1 + omega) of the tuned codec; ConfigError that names ``cure`` without."""
    omega = codec.omega(d)
    if omega is None:
        raise ConfigError(
            f"codec {codec.id} has no variance bound omega with these options, so theory does not "
            f"say how fast shifts may learn; choose an unbiased codec such as dithering{cure}",
            "$.codecs.up",
        )
    return 1 / (1 + omega)


def rooted_mean(s: Told, me: Agent, messages: Mapping[int, Message], out: Vector) -> Vector:
    """Write (1/n) sum_i M_i q_i of the n messages' q_i to ``out``, shape (d,): one product."""
    for row, message in zip(s.rows, messages.values(), strict=True):
        me.decode(message, row)
    return np.dot(s.stack, s.flat, out=out)
