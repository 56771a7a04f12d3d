"""Plain averaging: the teaching case, and the engine inside every decentralized method."""

from __future__ import annotations

from netopt.agent import Agent
from netopt.algorithms import Algorithm, Round, Swapping
from netopt.algorithms._spread import Spread, apart


class Consensus(Algorithm):
    """Consensus: x_i <- sum_j w_ij Q(x_j); no gradients, agents start apart.

    Agent i starts at x_0 plus ``spread`` times standard normal noise of its own; with a doubly
    stochastic W and no compression, the average stays and the distance to it shrinks by the second
    largest singular value of W a round. spread = 1 makes the first consensus error about sqrt(d).

    A frame that a link drops leaves its weight with the receiver, so that only the rows of that
    round's W sum to 1. The agents still agree, within the hull of their starts, but on another
    point than the average: with a symmetric W it is the average in expectation, and on a ring of
    eight a loss of 10 % moves it by 0.08 ``spread`` sqrt(d), root of the mean square, and 1 % by
    a third of that.
    """

    id = "consensus"
    reference = "DeGroot, Reaching a consensus, 1974; Xiao and Boyd, 2004"
    tolerates_loss = True
    doubly_stochastic = False
    spread: Spread = 1.0

    def start(self, me: Agent) -> Swapping:
        """Return a starting point of this agent's own."""
        return Swapping.at(apart(me, self.spread))

    def round(self, s: Swapping, me: Agent) -> Round:
        """Send Q(x_i), then average what came with one's own quantized value."""
        message = me.encode("mix", s.x)
        inbox = yield me.share(message)
        s.become(me.mix(message, inbox, s.spare))
