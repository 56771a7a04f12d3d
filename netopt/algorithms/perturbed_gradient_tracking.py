"""Perturbed gradient tracking: a kick that all agents share, where the gradient is small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel, Vector
from netopt.algorithms import Algorithm, Round
from netopt.algorithms.gradient_tracking import Tracking
from netopt.core import packing
from netopt.keys import Purpose


@dataclass(slots=True)
class Kicked(Tracking):
    """``last`` is where this agent was when it was kicked last, shape (d,); infinite before."""

    last: Vector


class PerturbedGradientTracking(Algorithm):
    """Perturbed gradient tracking: x <- W x - lr y + xi; y <- W y + grad f(x_new) - grad f(x_old).

    xi is 0 except at the start of a phase of ``period`` rounds. There it is uniform in the ball of
    ``radius`` and the same for all agents, who draw it from one stream: it costs nothing on the
    wire, and the agents stay together. Agent i adds it if its tracker y_i, which stands for the
    gradient of F, has a norm of at most ``threshold``, and if x_i is more than ``radius`` away from
    where it was kicked last: one that came back is at a minimum and is left alone, so that a
    constant step still reaches it exactly.

    This is a simplified PDGT. The paper alternates a stage that finds a stationary point of F and
    one that perturbs it and tells a saddle by how far F falls; which stage it is, all agents
    find out together, over the network. Here an agent asks its own tracker, and the distance gone
    instead of the fall of F. Agents who decide differently near the threshold only weaken the kick:
    the mean moves by the share of them that add xi, and mixing brings them together again. Data in
    batches need a threshold above their noise. Frames and stable steps are those of
    gradient-tracking. A kick of c along a direction of curvature -h grows by 1 + lr h a round, so
    choose a period of several 1 / (lr h).
    """

    id = "perturbed-gradient-tracking"
    reference = (
        "Tziotis, Caramanis and Mokhtari, Second order optimality in decentralized non-convex "
        "optimization via perturbed gradient tracking, NeurIPS 2020 (PDGT), simplified"
    )
    channels = (Channel("mix", vectors=2),)
    lr: Annotated[float, Meta(gt=0, description="eta, step size")] = 0.005
    period: Annotated[int, Meta(ge=1, description="rounds of a phase")] = 100
    radius: Annotated[float, Meta(gt=0, description="the largest ||xi||")] = 0.1
    threshold: Annotated[
        float, Meta(ge=0, description="the norm up to which a tracked gradient is small")
    ] = 0.01

    def start(self, me: Agent) -> Kicked:
        """Return x_0 and y_0 = grad f_i(x_0); nobody was kicked yet."""
        x = me.problem.start()
        g = me.grad(x)
        both = np.stack([x, g])
        return Kicked(both[0], both, g.copy(), np.empty_like(both), np.full(me.d, np.inf))

    def round(self, s: Kicked, me: Agent) -> Round:
        """Send x_i and y_i, average both, step, kick if it is due, track."""
        due = me.round % self.period == 0 and self.stuck(s)
        message = me.encode("mix", s.both)
        inbox = yield me.share(message)
        mixed = me.mix(message, inbox, s.spare)
        x, y, step = mixed[0], mixed[1], s.both[1]
        step *= self.lr
        x -= step
        if due:
            np.copyto(s.last, s.x)
            x += self.kick(me, s.both[0])
        g = me.grad(x)
        y += g
        y -= s.g
        np.copyto(s.g, g)  # a problem may hand out the same array again
        s.x, s.both, s.spare = x, mixed, s.both

    def stuck(self, s: Kicked) -> bool:
        """Return whether the tracked gradient is small where this agent was not kicked before."""
        if packing.norm(s.both[1], "l2") > self.threshold:
            return False
        gone = np.subtract(s.x, s.last, out=s.spare[0])
        return packing.norm(gone, "l2") > self.radius

    def kick(self, me: Agent, out: Vector) -> Vector:
        """Write xi to ``out``: uniform in the ball of the radius, from the stream of all agents."""
        common = me.common_key(Purpose.NOISE).generator()
        common.standard_normal(out=out)
        out *= self.radius * common.random() ** (1 / me.d) / packing.norm(out, "l2")
        return out
