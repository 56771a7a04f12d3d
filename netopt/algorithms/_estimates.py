"""What methods share whose agents know estimates of each other: only compressed differences travel.

All agents keep the same estimate xhat_j of agent j's x_j, moved by what j sends. Agent i needs of
its neighbours' only s_i = sum_j w_ij xhat_j, so its memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel, Vector
from netopt.algorithms import Algorithm, Round, State
from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.topologies import Topology

Gamma = Annotated[
    Annotated[float, Meta(gt=0, le=1)] | Literal["codec", "theory"],
    Meta(
        description="gamma, consensus step size; codec: its contraction, the share of a vector "
        "that it keeps at least; theory: from graph and codec, very small"
    ),
]
SLOW = 0.01
"""A contraction below this is that of a worst case, or consensus takes a long time."""
UNKNOWN = 0.05
"""What stands for the contraction of a codec of which none is known."""
FOUR_BITS = {"id": "qsgd", "levels": 7, "norm": "linf", "block": 64, "floor": 1e-30}
"""4 bits a coordinate and a scale for each 64: a contraction of 0.75 at least, once scaled."""


@dataclass(slots=True)
class Estimating(State):
    """``hat`` is xhat_i, ``s`` is s_i, and ``work`` an array to work in, each of shape (d,)."""

    hat: Vector
    s: Vector
    work: Vector

    @classmethod
    def at(cls, x: Vector) -> Estimating:
        """Return the state at x, shape (d,), which is not copied; all estimates are 0."""
        return cls(x, np.zeros_like(x), np.zeros_like(x), np.empty_like(x))


class Gossip(Algorithm):
    """Base of the CHOCO methods: ``gossip`` is what a round ends with."""

    channels = (Channel("mix", FOUR_BITS),)
    gamma: Gamma = "codec"
    if TYPE_CHECKING:  # set by review; not options
        _gamma: float = 0.0
        _scale: float = 1.0

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Fix gamma and the scale of Q; warn of a codec that is no contraction however scaled."""
        codec, omega = codecs[0], contraction_of(codecs[0], problem.d)
        self._scale = scale_of(codec, problem.d)
        self._gamma = self.step(topology, codec, omega)
        return warnings(self.id, codec, omega, "gamma" if self.gamma == "codec" else None)

    def step(self, topology: Topology, codec: Codec, omega: float | None) -> float:
        """Return gamma for a codec of contraction ``omega``; ConfigError if theory has none."""
        if self.gamma == "theory":
            return consensus_step(topology, codec, omega)
        if self.gamma == "codec":
            return UNKNOWN if omega is None else omega
        return self.gamma

    def gossip(self, s: Estimating, me: Agent) -> Round:
        """q_i = Q(x_i - xhat_i); xhat_i += q_i; s_i += sum_j w_ij q_j; x_i += gamma (s_i - xhat_i).

        Q is the codec, scaled by 1/(1 + omega) if it is unbiased.
        """
        q = me.encode("mix", np.subtract(s.x, s.hat, out=s.work))
        me.add(q, self._scale, s.hat)
        inbox = yield me.share(q)
        mixed = me.mix(q, inbox, s.work)
        s.s += np.multiply(mixed, self._scale, out=mixed)
        apart = np.subtract(s.s, s.hat, out=s.work)
        s.x += np.multiply(apart, self._gamma, out=apart)


def scale_of(codec: Codec, d: int) -> float:
    """Return 1/(1 + omega) for an unbiased codec with an omega, else 1.

    It makes a contraction of 1/(1 + omega) of every such codec; both ends know it.
    """
    omega = codec.omega(d)
    return 1.0 if omega is None else 1 / (1 + omega)


def contraction_of(codec: Codec, d: int) -> float | None:
    """Return the contraction of the codec as ``scale_of`` has it; None if none is known."""
    return codec.contraction(d) if codec.omega(d) is None else scale_of(codec, d)


def warnings(method: str, codec: Codec, omega: float | None, taken: str | None) -> tuple[str, ...]:
    """Return what is to be said of a codec with the contraction ``omega``, None if none is known.

    ``taken`` is the option whose number is taken from the codec, None if it is not.
    """
    if omega is None:
        return (
            f"{method} needs a contraction, or an unbiased codec with an omega, and {codec.id} is "
            "not known to be one with these options: the run may diverge; choose one such as topk, "
            "or a floor of 1e-30",
        )
    if taken and omega < SLOW:
        return (
            f"{method}: {codec.id} keeps only {omega:.2g} of some vectors, so {taken} is as small "
            f"and consensus slow; a number as {taken} may do better, such as 0.1 for sign",
        )
    return ()


def consensus_step(topology: Topology, codec: Codec, omega: float | None) -> float:
    """Return gamma = delta^2 omega / (16 delta + delta^2 + 4 beta^2 + 2 delta beta^2 - 8 delta
    omega), delta the spectral gap of W, beta = ||I - W||, omega the contraction.

    Source: Koloskova, Stich and Jaggi, ICML 2019, theorem 2. ConfigError without its assumptions.
    """
    if omega is None:
        raise ConfigError(
            f"codec {codec.id} is not known to be a contraction with these options, so there is no "
            "consensus step size in theory; choose one such as topk, or give gamma a number",
            "$.codecs.mix",
        )
    if not np.array_equal(topology.weights, topology.weights.T):
        raise ConfigError(
            "theory knows gamma for symmetric weights only, and those of "
            f"'{topology.name}' are not; give gamma a number",
            "$.algorithm.gamma",
        )
    delta, beta = topology.spectral_gap, deviation(topology)
    top = 16 * delta + delta**2 + 4 * beta**2 + 2 * delta * beta**2 - 8 * delta * omega
    return delta**2 * omega / top


def deviation(topology: Topology) -> float:
    """Return ||I - W||, the largest singular value."""
    return float(np.linalg.norm(np.eye(topology.size) - topology.weights, 2))
