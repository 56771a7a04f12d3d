"""CHOCO-Gossip: averaging with compressed messages that still ends in exact consensus."""

from __future__ import annotations

from netopt.agent import Agent
from netopt.algorithms import Round
from netopt.algorithms._estimates import Estimating, Gossip
from netopt.algorithms._spread import Spread, apart


class ChocoGossip(Gossip):
    """CHOCO-Gossip: xhat_i += Q(x_i - xhat_i), x_i += gamma (sum_j w_ij xhat_j - xhat_i).

    q_i = Q(x_i - xhat_i) is what travels. There are no gradients. Agent i starts at x_0 plus
    ``spread`` times standard normal noise, all xhat_j at 0. The average never moves, and x_i -
    xhat_i shrinks with the disagreement, so that any contraction ends in consensus, at a linear
    rate 1 - delta^2 omega / 82 in theory; of the xhat_j an agent keeps its own and s_i = sum_j w_ij
    xhat_j. An unbiased codec is scaled by 1/(1 + omega), as in the paper.
    """

    id = "choco-gossip"
    reference = (
        "Koloskova, Stich and Jaggi, Decentralized stochastic optimization and gossip algorithms "
        "with compressed communication, ICML 2019, algorithm 1 and theorem 2"
    )
    spread: Spread = 1.0

    def start(self, me: Agent) -> Estimating:
        """Return a starting point of this agent's own."""
        return Estimating.at(apart(me, self.spread))

    def round(self, s: Estimating, me: Agent) -> Round:
        """Send q_i, learn what all sent, gossip."""
        yield from self.gossip(s, me)
