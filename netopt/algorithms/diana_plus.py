"""DIANA+: DIANA that knows the smoothness matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netopt.agent import Agent, Exchange, Message, Vector
from netopt.algorithms import Round
from netopt.algorithms._smooth import (
    Preconditioned,
    ShiftRate,
    Told,
    learning_rate,
    nothing,
    rooted_mean,
)
from netopt.algorithms._star import HUB
from netopt.codecs import Codec
from netopt.problems import Problem
from netopt.topologies import Topology


@dataclass(slots=True)
class Learning(Told):
    """A worker's ``shift`` L_i^(-1/2) h_i, the hub's ``mean`` h, and ``step`` to work in: (d,)."""

    shift: Vector = field(default_factory=nothing)
    mean: Vector = field(default_factory=nothing)
    step: Vector = field(default_factory=nothing)
    alpha: float = np.nan


class DianaPlus(Preconditioned):
    """DIANA+: q_i = C_i(L_i^(-1/2) (grad f_i(x) - h_i)), Q_i = L_i^(1/2) q_i, then as DIANA.

    x <- x - gamma (h + (1/n) sum_i Q_i); h_i += alpha Q_i; h += alpha (1/n) sum_i Q_i. In theory
    gamma = 1/(L + 6 calL_max / n), half of it if F is not known to be strongly convex, and
    alpha = 1/(1 + omega_max), a number that the hub tells the workers. Before round 0 each worker
    tells the hub L_i^(1/2) in 32 d^2 bits, and the parameters of its quantizer. A worker keeps
    L_i^(-1/2) h_i, which learns alpha q_i: the same as the box, with one product less a round.
    """

    id = "diana-plus"
    reference = "Wang, Safaryan and Richtarik, NeurIPS 2022, algorithm 2"
    aim = "diana"
    factor = 6.0
    alpha: ShiftRate = "theory"

    def start(self, me: Agent) -> Any:
        """Return x_0 and h_i = h = 0; the rest follows in ``setup``."""
        d = me.d
        s = Learning.at(me.problem.start(), np.nan)
        s.shift, s.mean, s.step = np.zeros(d), np.zeros(d), np.empty(d)
        return s

    def agree(self, s: Learning, me: Agent) -> Round:
        """Let the hub tell alpha = 1/(1 + omega_max), in float32 as all other numbers."""
        if not isinstance(self.alpha, str):
            s.alpha = self.alpha
        elif me.rank == HUB:
            least = min(learning_rate(me.codec("up", i), me.d) for i in me.workers)
            message = me.tell(np.array([least]))
            s.alpha = float(me.decode(message)[0])
            yield Exchange(dict.fromkeys(me.successors, message))
        else:
            inbox = yield Exchange(sources=(HUB,))
            s.alpha = float(me.decode(inbox[HUB])[0])

    def setup_traffic(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> list[tuple[int, int, int]]:
        """Return the frames with L_i^(1/2) and parameters up, and those with alpha down."""
        told = super().setup_traffic(topology, problem, codecs)
        if isinstance(self.alpha, str):
            told += [(HUB, i, 1) for i in range(1, topology.size)]
        return told

    def refuse(self, codec: Codec, root: Vector) -> None:
        """Raise ConfigError if gamma or alpha cannot be had from the tuned codec."""
        super().refuse(codec, root)
        if isinstance(self.alpha, str):
            learning_rate(codec, len(root))

    def message(self, s: Learning, me: Agent) -> Message:
        """Send q_i = C_i(L_i^(-1/2) grad f_i(x) - L_i^(-1/2) h_i); the shift learns alpha q_i."""
        v = np.dot(s.inverse, me.grad(s.x), out=s.work)
        v -= s.shift
        message = me.encode("up", v, HUB)
        me.add(message, s.alpha, s.shift)
        return message

    def serve(self, s: Learning, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against h + mean Q_i; then h += alpha mean Q_i."""
        q = rooted_mean(s, me, messages, s.work)
        step = np.add(s.mean, q, out=s.step)
        s.x -= np.multiply(step, s.lr, out=step)
        s.mean += np.multiply(q, s.alpha, out=q)
