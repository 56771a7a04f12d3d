"""Links that drop: what is left of averaging and of decentralized descent.

With a symmetric W a lost frame gives its weight to the receiver itself, so that every W_k has rows
that sum to one, and columns that do so only on average. Averaging then ends within the hull of the
starts, at a mean that has drifted; DGD ends in a neighbourhood of its own fixed point. All draws
are seeded; were they not, all tests of this file together would fail with a probability below 1e-6.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt import engine
from netopt.network.lockstep import Lockstep
from netopt.topologies import load

ALARM = 1e-9
GRAPH = {"id": "erdos-renyi", "size": 6, "p": 0.6}


def lossy(graph, loss, **link):
    """Return a topology with this loss on every edge."""
    graph = dict(graph) if isinstance(graph, dict) else {"id": graph}
    return {**graph, "link": {"loss": loss, **link}}


def fates(network):
    """Return fates by edge in this exchange, as the sender and as the receiver has them."""
    edges = network._sent.edges
    return [
        {(i, j): network._travels[end(i, j)].fate(i, j) for i, j in edges} for end in (min, max)
    ]


def test_both_ends_of_an_edge_know_the_same_fate(make):
    network = Lockstep(make(topology=lossy("ring-5", 0.5, jitter=1, on_loss="drop")))
    network.setup()
    seen = set()
    for k in range(30):
        network.play(k)
        mine, yours = fates(network)
        assert mine == yours
        seen |= set(mine.values())
    assert len(seen) == 300, "each frame has its own"


def mixing(network):
    """Return W as this exchange's losses leave it, shape (N, N)."""
    w = np.array([agent.weights for agent in network._agents])
    for (i, j), chance in fates(network)[0].items():
        if chance.lost:
            w[j, j] += w[j, i]
            w[j, i] = 0.0
    return w


DROP = lossy(GRAPH, 0.1, on_loss="drop")


def walk(make, rounds, **changes):
    """Yield W_k and the estimates before and after each round."""
    network = Lockstep(make(topology=DROP, **changes))
    network.setup()
    before = network.estimates()
    for k in range(rounds):
        for agent in network._agents:
            agent.begin(k)  # where fates are asked for
        w = mixing(network)
        network.play(k)
        after = network.estimates()
        yield w, before, after
        before = after


def ranges(w, x):
    """Return the squared ranges of what each frame's loss adds to the mean, summed, shape (d,).

    A frame j -> i that is lost moves the mean by w_ij (x_i - x_j) / N.
    """
    apart = x[:, np.newaxis] - x[np.newaxis]
    return np.einsum("ij,ijd->d", np.square(w), np.square(apart)) / len(x) ** 2


def drift_allowed(squares):
    """Return how far a martingale may get whose increments have these squared ranges in sum.

    Azuma and Hoeffding's bound, for predictable ranges: ``squares`` is rounded up to one of 80
    powers of two, each of which has a share of the false alarms, and so has each coordinate.
    """
    grid = 2.0 ** np.ceil(np.log2(squares))
    return np.sqrt(0.5 * grid * math.log(2 * 80 * len(squares) / ALARM))


def test_averaging_goes_on_with_what_arrives_and_drifts_within_the_hull(make):
    full = make(topology=DROP).topology.weights
    start, squares = None, 0.0
    for w, before, after in walk(make, 150, algorithm="consensus"):
        np.testing.assert_allclose(after, w @ before, rtol=0, atol=1e-13)
        np.testing.assert_allclose(w.sum(axis=1), 1.0, atol=1e-14)
        start = before if start is None else start
        squares = squares + ranges(full, before)
    assert np.ptp(after, axis=0).max() < 1e-9, "they agree"
    assert (start.min(axis=0) <= after[0]).all()
    assert (after[0] <= start.max(axis=0)).all()
    drift = after.mean(axis=0) - start.mean(axis=0)
    assert np.abs(drift).max() > 1e-3, "the mean is not kept"
    assert (np.abs(drift) <= drift_allowed(squares)).all()


