"""Asynchronous DIANA: the hub steps whenever a worker's quantized difference comes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from netopt.agent import Agent, Exchange, Heard, Vector
from netopt.algorithms import Round
from netopt.algorithms._star import HUB
from netopt.algorithms.diana import Diana, Shifted
from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.topologies import Topology


@dataclass(slots=True)
class Waiting(Shifted):
    """At the hub, ``last`` has the newest q_i of each worker; ``mean`` is the mean of all g_i."""

    last: dict[int, Vector]


class AsyncDiana(Diana):
    """Asynchronous DIANA: on a worker's q_i = C(grad f_i(x) - h_i), x <- x - gamma (1/n) sum_j g_j.

    g_j = h_j + q_j is the newest gradient that the hub knows of worker j, taken at an older x; the
    others' are kept as they are. The hub answers with x to the workers that it heard, and no one
    waits for the slowest. h_i += alpha q_i at the worker; the hub keeps sum_j g_j, which q_i
    changes by q_i - (1 - alpha) q_i^old, so no shift travels; the hub holds n vectors for it. What
    gamma may be depends on how old gradients get: ``theory`` is DIANA's over n, for n workers alike
    whose gradients are n steps of the hub old. That of a worker s times slower is s n steps old: if
    it is much slower and steep, gamma may have to be smaller. Aggregation of delayed gradients is
    Blatt, Hero and Gauchman's (2007); DIANA's authors do not analyse the two together.
    """

    id = "async-diana"
    reference = (
        "Mishchenko, Gorbunov, Takac and Richtarik, 2019 (the shifts); Blatt, Hero and Gauchman, A "
        "convergent incremental gradient method with a constant step size, SIOPT 18(1), 2007 (the "
        "aggregation)"
    )
    asynchronous = True

    def check(self, topology: Topology) -> None:
        """Raise ConfigError unless there is a hub, which does nothing but serve."""
        super().check(topology)
        if self.hub_works:
            raise ConfigError(
                f"{self.id} has a hub that answers at once; leave hub_works false",
                "$.algorithm.hub_works",
            )

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return gamma: DIANA's over n."""
        return super().theory(problem, codec, n) / n

    def start(self, me: Agent) -> Any:
        """Return x_0, h_i = g_i = 0 and the rates."""
        s = super().start(me)
        fields = (s.x, s.work, s.lr, s.h, s.mean, s.step, s.alpha)
        return Waiting(*fields, {i: np.zeros(me.d) for i in me.workers if me.rank == HUB})

    def round(self, s: Waiting, me: Agent) -> Round:
        """At a worker: send q_i, wait for x. At the hub: wait for any, step, answer."""
        if me.rank == HUB:
            heard: Heard = yield Exchange(sources=me.workers, wait="any")
            for i, messages in heard.items():
                self.learn(s, me, i, me.decode(messages[0], s.work))
            s.x -= np.multiply(s.mean, s.lr, out=s.step)
            yield Exchange(dict.fromkeys(heard, me.encode("down", s.x)))
        else:
            message = self.message(s, me)
            inbox: Heard = yield Exchange({HUB: message}, (HUB,))
            me.decode(inbox[HUB][0], s.x)

    def learn(self, s: Waiting, me: Agent, i: int, q: Vector) -> None:
        """Let g_i be h_i + q: (1/n) sum_j g_j changes by (q - (1 - alpha) q_i^old) / n."""
        last = s.last[i]
        last *= s.alpha - 1.0
        last += q
        last /= len(me.workers)
        s.mean += last
        last[:] = q
