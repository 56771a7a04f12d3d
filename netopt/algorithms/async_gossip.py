"""Asynchronous gossip: nobody waits; an agent averages with what it heard last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netopt.agent import Agent, Exchange, Heard, Vector
from netopt.algorithms import Algorithm, Round, Swapping
from netopt.algorithms._spread import Spread, apart


@dataclass(slots=True)
class Remembering(Swapping):
    """``last`` has the newest Q(x_j) of each neighbour that was ever heard, each of shape (d,)."""

    work: Vector
    last: dict[int, Vector]


class AsyncGossip(Algorithm):
    """Asynchronous gossip: x_i <- w_ii x_i + sum_j w_ij xhat_j, xhat_j the newest Q(x_j) heard.

    An agent sends Q(x_i) to its neighbours, takes what has arrived, averages, and goes on at its
    own pace; a neighbour that was not heard yet counts as x_i itself. With bounded delays and a
    connected graph all come to agree, on a weighted mean that depends on the delays: agents that
    are slower move less and weigh more. Delays are bounded if no agent is faster than its links,
    which else queue its frames, more and more. Without compression all agree to rounding error; a
    grid may leave them apart by a step of it. A lost frame is one that is not heard.
    """

    id = "async-gossip"
    reference = (
        "Tsitsiklis, Bertsekas and Athans, Distributed asynchronous deterministic and stochastic "
        "gradient optimization algorithms, IEEE TAC 31(9), 1986"
    )
    asynchronous = True
    tolerates_loss = True
    doubly_stochastic = False
    spread: Spread = 1.0

    def start(self, me: Agent) -> Remembering:
        """Return a starting point of this agent's own."""
        x = apart(me, self.spread)
        return Remembering(x, np.empty_like(x), np.empty_like(x), {})

    def round(self, s: Remembering, me: Agent) -> Round:
        """Send Q(x_i), take what there is, average."""
        message = me.encode("mix", s.x)
        out = dict.fromkeys(me.successors, message)
        heard: Heard = yield Exchange(out, me.predecessors, wait="none")
        for j, messages in heard.items():
            s.last[j] = me.decode(messages[-1], s.last.get(j))
        mixed, part = s.spare, s.work
        np.multiply(s.x, me.weights[me.rank], out=mixed)
        for j in me.predecessors:
            mixed += np.multiply(s.last.get(j, s.x), me.weights[j], out=part)
        s.become(mixed)
