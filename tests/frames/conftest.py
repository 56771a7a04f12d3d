"""A bare agent that seals and reads frames, without a network."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.agent import Agent, Channel
from netopt.codecs import Codec
from netopt.problems import Problem
from netopt.registry import build
from netopt.topologies import load


class Desk:
    """A wire with a fresh buffer for each frame."""

    def buffer(self, channel, receiver, size):
        """Return ``size`` zero bytes."""
        return np.zeros(size, np.uint8)


@pytest.fixture
def agent():
    """Return a function that makes agent ``rank`` of ring-5, in round 6, exchange 1."""

    def make(spec, rank=0, vectors=1, d=11):
        problem = build(Problem, {"id": "quadratic", "dimension": d})
        problem.prepare(5, seed=7)
        channels = (Channel("mix", vectors=vectors),)
        me = Agent(rank, load("ring-5"), problem, channels, (build(Codec, spec),), 7, Desk())
        me.round, me.exchange = 6, 1
        return me

    return make
