"""What methods of averaging share: agents that start apart."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from netopt.agent import Agent, Vector
from netopt.keys import Purpose

Spread = Annotated[
    float, Meta(ge=0, description="standard deviation of the agents' starting points")
]


def apart(me: Agent, spread: float) -> Vector:
    """Return a starting point of this agent's own, shape (d,): x_0 plus ``spread`` times noise.

    The noise is standard normal.
    """
    noise = me.key(Purpose.START).generator().standard_normal(me.d)
    return me.problem.start() + spread * noise
