"""What holds for every algorithm, found by itself, with every codec."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.algorithms import Algorithm
from netopt.codecs import Codec, nbytes
from netopt.errors import ConfigError
from netopt.registry import build, discover
from netopt.topologies import load

ROUNDS = 6
ONE_WAY = {"id": "star", "size": 4, "weights": "uniform"}
WIDE = {"uniform": {"range": 1000.0}}
"""Options without which a codec could not carry the vectors of this test."""

every = pytest.mark.parametrize("name", discover(Algorithm))
every_codec = pytest.mark.parametrize("codec", discover(Codec))


@every
@every_codec
def test_each_edge_carries_the_codecs_bits_and_no_others(play, make, name, codec):
    spec = {"id": codec, **WIDE.get(codec, {})}
    algorithm = build(Algorithm, name)
    run = {"algorithm": name, "topology": "w1", "rounds": ROUNDS}
    run["codecs"] = {channel.name: spec for channel in algorithm.channels}
    bits = build(Codec, spec).nbits(make(**run).problem.d)
    if bits is None:
        pytest.skip("its payload depends on the data")
    traffic = algorithm.traffic(load("w1"))
    for edge, counts in zip(load("w1").edges, play(**run).sent.counts, strict=True):
        sizes = [algorithm.channels[c].vectors for i, j, c in traffic if (i, j) == edge]
        frames, vectors = ROUNDS * len(sizes), ROUNDS * sum(sizes)
        assert counts.tolist() == [frames, vectors * bits, vectors * nbytes(bits), 32 * frames, 0]


@every
def test_the_same_run_gives_the_same_rows_and_another_seed_others(rows, name):
    codecs = {c.name: "switching" for c in build(Algorithm, name).channels}
    first = rows(algorithm=name, codecs=codecs)
    assert rows(algorithm=name, codecs=codecs) == first
    assert rows(algorithm=name, codecs=codecs, seed=2) != first


@every
def test_where_there_is_no_data_the_seed_still_names_the_roundings(play, name):
    codecs = {c.name: "switching" for c in build(Algorithm, name).channels}
    run = {"algorithm": name, "codecs": codecs, "problem": "saddle"}
    assert play(**run, seed=1).x.tobytes() != play(**run, seed=2).x.tobytes()


@every
def test_a_matrix_whose_columns_do_not_sum_to_1_is_refused_where_the_method_needs_it(make, name):
    cls = type(build(Algorithm, name))
    if not cls.doubly_stochastic:
        assert make(algorithm=name, topology=ONE_WAY).topology.size == 4
        return
    with pytest.raises(ConfigError) as caught:
        make(algorithm=name, topology=ONE_WAY)
    assert str(caught.value) == (
        f"$.topology: {name} needs a doubly stochastic mixing matrix, and that of "
        "'star-4' has columns that do not sum to 1; use Metropolis weights on an undirected graph, "
        "or another matrix"
    )


@every
def test_agents_keep_their_estimates_to_themselves(make, watch, name):
    network, states = watch(make(algorithm=name))
    network.play(0)
    copies = [state.x.copy() for state in states]
    states[0].x[:] = np.nan
    for state, copy in zip(states[1:], copies[1:], strict=True):
        assert state.x.tobytes() == copy.tobytes()
