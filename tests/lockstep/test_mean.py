"""The network mean in pieces: its oracle is the whole matrix of estimates."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from netopt import engine
from netopt.network import average
from netopt.network.lockstep import Lockstep


@pytest.mark.parametrize("algorithm", ["dgd", "gradient-tracking"])
@pytest.mark.parametrize("piece", [1, 7, 10, 33, 100])
def test_pieces_add_up_to_the_whole(make, monkeypatch, algorithm, piece):
    """With an agent's spare array for the mean, and without."""
    network = Lockstep(make(algorithm=algorithm, problem={"id": "quadratic", "dimension": 33}))
    for k in range(3):
        network.play(k)
    x = network.estimates()
    monkeypatch.setattr(average, "PIECE", piece)
    mean = network.mean()
    assert np.array_equal(mean.x, np.add.reduce(x, axis=0) / 5)
    apart = math.sqrt(sum(np.linalg.norm(row - mean.x) ** 2 for row in x) / 5)
    assert mean.apart == pytest.approx(apart, rel=1e-14)
    assert network.estimates().tobytes() == x.tobytes(), "nobody's estimate was touched"
    best = np.ones(33)
    assert engine.distance_of(mean.x, best) == pytest.approx(np.linalg.norm(mean.x - best))


def test_pieces_are_all_coordinates_in_order(monkeypatch):
    monkeypatch.setattr(average, "PIECE", 4)
    for d in (1, 3, 4, 5, 8, 11):
        seen = [j for piece in average.pieces(d) for j in range(d)[piece]]
        assert seen == list(range(d))


def test_looking_at_a_run_changes_nothing_in_it(play):
    """The mean is written to what agent 0 does not need between two rounds."""
    often, once = (play(record={"every": every}) for every in (1, 20))
    assert often.x.tobytes() == once.x.tobytes()


def test_the_mean_needs_no_matrix_of_estimates(make):
    network = Lockstep(make(problem={"id": "strict-saddle", "dimension": 2**20}))
    network.mean()
    tracemalloc.start()
    try:
        mean = network.mean()
        engine.measure(network._agents[0].problem, mean, 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    whole = mean.x.nbytes
    assert peak < 1.5 * whole, "the gradient, and the agents' rows of a piece"
