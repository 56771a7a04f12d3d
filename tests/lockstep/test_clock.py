"""The virtual clock: emulated seconds are what closed forms say, and what a recursion by hand does.

Times and rates are dyadic where sums have to agree to the last bit: a frame of ten float64 numbers
has 112 bytes, so that it takes 0.25 s at 3584 bit/s.
"""

from __future__ import annotations

import itertools
import random

import pytest
from homes import home

from netopt import config, engine
from netopt.algorithms import Algorithm
from netopt.frame import HEADER_BYTES
from netopt.network.lockstep import Lockstep
from netopt.registry import discover

SIZE = HEADER_BYTES + 80
QUARTER = 8 * SIZE / 0.25
"""Bit/s at which a frame takes 0.25 s."""
LINK = {"rate": QUARTER, "latency": 0.125}
FIXED = {"compute": {"id": "fixed", "seconds": 0.5}}
GD = {"algorithm": {"id": "gd", "lr": 0.01}}
PLAIN = sorted(name for name, cls in discover(Algorithm).items() if not cls.asynchronous)


@pytest.fixture
def seconds(play):
    """Return a function: changes of a run file -> emulated seconds of each round."""

    def emulated(**changes):
        rows = play(**{"record": {"every": 1}, "rounds": 4, **changes}).rows
        return [row["emulated_seconds"] for row in rows]

    return emulated


def ring(size=5, **more):
    return {"id": "ring", "size": size, "link": LINK, **more}


def star(size=5, **more):
    return {"id": "star", "size": size, **more}


def times(step, rounds=4):
    return [k * step for k in range(rounds + 1)]


@pytest.mark.parametrize("size", [3, 4, 9])
def test_a_round_on_a_ring_computes_sends_and_waits_for_the_last_bit(seconds, size):
    assert seconds(topology=ring(size), network=FIXED) == times(0.5 + 0.25 + 0.125)


def test_without_links_rounds_take_the_compute_alone(seconds):
    assert seconds(topology="ring-5", network=FIXED) == times(0.5)


def test_compute_that_takes_no_time_leaves_the_links(seconds):
    network = {"compute": {"id": "fixed", "seconds": 0}}
    assert seconds(topology=ring(), network=network) == times(0.25 + 0.125)


def test_without_a_clock_there_are_no_seconds(seconds):
    assert seconds(topology="ring-5") == [None] * 5
    assert seconds(topology=ring(), network={"clock": "none"}) == [None] * 5


def test_a_star_goes_up_and_down(seconds):
    """The hub has no share of the problem, and takes no time."""
    step = 0.5 + 2 * (0.25 + 0.125)
    assert seconds(**GD, topology=star(link=LINK), network=FIXED) == times(step)


def test_a_hub_that_works_does_so_beside_the_others(seconds):
    works = {"algorithm": {"id": "gd", "lr": 0.01, "hub_works": True}}
    step = 0.5 + 2 * (0.25 + 0.125)
    assert seconds(**works, topology=star(link=LINK), network=FIXED) == times(step)


@pytest.mark.parametrize("side", ["uplink", "downlink"])
def test_a_hub_with_a_shared_rate_serves_its_workers_in_turn(seconds, side):
    graph = star(link={"latency": 0.125}, **{side: {0: QUARTER}})
    step = 0.5 + 4 * 0.25 + 2 * 0.125
    assert seconds(**GD, topology=graph, network=FIXED) == times(step)


def test_a_shared_rate_of_all_nodes_costs_most_at_the_hub(seconds):
    """Up: four frames enter the hub in turn, each first at its own uplink, beside the others."""
    graph = star(link={"latency": 0.125}, uplink=QUARTER, downlink=QUARTER)
    first, *rest = (
        b - a for a, b in itertools.pairwise(seconds(**GD, topology=graph, network=FIXED))
    )
    assert first == 0.5 + 4 * 0.25 + 4 * 0.25 + 2 * 0.125
    # Workers that were served early send up while the others still get their frames.
    assert rest == [0.5 + 0.25 + 4 * 0.25 + 2 * 0.125] * 3


