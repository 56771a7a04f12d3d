"""What the differentially quantized methods share: one worker, and ranges that both ends know.

Agent 0 is the server and agent 1 the worker. The worker divides its vector u by the range r of the
round, a codec with a fixed range makes bits of it, and both ends multiply what is decoded by r: it
never travels. Nor does the iterate: the worker repeats the server's step, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel, Exchange, Message, Vector
from netopt.algorithms import Algorithm, Round, State, _ranges
from netopt.algorithms._star import HUB, Rate, convexity
from netopt.codecs import Codec
from netopt.errors import ConfigError, RangeError
from netopt.problems import Problem
from netopt.topologies import Topology

WORKER = 1
REFERENCE = "Lin, Kostina and Hassibi, Differentially quantized gradient methods, IEEE T-IT 2022"
LEAST_RANGE = 1e-290
"""So that a start at the minimum does not divide by zero."""

Eta = Annotated[Rate, Meta(description="eta, step size; theory: from L and mu of the problem")]
Distance = Annotated[
    Rate,
    Meta(description="D, at least ||x_0 - x*||; theory: that distance, else ||grad F(x_0)|| / mu"),
]


class Facts(NamedTuple):
    """What both ends know before round 0: L, mu, D, the codec's a = rho_n 2^(-R), and a ``floor``.

    The floor bounds what float64 makes of a gradient that should be smaller.
    """

    top: float
    mu: float
    distance: float
    a: float
    floor: float


class Plan(NamedTuple):
    """A method's rates for these facts, and the contraction ``sigma`` that it has unquantized."""

    lr: float
    beta: float
    sigma: float


@dataclass(slots=True)
class Shadow(State):
    """What both ends keep: the rates, the ranges to come, and arrays of shape (d,).

    ``unit`` is the codec's own range, ``sent`` is q, ``last`` the y or x of the round before;
    e_{i-1}, e_{i-2} and ``work`` are the worker's.
    """

    plan: Plan
    ranges: Iterator[float]
    unit: float
    sent: Vector
    last: Vector
    error: Vector
    older: Vector
    work: Vector


