"""What a plan foretells is what the ledger counts, for every algorithm, codec and kind of graph."""

from __future__ import annotations

import numpy as np
import pytest
from homes import channels, homes, wide

from netopt import config
from netopt.algorithms import Algorithm
from netopt.codecs import Codec
from netopt.codecs.raw import Raw
from netopt.engine import lockstep
from netopt.errors import ConfigError
from netopt.ledger import Tally
from netopt.registry import build, discover, find
from netopt.report.plan import plan, render
from netopt.report.text import plain

FIXED = [name for name in discover(Codec) if build(Codec, name).nbits(7) is not None]
STAR, PAIR = {"id": "star", "size": 4}, {"id": "star", "size": 2}
GRAPHS = ["ring-5", STAR, PAIR, {"id": "ring", "size": 3, "directed": True}]
SYNCHRONOUS = [name for name in discover(Algorithm) if not find(Algorithm, name).asynchronous]
PLACES = [(name, graph) for name in SYNCHRONOUS for graph in homes(name, GRAPHS)]


def experiment(**changes):
    base = {
        "problem": {"id": "quadratic", "dimension": 7, "heterogeneity": 0.01},
        "topology": "ring-5",
        "algorithm": "dgd",
        "rounds": 3,
    }
    return config.make({**base, **changes})


def with_codec(algorithm, codec, graph):
    run = {"algorithm": algorithm, "topology": graph}
    return experiment(**run, codecs=dict.fromkeys(channels(algorithm), wide(codec)))


@pytest.mark.parametrize(("algorithm", "graph"), PLACES, ids=str)
@pytest.mark.parametrize("codec", FIXED)
def test_prediction_is_the_ledger(algorithm, codec, graph):
    try:
        made = with_codec(algorithm, codec, graph)
    except ConfigError as error:
        pytest.skip(f"the method refuses it: {error}")
    foretold = plan(made)
    sent = lockstep(made, None).sent
    assert foretold.exact
    for edge in foretold.edges:
        row = Tally(*sent.counts[sent.row[edge.source, edge.target]].tolist())
        assert row == Tally(
            frames=3 * edge.frames,
            payload_bits=3 * edge.payload_bits,
            payload_bytes=3 * edge.payload_bytes,
            header_bytes=3 * edge.header_bytes,
            resent_bytes=0,
            setup_bits=edge.setup_bits,
            setup_bytes=edge.setup_bytes,
        )
    assert [(edge.source, edge.target) for edge in foretold.edges] == list(sent.edges)
    totals = (foretold.payload_bits_total, foretold.wire_bytes_total, foretold.setup_bytes)
    assert totals == sent.bits_and_bytes()
    assert 3 * foretold.wire_bytes_per_round == foretold.wire_bytes_total
    assert 3 * foretold.payload_bits_per_round == foretold.payload_bits_total


def test_graph_facts():
    found = plan(experiment(topology={"id": "star", "size": 6}))
    values = np.linalg.svd(experiment(topology={"id": "star", "size": 6}).topology.weights)[1]
    assert (found.agents, found.directed_edges, found.d, found.rounds) == (6, 10, 7, 3)
    assert (found.degree_min, found.degree_max, found.diameter) == (1, 5, 2)
    assert found.connected
    assert not found.directed
    assert found.doubly_stochastic
    assert found.second_singular_value == pytest.approx(values[1])
    assert found.spectral_gap == pytest.approx(1 - values[1])


def test_channel_of_two_vectors():
    (channel,) = plan(
        experiment(algorithm="gradient-tracking", codecs={"mix": "switching"})
    ).channels
    # 32 bit of scale and 7 symbols of 5 bit are 67 bit; each of the two fills 9 bytes.
    assert (channel.payload_bits, channel.payload_bytes, channel.frame_bytes) == (134, 18, 50)
    assert (channel.name, channel.vectors, channel.frames_per_round) == ("mix", 2, 10)


@pytest.fixture
def halving(private_registry):
    class Halving(Raw):
        """Pretends that its size depends on the data."""

        id = "halving"

        def nbits(self, n):
            return None

        def max_nbits(self, n):
            return 64 * n

    return Halving()


def test_data_dependent_payloads_are_bounds(halving):
    made = experiment()
    found = plan(made._replace(codecs=(halving,)))
    assert not found.exact
    text = plain(render(found))
    assert "at most 448" in text
    assert "at most 88 = 32 + 56" in text
    assert "at most 880 B" in text
    assert "at most 2640 B (2.64 kB)" in text


def test_a_stop_condition_bounds_the_whole_run_only():
    text = plain(render(plan(experiment(stop={"loss": 1.0}))))
    assert "all edges, a round         880 B" in text
    assert "all edges, 3 rounds        at most 2640 B (2.64 kB)" in text


def test_rendered_whole():
    assert (
        plain(render(plan(experiment(topology="ring-8", rounds=100))))
        == """\
graph ring-8

  agents                     8
  directed edges             16 (undirected graph)
  degree                     2
  connected                  yes
  diameter                   4 hops
  doubly stochastic          yes
  spectral gap               0.195262
  second singular value      0.804738

channels, d = 7

  channel   codec                       vectors   payload bits    frame bytes   frames a round
 ──────────────────────────────────────────────────────────────────────────────────────────────
  mix       {id: raw, dtype: float64}         1            448   88 = 32 + 56               16

traffic, headers included

  an edge, a round           88 B
  all edges, a round         1408 B (1.41 kB)
  all edges, 100 rounds      140800 B (140.8 kB)
  of it payload              716.8 kbit

"""
    )
