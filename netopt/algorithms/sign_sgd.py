"""signSGD with majority vote: one bit a coordinate up, one bit a coordinate down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from netopt.agent import Agent, Channel, Exchange, Message
from netopt.algorithms import Round
from netopt.algorithms._star import HUB, Node
from netopt.algorithms._stochastic import Decay, Descent, decayed
from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.topologies import Topology

_LEAST = math.ulp(0.0)
"""The least positive number: added, it gives zero a sign and changes no other."""


class SignSgd(Descent):
    """signSGD with majority vote: x <- x - eta_k sign(sum_i sign(g_i)), eta_k = lr / (1 + decay k).

    Workers send the signs of their stochastic gradients, the hub answers with the signs of the
    sums, and all agents step. Where a gradient is zero, and where a vote is tied, the sign is + in
    even rounds and - in odd ones, so that neither drifts; the paper leaves that open. Every
    coordinate of x moves by eta_k in every round: x ends within some eta_k of where it is
    drawn to, and where the workers' gradients differ that need not be a stationary point of F.
    """

    id = "sign-sgd"
    reference = (
        "Bernstein, Wang, Azizzadenesheli and Anandkumar, signSGD, ICML 2018; with majority vote: "
        "Bernstein, Zhao, Azizzadenesheli and Anandkumar, ICLR 2019"
    )
    channels = (Channel("up", "sign-bits"), Channel("down", "sign-bits"))
    decay: Decay = 0.0

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Refuse codecs that send sizes: a vote has none."""
        for channel, codec in zip(self.channels, codecs, strict=True):
            if codec.id != "sign-bits":
                raise ConfigError(
                    f"sign-sgd sends signs alone, and {codec.id} more; use sign-bits, or ef-sgd, "
                    "which takes every codec",
                    f"$.codecs.{channel.name}",
                )
        return ()

    def message(self, s: Node, me: Agent) -> Message:
        """Send sign(g_i)."""
        return me.encode("up", np.add(me.grad(s.x), _tie(me.round), out=s.work), HUB)

    def vote(self, s: Node, me: Agent, messages: Mapping[int, Message]) -> Message:
        """Return sign(sum_i sign(g_i)), as the hub sends it."""
        s.work.fill(0.0)
        for message in messages.values():
            me.add(message, 1.0, s.work)
        s.work += _tie(me.round)
        return me.encode("down", s.work)

    def round(self, s: Node, me: Agent) -> Round:
        """Vote, hear the majority, step."""
        lr = decayed(self.lr, self.decay, me.round)
        if me.rank == HUB:
            messages = {HUB: self.message(s, me)} if me.shard is not None else {}
            messages.update((yield Exchange(sources=me.predecessors)))
            majority = self.vote(s, me, messages)
            me.add(majority, -lr, s.x)
            yield Exchange(dict.fromkeys(me.successors, majority))
        else:
            yield Exchange({HUB: self.message(s, me)})
            me.add((yield Exchange(sources=(HUB,)))[HUB], -lr, s.x)


def _tie(k: int) -> float:
    """Return what decides where nothing else does in round k: the least number, + or -."""
    return -_LEAST if k % 2 else _LEAST