class Solo(Algorithm):
    """Base of a method with one worker: give ``plan``, ``ranges``, ``wanted`` and ``step``."""

    channels = (Channel("up", {"id": "uniform", "bits": 6}),)
    doubly_stochastic = False
    lr: Eta = "theory"
    distance: Distance = "theory"

    def plan(self, facts: Facts) -> Plan:
        """Return eta, beta and sigma."""
        raise TypeError(f"algorithm {self.id} does not know its rates")

    def ranges(self, facts: Facts, plan: Plan) -> Iterator[float]:
        """Yield r_0, r_1, ..., which bound the norms of what the worker sends."""
        raise TypeError(f"algorithm {self.id} does not know its ranges")

    def wanted(self, s: Shadow, me: Agent) -> Vector:
        """Return u, what the worker would send without a quantizer, in an array of its own."""
        raise TypeError(f"algorithm {self.id} does not say what its worker sends")

    def step(self, s: Shadow) -> None:
        """Let both ends step, given q in ``sent``."""
        raise TypeError(f"algorithm {self.id} does not say how it steps")

    def warn(self, facts: Facts, plan: Plan, codec: str, rho: float) -> Sequence[str]:
        """Return warnings if the quantizer costs something, as differential quantization counts."""
        return warnings_dq(self.id, facts, plan, codec, rho)

    def facts(self, problem: Problem, codec: Codec) -> Facts:
        """Return the constants; ConfigError if the problem or the codec lacks one."""
        a = _covering(codec, problem.d, self.id)
        return facts_of(problem, self.id, self.distance, a)

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn of bits that are too few; refuse a problem or codec without the constants."""
        facts = self.facts(problem, codecs[0])
        plan = self.plan(facts)
        if plan.sigma >= 1:
            return [
                f"{self.id} diverges with lr = {plan.lr:.4g}, whatever the codec: L is "
                f"{facts.top:.4g}, and unquantized the contraction factor is {plan.sigma:.4g} >= 1"
            ]
        bits = codecs[0].max_nbits(problem.d) / problem.d
        text = f"{codecs[0].id} with R = {bits:.4g} bits a coordinate and d = {problem.d}"
        return self.warn(facts, plan, f"{text} has rho 2^-R = {facts.a:.4g}", facts.a * 2**bits)

    def check(self, topology: Topology) -> None:
        """Raise ConfigError unless there are a server and one worker."""
        if topology.size != 2:
            raise ConfigError(
                f"{self.id} has one worker, and '{topology.name}' has {topology.size - 1}; "
                "use {id: star, size: 2}, or dq-shift for more",
                "$.topology",
            )

    def workers(self, topology: Topology) -> Sequence[int]:
        """Return agent 1."""
        return (WORKER,)

    def traffic(self, topology: Topology) -> list[tuple[int, int, int]]:
        """Return the one frame up."""
        return [(WORKER, HUB, 0)]

    def start(self, me: Agent) -> Any:
        """Return x_0, the rates and the ranges; no error has been made yet."""
        codec, x = me.codec("up"), me.problem.start().copy()
        facts = self.facts(me.problem, codec)
        plan, unit = self.plan(facts), float(getattr(codec, "range", 1.0))
        arrays = np.empty_like(x), x.copy(), *np.zeros((3, len(x)))
        return Shadow(x, plan, self.ranges(facts, plan), unit, *arrays)

    def round(self, s: Shadow, me: Agent) -> Round:
        """Send u / r up; both ends make q = r Q(u / r) of the message and step."""
        r = _ranges.within(self.id, next(s.ranges))
        scale = r / s.unit
        if me.rank == HUB:
            inbox = yield Exchange(sources=(WORKER,))
            np.multiply(me.decode(inbox[WORKER], s.sent), scale, out=s.sent)
        else:
            u = self.wanted(s, me)
            message = encoded(self.id, me, np.divide(u, scale, out=s.work), scale, r)
            np.multiply(me.decode(message, s.sent), scale, out=s.sent)
            s.error, s.older = s.older, s.error
            np.subtract(s.sent, u, out=s.error)
            yield Exchange({HUB: message})
        self.step(s)


def encoded(method: str, me: Agent, scaled: Vector, scale: float, r: float) -> Message:
    """Return the message with u / scale; a RangeError also says r and what would cure it."""
    try:
        return me.encode("up", scaled, HUB)
    except RangeError:
        norm = scale * float(np.linalg.norm(scaled))
        raise RangeError(
            f"{method}: a vector of norm {norm:.4g} does not fit the range {r:.4g} of this round: "
            "D or L is too small, or the gradients are not exact; give a larger distance"
        ) from None


def facts_of(problem: Problem, method: str, distance: float | str, a: float) -> Facts:
    """Return the constants for D = ``distance``; ConfigError if the problem lacks one."""
    top, mu, start = problem.top(), convexity(problem, method), problem.start()
    if top is None:
        raise ConfigError(
            f"{method} needs L, and problem {problem.id} does not know its smoothness", "$.problem"
        )
    best = problem.minimum()
    far = problem.gradient(start, None) / mu if best is None else start - best
    reach = float(np.linalg.norm(far))
    size = reach + float(np.linalg.norm(start)) if best is None else float(np.linalg.norm(best))
    given = reach if isinstance(distance, str) else distance
    return Facts(top, mu, given, a, _floor(problem, top, mu, size))


def _covering(codec: Codec, d: int, method: str) -> float:
    """Return a = rho_d 2^(-R); ConfigError for a codec that has no such number."""
    a = codec.covering(d)
    if a is None:
        raise ConfigError(
            f"{method} needs a codec with a range that both ends know, and {codec.id} has no "
            "covering; use uniform or lattice",
            "$.codecs.up",
        )
    return a


def _floor(problem: Problem, top: float, mu: float, size: float) -> float:
    """Return 16 times what rounding leaves of a gradient at the minimum, where ||x|| is ``size``.

    Steps round x by eps ||x||, and gradient descent adds up such noise to sqrt(kappa) times as
    much; the gradient's own rounding is what it is at the minimum, if that is known. On the way
    there rounding shrinks as the iterates do, and the slack of the ranges covers it.
    """
    noise = float(np.finfo(np.float64).eps) * math.sqrt(top / mu) * top * size
    return max(16 * (noise + (problem.certificate() or 0.0)), LEAST_RANGE)


def carried(s: Shadow) -> Vector:
    """Return E = (1 + beta) e_{i-1} - beta e_{i-2}, in the array of e_{i-2}."""
    s.older *= -s.plan.beta
    np.multiply(s.error, 1 + s.plan.beta, out=s.sent)
    s.older += s.sent
    return s.older


def descent(lr: float | str, facts: Facts) -> Plan:
    """Return the rates of gradient descent: eta, no momentum, max{|1 - eta L|, |1 - eta mu|}.

    That sigma is exact for every smooth and strongly convex F, at most the paper's sqrt(1 - 2 eta L
    mu / (L + mu)), and equal to it at eta = 2 / (L + mu).
    """
    eta = 2 / (facts.top + facts.mu) if isinstance(lr, str) else lr
    return Plan(eta, 0.0, max(abs(1 - eta * facts.top), abs(1 - eta * facts.mu)))


def warnings_dq(method: str, facts: Facts, plan: Plan, codec: str, rho: float) -> Sequence[str]:
    """Return a warning if R is below the threshold of no loss, another if it converges nowhere."""
    sigma, factor = plan.sigma, factor_momentum(plan.sigma, plan.beta, facts.a)
    bits = thresholds_dq(sigma, rho, plan.beta)
    lossless = f"R of at least {bits.lossless:.4g} loses nothing"
    if factor >= 1:
        return [
            f"{method} diverges: {codec}, and the contraction factor is {factor:.4g} >= 1; it "
            f"converges for R above {bits.converges:.4g}, and {lossless}"
        ]
    if factor > sigma > 0:
        return [
            f"{method} loses: {codec}, and the contraction factor is {factor:.4g} instead of "
            f"{sigma:.4g}; {lossless}"
        ]
    return ()


def factor_dq(sigma: float, a: float) -> float:
    """Return DQ-GD's contraction factor max{sigma, a}, a = rho_n 2^(-R)."""
    return max(sigma, a)


