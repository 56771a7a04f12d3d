"""ADIANA: DIANA accelerated as by Nesterov."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from netopt.agent import Agent, Exchange, Message, Vector
from netopt.algorithms import Round
from netopt.algorithms._smooth import Quantized, learning_rate
from netopt.algorithms._star import HUB, Node, convexity, mean, omega_of, smoothest
from netopt.codecs import Codec
from netopt.keys import Key, Purpose
from netopt.problems import Problem
from netopt.topologies import Topology


class Rates(NamedTuple):
    """The paper's constants, and ``pull`` = gamma / eta."""

    eta: float
    alpha: float
    beta: float
    pull: float
    theta_1: float
    theta_2: float
    p: float


@dataclass(slots=True)
class Accelerated(Node):
    """The estimate ``x`` is the paper's y; ``point`` is its x, where gradients are taken.

    ``z`` and ``w`` are the paper's, ``before`` is y of the round before; every agent has all of
    them. ``h`` is a worker's h_i and ``mean`` the hub's h. All have shape (d,).
    """

    point: Vector
    z: Vector
    w: Vector
    before: Vector
    h: Vector
    mean: Vector
    rates: Rates


class Adiana(Quantized):
    """ADIANA: x = theta_1 z + theta_2 w + (1 - theta_1 - theta_2) y, y+ = x - eta g, then z+, w+.

    Worker i sends q_i = C(grad f_i(x) - h_i), which makes g = h + (1/n) sum_i q_i, and
    C(grad f_i(w) - h_i), from which h_i and h learn as in DIANA: two frames up a round. Then
    z+ = beta z + (1 - beta) x + (gamma / eta)(y+ - x), and w+ = y with probability p, else w; the
    coin is drawn by all agents from one stream, and y+ is all that comes down.

    In theory, with L = L_max: alpha = 1/(1 + omega),
    p = min(1, max(1, sqrt(n/(32 omega)) - 1) / (2 (1 + omega))),
    eta = min(1/(2 L), n/(64 omega (2 p (1 + omega) + 1)^2 L)), theta_1 = min(1/4, sqrt(eta mu/p)),
    theta_2 = 1/2, gamma = eta/(2 (theta_1 + eta mu)) and beta = 1 - gamma mu; ``lr`` is eta.
    They are quoted without having been compared with the printed theorem; that they converge is
    what the tests observe. They are cautious: ADIANA overtakes DIANA where the condition number
    is large and n is not small against omega.
    """

    id = "adiana"
    reference = "Li, Kovalev, Qian and Richtarik, ICML 2020, algorithm 2 and its theorem"

    def start(self, me: Agent) -> Any:
        """Return x = y = z = w = x_0, h_i = h = 0 and the rates."""
        n, d = len(me.workers), me.d
        s = super().start(me)
        sender = me.workers[-1] if me.rank == HUB else me.rank  # all have the same codec
        rates = self.rates(me.problem, me.codec("up", sender), n)
        copies = (s.x.copy(), s.x.copy(), s.x.copy(), s.x.copy())
        return Accelerated(s.x, s.work, s.lr, *copies, np.zeros(d), np.zeros(d), rates)

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return eta."""
        omega, top = omega_of(codec, problem.d), smoothest(problem)
        noise = 64 * omega * (2 * chance(omega, n) * (1 + omega) + 1) ** 2
        return min(1 / 2, n / noise if noise else math.inf) / top

    def refuse(self, problem: Problem, codec: Codec, n: int) -> None:
        """Raise ConfigError if a constant of theory cannot be had from the tuned codec."""
        self.rates(problem, codec, n)

    def rates(self, problem: Problem, codec: Codec, n: int) -> Rates:
        """Return all constants, for the eta of theory or the given one."""
        mu, alpha = convexity(problem, self.id), learning_rate(codec, problem.d, cure="")
        eta, p = self.step(problem, codec, n), chance(omega_of(codec, problem.d), n)
        theta_1 = min(1 / 4, math.sqrt(eta * mu / p))
        gamma = eta / (2 * (theta_1 + eta * mu))
        return Rates(eta, alpha, 1 - gamma * mu, gamma / eta, theta_1, 1 / 2, p)

    def traffic(self, topology: Topology) -> list[tuple[int, int, int]]:
        """Return two frames up and one down for every agent but the hub."""
        others = range(1, topology.size)
        return [(i, HUB, 0) for i in others] * 2 + [(HUB, i, 1) for i in others]

    def round(self, s: Accelerated, me: Agent) -> Round:
        """Send up twice, step at the hub, send y+ down; then all move z and w alike."""
        self.place(s)
        np.copyto(s.before, s.x)
        if me.rank == HUB:
            messages = {HUB: self.compare(s, me, s.point)} if me.shard is not None else {}
            messages.update((yield Exchange(sources=me.predecessors)))
            step = mean(me, messages, s.work)
            step += s.mean
            np.subtract(s.point, np.multiply(step, s.rates.eta, out=step), out=s.x)
            messages = {HUB: self.learn(s, me)} if me.shard is not None else {}
            messages.update((yield Exchange(sources=me.predecessors)))
            learnt = mean(me, messages, s.work)
            s.mean += np.multiply(learnt, s.rates.alpha, out=learnt)
            yield Exchange(dict.fromkeys(me.successors, me.encode("down", s.x)))
        else:
            yield Exchange({HUB: self.compare(s, me, s.point)})
            yield Exchange({HUB: self.learn(s, me)})
            inbox = yield Exchange(sources=(HUB,))
            me.decode(inbox[HUB], s.x)
        self.move(s, me)

    def place(self, s: Accelerated) -> None:
        """Set x = theta_1 z + theta_2 w + (1 - theta_1 - theta_2) y."""
        one, two = s.rates.theta_1, s.rates.theta_2
        np.multiply(s.z, one, out=s.point)
        s.point += np.multiply(s.w, two, out=s.work)
        s.point += np.multiply(s.x, 1 - one - two, out=s.work)

    def compare(self, s: Accelerated, me: Agent, x: Vector) -> Message:
        """Return C(grad f_i(x) - h_i)."""
        return me.encode("up", np.subtract(me.grad(x), s.h, out=s.work), HUB)

    def learn(self, s: Accelerated, me: Agent) -> Message:
        """Return C(grad f_i(w) - h_i), added to h_i alpha times."""
        message = self.compare(s, me, s.w)
        me.add(message, s.rates.alpha, s.h)
        return message

    def move(self, s: Accelerated, me: Agent) -> None:
        """Set z+ = beta z + (1 - beta) x + (gamma / eta)(y+ - x); w+ = y if the coin says so."""
        beta, pull = s.rates.beta, s.rates.pull
        s.z *= beta
        s.z += np.multiply(s.x, pull, out=s.work)
        s.z += np.multiply(s.point, 1 - beta - pull, out=s.work)
        coin = Key(me.seed, Purpose.NOISE, me.round).words(1)[0]
        if coin < s.rates.p * 2.0**32:
            np.copyto(s.w, s.before)


def chance(omega: float, n: int) -> float:
    """Return p, the probability of a new w."""
    if omega == 0:
        return 1.0
    return min(1.0, max(1.0, math.sqrt(n / (32 * omega)) - 1) / (2 * (1 + omega)))
