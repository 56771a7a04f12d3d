"""A look at the states that an algorithm keeps for its agents."""

from __future__ import annotations

import pytest

from netopt.network.lockstep import Lockstep


@pytest.fixture
def watch(monkeypatch):
    """Return a function: experiment -> (network, the agents' states in rank order)."""

    def start(experiment):
        cls, states = type(experiment.algorithm), []
        original = cls.start

        def remember(self, me):
            states.append(original(self, me))
            return states[-1]

        with monkeypatch.context() as patch:
            patch.setattr(cls, "start", remember)
            network = Lockstep(experiment)
        return network, states

    return start