def factor_nq(sigma: float, lr: float, top: float, a: float) -> float:
    """Return the factor sigma + eta L a that NQ-GD guarantees, a = rho_n 2^(-R)."""
    return sigma + lr * top * a


def factor_momentum(sigma: float, beta: float, a: float) -> float:
    """Return the factor max{sigma, lambda_+} of DQ-NAG and DQ-HB."""
    return max(sigma, lambda_plus(a, beta))


def lower_bound(sigma: float, bits: float) -> float:
    """Return max{sigma, 2^(-R)}, below which no method of the class gets with R = ``bits``."""
    return max(sigma, math.pow(2.0, -bits))


def lambda_plus(a: float, beta: float) -> float:
    """Return the larger root of lambda^2 = a ((1 + beta) lambda + beta)."""
    half = a * (1 + beta) / 2
    return half + math.sqrt(half * half + a * beta)


class Thresholds(NamedTuple):
    """Bits a dimension: above ``converges`` the factor is below 1, from ``lossless`` on sigma."""

    converges: float
    lossless: float


def thresholds_dq(sigma: float, rho: float, beta: float = 0.0) -> Thresholds:
    """Return log2 of rho (1 + 2 beta) and of rho ((1 + beta) sigma + beta) / sigma^2."""
    if sigma == 0:
        return Thresholds(math.log2(rho * (1 + 2 * beta)), math.inf)
    lossless = rho * ((1 + beta) * sigma + beta) / (sigma * sigma)
    return Thresholds(math.log2(rho * (1 + 2 * beta)), math.log2(lossless))


def thresholds_nq(sigma: float, lr: float, top: float, rho: float) -> Thresholds:
    """Return log2(rho eta L / (1 - sigma)), log2(rho kappa) for eta = 2/(L + mu), and infinity."""
    return Thresholds(math.log2(rho * lr * top / (1 - sigma)), math.inf)
