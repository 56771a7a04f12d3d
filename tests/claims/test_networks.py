"""Every decentralized method reaches its uncompressed loss with few bits: the study, shortened."""

from __future__ import annotations

import numpy as np
import pytest

from netopt import config, engine
from netopt.algorithms import Algorithm
from netopt.registry import build, discover
from netopt.reproduce.baselines._networks import ALL, DIRECT, GRAPHS, METHODS, played
from netopt.topologies import load

WITHIN, ROUNDS = 0.01, 150
PROBLEM = {"id": "logistic", "data": "breast-cancer"}
on_graphs = pytest.mark.parametrize("group", GRAPHS)


def ends(method, group, which, problem=PROBLEM):
    """Return the first and last row of a method's run: 0 compressed, 1 with float32 numbers."""
    _, algorithm, codecs = list(played(method))[which]
    run = {"problem": problem, "topology": GRAPHS[group], "rounds": ROUNDS, "seed": 1}
    run |= {"algorithm": algorithm, "codecs": codecs, "record": {"every": ROUNDS}}
    return engine.lockstep(config.make(run), None).rows


@on_graphs
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.series)
def test_it_reaches_its_uncompressed_loss_within_1_percent(method, group):
    (start, end), (_, best) = (ends(method, group, which) for which in (0, 1))
    assert end["loss"] < 0.9 * start["loss"]
    assert abs(end["loss"] - best["loss"]) < WITHIN * best["loss"]
    assert end["wire_bytes"] < 0.75 * best["wire_bytes"]  # of d = 31: half of it is headers


@on_graphs
def test_dgd_with_the_codec_that_lead_bears_does_not(group):
    """On digits, whose 650 coordinates share one scale: some 20 % above, whatever the seed."""
    (_, end), (_, best) = (ends(DIRECT, group, which, {"id": "logistic"}) for which in (0, 1))
    assert end["loss"] > 1.05 * best["loss"]


def test_the_study_has_every_decentralized_method():
    """But averaging alone, which is part of all; no method with a hub, and none without rounds."""
    ring = load("ring-8")

    def runs_on_a_ring(name):
        try:
            build(Algorithm, name).check(ring)
        except Exception:
            return False
        return True

    known = {method.algorithm["id"] for method in ALL} | {"consensus"}
    paced = {name for name, method in discover(Algorithm).items() if not method.asynchronous}
    assert known == {name for name in paced if runs_on_a_ring(name)}
    assert all(np.array_equal(w, w.T) for w in (load(graph).weights for graph in GRAPHS.values()))