def test_half_duplex_edges_carry_one_direction_after_the_other(seconds):
    half = ring(link={**LINK, "duplex": "half"})
    got = seconds(topology=half, network=FIXED)
    assert got[1] == 0.5 + 2 * 0.25 + 0.125
    assert all(b - a >= 0.5 + 0.25 + 0.125 for a, b in itertools.pairwise(got))


@pytest.mark.parametrize("slowdown", [{2: 3}, [1, 1, 3, 1, 1]])
def test_a_straggler_holds_up_the_ring(seconds, slowdown):
    """Everyone waits for it within a few rounds; then each takes as long as the slowest cycle."""
    slow = {"compute": {"id": "fixed", "seconds": 0.5, "slowdown": slowdown}}
    got = seconds(topology=ring(), network=slow, rounds=20)
    assert got[1] == 1.5 + 0.25 + 0.125
    # It alone takes 1.5 s a round; with a neighbour there and back 1.5 + 0.5 + 2 (0.375) for two.
    cycle = max(1.5, (1.5 + 0.5 + 2 * 0.375) / 2)
    assert [b - a for a, b in itertools.pairwise(got)][10:] == [cycle] * 10


def test_a_factor_for_all_stretches_the_compute(seconds):
    slow = {"compute": {"id": "fixed", "seconds": 0.5, "slowdown": 4}}
    assert seconds(topology=ring(), network=slow) == times(2 + 0.25 + 0.125)


def test_operations_take_time_by_the_gradient(seconds, make):
    experiment = make(topology=ring())
    rate = experiment.problem.flops(0) / 0.5
    network = {"compute": {"id": "flops", "rate": rate}}
    assert seconds(topology=ring(), network=network) == times(0.5 + 0.25 + 0.125)


def test_a_method_without_gradients_computes_nothing_by_operations(seconds):
    network = {"compute": "flops"}
    assert seconds(topology=ring(), algorithm="consensus", network=network) == times(0.375)


def test_measured_compute_takes_time_and_the_links_theirs_on_top(seconds):
    got = seconds(topology=ring())
    assert all(b - a > 0.25 + 0.125 for a, b in itertools.pairwise(got))
    slow = {"compute": {"id": "measured", "slowdown": 1e6}}
    assert seconds(topology=ring(), network=slow)[-1] > 4 * 1.0, "a round takes over 1 us"


