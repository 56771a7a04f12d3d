"""DCD-PSGD's agents know their neighbours exactly, and its codec has to be a fine one."""

from __future__ import annotations

import numpy as np
import pytest
from algorithms.boxes import SHUFFLED, gradients, rows, sent

from netopt.algorithms.dcd_psgd import FINE

ROUNDS, LR = 30, 0.02
CODECS = ["raw", FINE, "natural", {"id": "topk", "fraction": 0.5}]
GRAPHS = ["ring-5", "w1", "star-8"]
DCD = {"id": "dcd-psgd", "lr": LR}
on_graphs = pytest.mark.parametrize("topology", GRAPHS)


@on_graphs
@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_it_is_its_papers_box(make, watch, topology, codec):
    """With a replica of every agent at everybody; and their weighted sum is all that is kept."""
    experiment = make(algorithm=DCD, problem=SHUFFLED, topology=topology, codecs={"mix": codec})
    network, states = watch(experiment)
    (codec,), w, replicas = experiment.codecs, experiment.topology.weights, network.estimates()
    for k in range(ROUNDS):
        half = w @ replicas - LR * gradients(experiment.problem, replicas)
        replicas = replicas + sent(codec, half - replicas, k)
        network.play(k)
        np.testing.assert_allclose(network.estimates(), replicas, rtol=0, atol=1e-12)
        mixed = w @ network.estimates()
        np.testing.assert_allclose(rows(states, "mixed"), mixed, rtol=0, atol=1e-13)


@on_graphs
def test_without_compression_it_is_dgd(make, watch, topology):
    """To rounding: x + (y - x) is y to about a unit in the last place of the larger."""
    run = {"problem": SHUFFLED, "topology": topology, "codecs": {"mix": "raw"}}
    dcd, _ = watch(make(algorithm=DCD, **run))
    dgd, _ = watch(make(algorithm={"id": "dgd", "lr": LR}, **run))
    for k in range(ROUNDS):
        dcd.play(k)
        dgd.play(k)
        np.testing.assert_allclose(dcd.estimates(), dgd.estimates(), rtol=0, atol=1e-13)


def test_a_compressed_run_reaches_the_loss_of_the_uncompressed_one(play):
    run = {"topology": "ring-8", "problem": {"id": "logistic", "data": "breast-cancer"}}
    run |= {"rounds": 200, "algorithm": {"id": "dcd-psgd", "lr": 0.05}}
    whole = play(**run, codecs={"mix": "raw"})
    compressed = play(**run)
    start, best, got = whole.rows[0]["loss"], whole.rows[-1]["loss"], compressed.rows[-1]["loss"]
    assert best < 0.6 * start
    assert got == pytest.approx(best, rel=1e-3)
    assert compressed.rows[-1]["payload_bits"] < whole.rows[-1]["payload_bits"] / 7


def test_what_theory_does_not_cover_is_warned_of_and_may_diverge(make, watch):
    """ring-8: delta = (2 - sqrt 2) / 3 and ||I - W|| = 4/3, so omega < (delta / (8/3))^2."""
    limit = ((2 - 2**0.5) / 3 / (8 / 3)) ** 2
    assert limit == pytest.approx(0.00536, abs=1e-5)
    assert make(algorithm="dcd-psgd", topology="ring-8").warnings == ()
    big = {"id": "quadratic", "dimension": 50}
    experiment = make(algorithm=DCD, topology="ring-8", problem=big, codecs={"mix": "randk"})
    assert experiment.warnings == (
        "dcd-psgd needs an unbiased codec with an omega below 0.0054 on 'ring-8', and randk has up "
        "to 9 with these options: the error may grow",
    )
    network, _ = watch(experiment)
    for k in range(60):
        network.play(k)
    assert np.abs(network.estimates()).max() > 1e6
    (said,) = make(algorithm="dcd-psgd", topology="ring-8", codecs={"mix": "topk"}).warnings
    assert said == (
        "dcd-psgd needs an unbiased codec with an omega below 0.0054 on 'ring-8', and topk has "
        "none with these options: the error may grow"
    )
