"""Algorithms of a few lines that do something wrong, on the ring 0 - 1 - 2 - 3 - 4 - 0."""

from __future__ import annotations

import pytest

from netopt.algorithms import Algorithm
from netopt.network.lockstep import Lockstep


@pytest.fixture
def network(make):
    """Return a function: the ``round`` of an algorithm -> a lockstep network that plays it."""

    def build(round_, start=None, **changes):
        methods = {"round": lambda self, s, me: round_(s, me), "channels": Algorithm.channels}
        if start is not None:
            methods["start"] = lambda self, me: start(me)
        algorithm = type("Tiny", (Algorithm,), methods)()
        return Lockstep(make(**changes)._replace(algorithm=algorithm))

    return build


@pytest.fixture
def failure(network):
    """Return a function: a ``round`` -> type and whole message of the error in round 7."""

    def message_of(round_, **changes):
        with pytest.raises(Exception) as caught:
            network(round_, **changes).play(7)
        return type(caught.value), str(caught.value)

    return message_of