def test_headers_of_packets_take_time(seconds):
    link = {**LINK, "mtu": 24, "overhead": 8, "framing": 12}
    packets = -(-SIZE // 16)
    step = 0.5 + 0.25 * (SIZE + 20 * packets) / SIZE + 0.125
    assert seconds(topology=ring(link=link), network=FIXED) == pytest.approx(times(step))


def test_fewer_bits_take_less_time(seconds):
    network = {"compute": {"id": "fixed", "seconds": 0.5}}
    codecs = {"mix": {"id": "uniform", "bits": 4, "range": 100}}
    step = 0.5 + 0.25 * (HEADER_BYTES + 5) / SIZE + 0.125
    assert seconds(topology=ring(), network=network, codecs=codecs) == pytest.approx(times(step))


def test_time_accumulates_along_a_chain_of_agents(make):
    """A token goes round the ring: each agent waits for the one before it."""
    from netopt.agent import Exchange

    def round_(self, s, me):
        for turn in range(me.size):
            if me.rank == turn:
                after = (me.rank + 1) % me.size
                yield Exchange({after: me.encode("mix", s.x, to=after)})
            elif me.rank == (turn + 1) % me.size:
                yield Exchange(sources=(turn,))
            else:
                yield Exchange()

    token = type("Token", (Algorithm,), {"round": round_})()
    experiment = make(topology=ring(), network=FIXED)._replace(algorithm=token)
    network = Lockstep(experiment)
    network.setup()
    for k in range(3):
        network.play(k)
        # Each agent computes once a round, while it waits for the token: the first one alone is
        # late, for it holds the token when the round begins.
        assert network.emulated() == (k + 1) * (0.5 + 5 * 0.375)


def recursion(edges, links, compute, rounds):
    """Return the furthest agent's time after each round, by the definition of a FIFO."""
    now = [0.0] * len(compute)
    free = dict.fromkeys(edges, 0.0)
    found = [0.0]
    for _ in range(rounds):
        ready = [t + c for t, c in zip(now, compute, strict=True)]
        now = list(ready)
        for i, j in edges:
            rate, latency = links[i, j]
            free[i, j] = max(ready[i], free[i, j]) + 8 * SIZE / rate
            now[j] = max(now[j], free[i, j] + latency)
        found.append(max(now))
    return found


@pytest.mark.parametrize("seed", range(10))
def test_a_random_network_takes_the_time_of_a_recursion_by_hand(seconds, seed):
    rng = random.Random(seed)
    graph = {"id": "erdos-renyi", "size": 7, "p": 0.5, "seed": seed}
    edges = config.make(
        {"problem": "quadratic", "topology": graph, "algorithm": "dgd"}
    ).topology.edges
    links = {edge: (rng.uniform(500, 50_000), rng.uniform(0, 0.3)) for edge in edges}
    slowdown = [rng.uniform(0.1, 5) for _ in range(7)]
    graph["links"] = {
        f"{i}->{j}": {"rate": rate, "latency": latency} for (i, j), (rate, latency) in links.items()
    }
    network = {"compute": {"id": "fixed", "seconds": 0.1, "slowdown": slowdown}}
    wanted = recursion(edges, links, [0.1 * factor for factor in slowdown], 15)
    assert seconds(topology=graph, network=network, rounds=15) == pytest.approx(wanted, rel=1e-12)


ROUGH = {"rate": "1 Mbit/s", "latency": "1 ms", "jitter": "3 ms", "loss": 0.2, "resend_after": 0.01}
ROUGH |= {"duplex": "half", "mtu": 100, "overhead": 20}


def rough(algorithm):
    """Return a run file with everything that an algorithm's clock can meet."""
    graph = home(algorithm)
    graph = dict(graph) if isinstance(graph, dict) else {"id": graph}
    graph["link"] = ROUGH if not _directed(graph) else {**ROUGH, "duplex": "full"}
    return {
        "problem": {"id": "quadratic", "dimension": 12},
        "topology": {**graph, "uplink": "5 Mbit/s", "downlink": "2 Mbit/s"},
        "algorithm": algorithm,
        "network": {"compute": {"id": "flops", "rate": 1e6, "slowdown": {0: 2}}},
        "rounds": 6,
        "record": {"every": 2},
    }


def _directed(graph):
    from netopt.topologies import load

    return load(graph).directed


@pytest.mark.parametrize("algorithm", PLAIN)
def test_every_algorithm_takes_the_same_time_whenever_it_is_played(algorithm):
    first, again = (
        [{**row, "seconds": 0} for row in engine.lockstep(config.make(rough(algorithm)), None).rows]
        for _ in range(2)
    )
    assert first == again
    emulated = [row["emulated_seconds"] for row in first]
    assert emulated[0] == 0.0, "set-up takes no time"
    assert emulated == sorted(emulated)
    assert emulated[-1] > 1e-3, "a latency at least"


@pytest.mark.parametrize("algorithm", PLAIN)
def test_the_clock_changes_nothing_else(algorithm):
    job = rough(algorithm)
    timeless = {**job, "network": {"clock": "none"}}
    rows, same = (
        [
            {**row, "seconds": 0, "emulated_seconds": 0}
            for row in engine.lockstep(config.make(j), None).rows
        ]
        for j in (job, timeless)
    )
    assert rows == same


def test_a_run_ends_when_its_seconds_are_over(play):
    job = {"topology": ring(), "network": FIXED, "record": {"every": 1}, "rounds": 99}
    for limit in (3.5, "3500 ms"):
        outcome = play(**job, stop={"emulated_seconds": limit})
        assert outcome.summary["stopped_by"] == "emulated_seconds"
        assert outcome.rows[-1]["emulated_seconds"] == 4 * 0.875
    assert play(**job, stop={"emulated_seconds": 3.6}).rows[-1]["emulated_seconds"] == 5 * 0.875
    assert play(**job, stop={"emulated_seconds": 0}).rows[-1]["round"] == 0
