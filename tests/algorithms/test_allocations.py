"""After the first rounds, no round allocates an array of the size of a vector."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from homes import GRAPHS, channels, home

from netopt.algorithms import Algorithm
from netopt.core import packing
from netopt.errors import ConfigError
from netopt.network import lockstep
from netopt.registry import discover

D = 200_000
pytestmark = pytest.mark.skipif(packing.implementation != "c", reason="numpy's core allocates")


class Kept:
    """Two send buffers that take turns, as over MPI."""

    def __init__(self):
        self.buffers = []

    def buffer(self, channel, receiver, size):
        """Return the buffer that was used the longest ago."""
        self.buffers = [*self.buffers, np.zeros(size, np.uint8)][-2:]
        if len(self.buffers) == 2:
            self.buffer = self.again
        return self.buffers[-1]

    def again(self, channel, receiver, size):
        """Return the older buffer."""
        self.buffers.reverse()
        return self.buffers[-1]


def peak(make, monkeypatch, algorithm, codec):
    """Return the most bytes that one round holds beyond what was there before it."""
    monkeypatch.setattr(lockstep, "Buffers", Kept)
    problem = {"id": "quadratic", "dimension": D}
    graph = home(algorithm, ("ring-5", *GRAPHS))
    codecs = dict.fromkeys(channels(algorithm), codec)
    try:
        experiment = make(algorithm=algorithm, problem=problem, codecs=codecs, topology=graph)
    except ConfigError as error:
        if not str(error).startswith("$.codecs"):
            raise  # what else can be wrong here?
        pytest.skip(f"the method refuses it: {error}")
    slopes = np.ones(D)
    experiment.problem.__dict__["grad"] = lambda rank, x, key: slopes
    network = lockstep.Lockstep(experiment)
    for k in range(3):
        network.play(k)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        network.play(3)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


# A frame to an asynchronous agent lies somewhere until it is taken.
STEADY = [n for n, cls in discover(Algorithm).items() if not (cls.dense or cls.asynchronous)]


@pytest.mark.parametrize("algorithm", STEADY)
@pytest.mark.parametrize("codec", ["raw", {"id": "raw", "dtype": "float32"}, "switching"])
def test_a_round_allocates_no_vector(make, monkeypatch, algorithm, codec):
    """The allowance is a tenth of a vector: tuples, generators and views of five agents."""
    assert peak(make, monkeypatch, algorithm, codec) < 8 * D / 10


def test_an_allocation_would_be_seen(make, monkeypatch):
    original = np.multiply
    monkeypatch.setattr(np, "multiply", lambda a, b, out=None: original(a, b, out=None) + 0.0)
    assert peak(make, monkeypatch, "dgd", "raw") > 8 * D
