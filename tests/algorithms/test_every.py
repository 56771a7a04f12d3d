"""What holds for every algorithm, found by itself, with every codec."""

from __future__ import annotations

import numpy as np
import pytest
from homes import channels, home, wide

from netopt.algorithms import Algorithm
from netopt.codecs import Codec, nbytes
from netopt.errors import ConfigError
from netopt.frame import HEADER_BYTES
from netopt.keys import Key, Purpose
from netopt.network.lockstep import Lockstep
from netopt.registry import build, discover
from netopt.topologies import load

ROUNDS = 6
ONE_WAY = {"id": "star", "size": 4, "weights": "uniform"}
PAIR = {"id": "star", "size": 2, "weights": "uniform"}
every = pytest.mark.parametrize("name", discover(Algorithm))
every_codec = pytest.mark.parametrize("codec", discover(Codec))


@every
@every_codec
def test_each_edge_carries_the_codecs_bits_and_no_others(play, make, name, codec):
    spec = wide(codec)
    algorithm, graph = build(Algorithm, name), home(name)
    run = {"algorithm": name, "topology": graph, "rounds": ROUNDS}
    run["codecs"] = dict.fromkeys(channels(name), spec)
    try:
        experiment = make(**run)
    except ConfigError as error:
        if not str(error).startswith("$.codecs"):
            raise  # what else can be wrong here?
        pytest.skip(f"the method refuses it: {error}")
    bits = build(Codec, spec).nbits(experiment.problem.d)
    if bits is None:
        pytest.skip("its payload depends on the data")
    traffic = algorithm.traffic(load(graph))
    for edge, counts in zip(load(graph).edges, play(**run).sent.counts, strict=True):
        sizes = [algorithm.channels[c].vectors for i, j, c in traffic if (i, j) == edge]
        rounds = ROUNDS
        if algorithm.asynchronous:  # as many as time allowed, and then all alike
            assert len(sizes) == 1
            rounds = int(counts[0])
            assert 0 < rounds <= ROUNDS
        frames, vectors = rounds * len(sizes), rounds * sum(sizes)
        wanted = [frames, vectors * bits, vectors * nbytes(bits), 32 * frames, 0]
        assert counts.tolist()[:5] == wanted


@every
def test_setup_carries_what_was_foretold(make, name):
    experiment = make(algorithm=name, topology=home(name))
    network = Lockstep(experiment)
    network.setup()
    sent = network.books()[0]
    told = dict.fromkeys(sent.edges, (0, 0))
    parts = (experiment.topology, experiment.problem, experiment.codecs)
    for source, target, count in experiment.algorithm.setup_traffic(*parts):
        bits, size = told[source, target]
        told[source, target] = (bits + 32 * count, size + 4 * count + HEADER_BYTES)
    for edge, counts in zip(sent.edges, sent.counts.tolist(), strict=True):
        assert counts[:6] == [0] * 6
        assert tuple(counts[6:]) == told[edge]


def random_codecs(name):
    """The method's own codecs if it refuses others, else a random one on every channel."""
    return dict.fromkeys(channels(name), "switching")


@pytest.fixture
def noisy(make):
    """Return a function: an algorithm's name -> the parts of a run of it with random rounding."""

    def parts(name):
        run = {"algorithm": name, "topology": home(name), "codecs": random_codecs(name)}
        try:
            make(**run)
        except ConfigError:
            del run["codecs"]
        return run

    return parts


@every
def test_the_same_run_gives_the_same_rows_and_another_seed_others(rows, noisy, name):
    first = rows(**noisy(name))
    assert rows(**noisy(name)) == first
    assert rows(**noisy(name), seed=2) != first


def draws(codec):
    """Return whether a codec's bytes depend on its key."""
    x = np.linspace(0.1, 0.9, 9)
    return len({codec.encode(x, Key(seed, Purpose.ROUNDING)) for seed in range(20)}) > 1


@every
def test_where_there_is_no_data_the_seed_still_names_the_roundings(play, make, noisy, name):
    run = noisy(name)
    run |= {"problem": {"id": "saddle", "at": [0.5, 0.25]}}
    if "lr" in type(build(Algorithm, name)).__struct_fields__:
        run["algorithm"] = {"id": name, "lr": 0.01}
    try:
        play(**run)
    except ConfigError as error:
        own = () if "codecs" in run else ("$.codecs",)  # its own codec may want more coordinates
        if not str(error).startswith(("$.problem", "$.algorithm", *own)):
            raise
        pytest.skip(f"the saddle is not for this method: {error}")
    if "codecs" not in run and not any(map(draws, make(**run).codecs)):
        pytest.skip("it refuses the random codec of this test, and its own draw nothing")
    assert play(**run, seed=1).x.tobytes() != play(**run, seed=2).x.tobytes()


@every
def test_a_matrix_whose_columns_do_not_sum_to_1_is_refused_where_the_method_needs_it(make, name):
    cls = type(build(Algorithm, name))
    if not cls.doubly_stochastic:
        size = make(algorithm=name, topology=home(name, (ONE_WAY, PAIR))).topology.size
        assert size in (2, 4)
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
    network, states = watch(make(algorithm=name, topology=home(name)))
    network.setup()
    network.play(0)
    copies = [state.x.copy() for state in states]
    states[0].x[:] = np.nan
    for state, copy in zip(states[1:], copies[1:], strict=True):
        assert state.x.tobytes() == copy.tobytes()