def moments(w, loss, p):
    """Return E[x x'] after a round from that before, shape (N, N), for a scalar a agent."""
    kept = (1 - loss) * w + loss * np.eye(len(w))
    apart = np.diag(p)[:, np.newaxis] - 2 * p + np.diag(p)[np.newaxis]
    noise = loss * (1 - loss) * np.einsum("ij,ij->i", np.square(w), apart)
    return kept @ p @ kept.T + np.diag(noise)


def rate(w, loss):
    """Return by which factor the expected squared disagreement shrinks a round, in the long run."""
    n = len(w)
    off = np.eye(n) - 1 / n
    p = off.copy()
    for _ in range(300):
        p = off @ moments(w, loss, p) @ off
        size, p = np.trace(p), p / np.trace(p)
    return size


@pytest.mark.parametrize("loss", [0.1, 0.5])
def test_agents_agree_at_the_rate_of_the_second_moments(make, loss):
    """Markov: a disagreement 10^8 times the expected one has a probability of 10^-8."""
    graph, rounds = lossy(GRAPH, loss, on_loss="drop"), 80
    first, last = (
        np.square(x - x.mean(axis=0)).sum()
        for x in (
            played_x(make(topology=graph, algorithm="consensus", rounds=k)) for k in (1, rounds)
        )
    )
    shrunk = rate(make(topology=graph).topology.weights, loss) ** (rounds - 1)
    assert shrunk < 1e-10
    assert last <= 1e8 * 2 * shrunk * first


def played_x(experiment):
    return engine.lockstep(experiment, None).x


def test_second_moments_are_those_of_many_losses():
    """The test itself: the formula against a mean over drawn W_k, six standard errors wide."""
    rng = np.random.default_rng(1)
    w = load(GRAPH).weights
    x = rng.standard_normal(6)
    draws = []
    for _ in range(4000):
        lost = (rng.random((6, 6)) < 0.3) & ~np.eye(6, dtype=bool)
        moved = np.where(lost, 0.0, w)
        moved += np.diag((w * lost).sum(axis=1))
        draws.append(np.outer(moved @ x, moved @ x))
    error = np.std(draws, axis=0) / math.sqrt(len(draws))
    assert (np.abs(np.mean(draws, axis=0) - moments(w, 0.3, np.outer(x, x))) <= 6 * error).all()


LR = 0.05


def dgd_end(make, lr, rounds=400):
    """Return how far DGD's mean ends from x*, how far it may, and the root of the squared ranges.

    All agents have one curvature a, so that the mean's error e obeys e <- (1 - lr a) e + drift,
    with the drift of averaging: a martingale, forgotten at the rate 1 - lr a.
    """
    changes = {"problem": {"id": "quadratic", "kappa": 2}, "algorithm": {"id": "dgd", "lr": lr}}
    experiment = make(topology=DROP, **changes)
    curvature = experiment.problem._spectrum
    squares, error, start = 0.0, None, None
    for _, before, after in walk(make, rounds, **changes):
        squares = (1 - lr * curvature) ** 2 * squares + ranges(experiment.topology.weights, before)
        start = before.mean(axis=0) if start is None else start
        error = after.mean(axis=0) - experiment.problem.minimum()
    start = (start - experiment.problem.minimum()) * (1 - lr * curvature) ** rounds
    return error, np.abs(start) + drift_allowed(squares), np.sqrt(squares)


def test_dgd_ends_in_the_neighbourhood_that_the_drift_allows(make):
    error, allowed, _ = dgd_end(make, LR)
    assert np.abs(error).max() > 1e-4, "without loss it is x* here, to rounding"
    assert (np.abs(error) <= allowed).all()


def test_the_neighbourhood_shrinks_with_the_root_of_the_step(make):
    """What a round's drift adds is O(lr), and 1 / lr rounds are remembered: O(sqrt(lr)) in all."""
    *_, wide = dgd_end(make, LR)
    *_, narrow = dgd_end(make, LR / 4, rounds=1000)
    assert 0.35 < np.linalg.norm(narrow) / np.linalg.norm(wide) < 0.7
