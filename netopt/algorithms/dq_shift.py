"""DQ with shifts: differentially quantized gradient descent for many workers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from netopt.agent import TELLING, Agent, Channel, Exchange, Message, Vector
from netopt.algorithms import Round, _dq, _ranges
from netopt.algorithms._dq import Distance, Facts
from netopt.algorithms._star import HUB, Node, Star, mean, smoothest
from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.topologies import Topology

ROUNDING = float(np.finfo(np.float64).eps)
Alpha = Annotated[
    Annotated[float, Meta(ge=0, le=1)] | Literal["theory"],
    Meta(description="how fast the shifts h_i learn; 0: not at all; theory: with eta, the fastest"),
]


class Constants(NamedTuple):
    """L and mu of F, largest and mean L_i, the number of workers n, a with ||e|| <= a ||u||."""

    top: float
    mu: float
    largest: float
    mean: float
    n: int
    a: float


class Rates(NamedTuple):
    """eta, alpha, and the factor by which the analysis lets all norms shrink a round."""

    lr: float
    alpha: float
    factor: float


@dataclass(slots=True)
class Shifted(Node):
    """``h`` and ``error`` are a worker's h_i and e_i, ``mean`` the hub's h, ``sent`` a q_i.

    ``scale`` is r_k over ``unit``, the codec's own range; 1 and 0 if it sends its scale itself.
    """

    rates: Rates
    ranges: Iterator[float]
    unit: float
    scale: float
    h: Vector
    error: Vector
    mean: Vector
    sent: Vector


class DqShift(Star):
    """DQ-shift: u_i = grad f_i(x + (eta/n) e_i) - h_i - e_i, q_i = C(u_i), e_i <- q_i - u_i.

    Then x <- x - eta (h + (1/n) sum_i q_i), h_i += alpha q_i, h += alpha (1/n) sum_i q_i. This is
    netopt's extension, not in the paper. x + eta (1/n) sum_i e_i descends by the gradients that the
    workers take, and each worker corrects its own share of that sum, all that it knows of it; for
    one worker it is all of it, and the method shadows gradient descent as dq-gd does. Without
    shifts the u_i do not vanish where the workers disagree, and x stalls.

    With a codec of a fixed range, such as the default, the ranges r_k follow from what both ends
    know: L, mu, the L_i, D, the codec's covering, and the largest ||grad f_i(x_0)||, one float32 up
    and one down before round 0. Other codecs carry a scale of their own in their payload. Theory
    takes the eta and alpha for which the analysis is best. It needs ||e_i|| <= a ||u_i|| with a < 1
    from the covering or the contraction, and is cautious: larger steps often work. The gradients
    have to be exact, and for the ranges x has to come down as it is.
    """

    id = "dq-shift"
    reference = "netopt's extension of Lin, Kostina and Hassibi 2022 by DIANA's shifts"
    channels = (
        Channel("up", "uniform"),
        Channel("down"),
        TELLING,
    )
    alpha: Alpha = "theory"
    distance: Distance = "theory"

    def start(self, me: Agent) -> Any:
        """Return x_0 and the rates; no worker has a shift or an error yet."""
        codec, x = me.codec("up"), me.problem.start()
        rates = self.rates(me.problem, codec)
        unit = 0.0 if codec.covering(me.d) is None else float(getattr(codec, "range", 1.0))
        arrays = np.zeros((4, me.d))
        return Shifted.at(x, rates.lr, rates, iter(()), unit, 1.0, *arrays)

    def rates(self, problem: Problem, codec: Codec) -> Rates:
        """Return eta and alpha; ConfigError if theory lacks a constant."""
        lr = None if isinstance(self.lr, str) else self.lr
        alpha = None if isinstance(self.alpha, str) else self.alpha
        if lr is not None and alpha is not None and codec.covering(problem.d) is None:
            return Rates(lr, alpha, math.nan)
        return fastest(self.constants(problem, codec), lr, alpha)

    def constants(self, problem: Problem, codec: Codec) -> Constants:
        """Return what theory needs; ConfigError if the problem or the codec lacks one."""
        a = codec.covering(problem.d)
        if a is None:
            kept = codec.contraction(problem.d)
            if kept is None:
                raise ConfigError(
                    f"dq-shift knows rates in theory for codecs with a covering or a contraction, "
                    f"and {codec.id} with these options has neither; give lr and alpha numbers",
                    "$.codecs.up",
                )
            a = math.sqrt(1 - kept)
        facts = _dq.facts_of(problem, self.id, self.distance, a)
        each = [problem.smoothness(shard) or 0.0 for shard in range(problem.agents)]
        average = sum(each) / len(each)
        return Constants(facts.top, facts.mu, smoothest(problem), average, len(each), a)

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn if the ranges grow; refuse a problem or codec without the constants."""
        factor = self.rates(problem, codecs[0]).factor
        a, bits = codecs[0].covering(problem.d), codecs[0].max_nbits(problem.d) / problem.d
        if a is not None and codecs[1].omega(problem.d) != 0:
            raise ConfigError(
                f"dq-shift has ranges only if x comes down as it is, and {codecs[1].id} with these "
                "options changes it; use raw with float64",
                "$.codecs.down",
            )
        if a is None or factor < 1:
            return ()
        return [
            f"dq-shift diverges: its ranges grow by {factor:.4g} a round; {codecs[0].id} with R = "
            f"{bits:.4g} bits a coordinate and d = {problem.d} has rho 2^-R = {a:.4g}, and R above "
            f"{math.log2(a) + bits:.4g} converges with lr and alpha of theory"
        ]

    def setup(self, s: Shifted, me: Agent) -> Round:
        """Let all know T, the largest ||grad f_i(x_0)||, if ranges are to follow from it."""
        if not s.unit:
            return
        norm = 0.0 if me.shard is None else np.linalg.norm(me.grad(s.x))
        told: Vector = np.array([np.nextafter(np.float32(norm), np.float32(np.inf))], np.float64)
        if me.rank == HUB:
            inbox = yield Exchange(sources=me.predecessors)
            for message in inbox.values():
                np.maximum(told, me.decode(message), out=told)
            yield Exchange(dict.fromkeys(me.successors, me.tell(told)))
        else:
            yield Exchange({HUB: me.tell(told, HUB)})
            inbox = yield Exchange(sources=(HUB,))
            told = me.decode(inbox[HUB])
        codec = me.codec("up")
        facts = _dq.facts_of(me.problem, self.id, self.distance, codec.covering(me.d) or 0.0)
        s.ranges = ranges(self.constants(me.problem, codec), s.rates, facts, float(told[0]))

    def setup_traffic(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> list[tuple[int, int, int]]:
        """Return a number up and one down for every agent but the hub, or nothing."""
        if codecs[0].covering(problem.d) is None:
            return []
        others = range(1, topology.size)
        return [(i, HUB, 1) for i in others] + [(HUB, i, 1) for i in others]

    def round(self, s: Shifted, me: Agent) -> Round:
        """Take the next range; then send up, step at the hub, send down."""
        if s.unit:
            s.scale = _ranges.within(self.id, next(s.ranges)) / s.unit
        yield from super().round(s, me)

    def message(self, s: Shifted, me: Agent) -> Message:
        """Send u_i; keep e_i and learn h_i from what was sent."""
        z = np.multiply(s.error, s.lr / len(me.workers), out=s.work)
        z += s.x
        u = me.grad(z)
        u -= s.h
        u -= s.error
        if s.unit:
            scaled = np.divide(u, s.scale, out=s.work)
            message = _dq.encoded(self.id, me, scaled, s.scale, s.scale * s.unit)
        else:
            message = me.encode("up", u, HUB)
        np.multiply(me.decode(message, s.sent), s.scale, out=s.sent)
        np.subtract(s.sent, u, out=s.error)
        s.h += np.multiply(s.sent, s.rates.alpha, out=s.sent)
        return message

    def serve(self, s: Shifted, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against h + mean q_i; then h += alpha mean q_i."""
        q = mean(me, messages, s.work)
        q *= s.scale
        step = np.add(s.mean, q, out=s.sent)
        s.x -= np.multiply(step, s.lr, out=step)
        s.mean += np.multiply(q, s.rates.alpha, out=q)


def ranges(known: Constants, rates: Rates, facts: Facts, first: float) -> Iterator[float]:
    """Yield r_k, which bounds all ||u_i|| of round k, for ||grad f_i(x_0)|| <= ``first``.

    Derived: let y = x + eta (1/n) sum_i e_i, so that z_i - y is -(eta/n) times the others' errors,
    at most eta c a r_{k-1} with c = 1 - 1/n. Then X >= ||y - x*|| and G >= ||g_i - p_i||, p_i being
    the mean of past g_i that h_i would be without errors, obey

        r_k = G + a ((1 + alpha) r_{k-1} + alpha^2 S),  S = sum_{j >= 2} (1 - alpha)^(j-2) r_{k-j},
        X+ = sigma X + eta^2 Lmean c a r_{k-1},
        G+ = (1 - alpha) G + L_max eta (L X + (eta Lmean + 1) c a r_{k-1} + c a r_k),

    where the last bracket bounds how far z_i moves. What rounding leaves is added to G.
    """
    (top, mu, largest, average, n, a), (eta, alpha, _) = known, rates
    sigma, c = max(abs(1 - eta * top), abs(1 - eta * mu)), 1 - 1 / n
    noise = facts.floor * largest / top + 16 * ROUNDING * math.sqrt(top / mu) * first
    away, gap, past, before = facts.distance, first, 0.0, 0.0
    while True:
        r = _ranges.SLACK * (gap + noise + a * ((1 + alpha) * before + alpha**2 * past))
        yield r
        moved = top * away + (eta * average + 1) * c * a * before + c * a * r
        gap = _ranges.SLACK * ((1 - alpha) * gap + largest * eta * moved)
        away = _ranges.SLACK * (sigma * away + eta**2 * average * c * a * before)
        past, before = (1 - alpha) * past + before, r


@lru_cache(maxsize=64)
def fastest(known: Constants, lr: float | None, alpha: float | None) -> Rates:
    """Return the rates, where not given, for which the recursion of ``ranges`` shrinks fastest.

    Looked for on a grid: eta down from 2/(L + mu) and alpha down from 1 by powers of sqrt(2).
    """
    halvings = 2.0 ** (-0.5 * np.arange(28))
    etas = 2 / (known.top + known.mu) * halvings if lr is None else np.array([lr])
    alphas = halvings[:19] if alpha is None else np.array([alpha])
    eta, learn = (axis.ravel() for axis in np.meshgrid(etas, alphas))
    factors = np.abs(np.linalg.eigvals(_recursion(known, eta, learn))).max(axis=-1)
    best = int(np.argmin(factors))
    return Rates(float(eta[best]), float(learn[best]), float(factors[best]))


def _recursion(known: Constants, eta: Vector, alpha: Vector) -> npt.NDArray[np.float64]:
    """Return the matrices, shape (m, 4, 4), that carry (X, r_{k-1}, S, G) to the next round."""
    top, mu, largest, average, n, a = known
    c, m = 1 - 1 / n, np.zeros((len(eta), 4, 4))
    x, r, past, gap = range(4)
    m[:, r, gap], m[:, r, r], m[:, r, past] = 1, a * (1 + alpha), a * alpha**2
    m[:, x, x] = np.maximum(np.abs(1 - eta * top), np.abs(1 - eta * mu))
    m[:, x, r] = eta**2 * average * c * a
    m[:, past, past], m[:, past, r] = 1 - alpha, 1
    m[:, gap] = (largest * eta * c * a)[:, np.newaxis] * m[:, r]
    m[:, gap, gap] += 1 - alpha
    m[:, gap, x] += largest * eta * top
    m[:, gap, r] += largest * eta * (eta * average + 1) * c * a
    return m
