"""Frames leave and arrive as FIFO queues say: closed forms, invariants, and bits poured by hand."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from netopt.links import Link
from netopt.links.queue import CERTAIN, Fate, Flight, Ports, Stamp

from . import fluid


class Net:
    """Several agents' ends of their links; ``exchange`` plays one exchange of all of them."""

    def __init__(self, links, up=None, down=None):
        agents = sorted({agent for edge in links for agent in edge})
        self.links = links
        self.ports = {
            i: Ports(
                i,
                {edge: link for edge, link in links.items() if i in edge},
                (up or {}).get(i),
                (down or {}).get(i),
            )
            for i in agents
        }

    def exchange(self, frames):
        """``frames``: (source, target) -> size, ready, fate. Return arrivals and stamps by edge."""
        flights = []
        for (i, j), (size, ready, chance) in sorted(frames.items()):
            stamp = self.ports[i].leave(j, size, ready, chance)
            flights.append(Flight(i, j, size, stamp, chance))
        came = {}
        for i, port in self.ports.items():
            mine = [flight for flight in flights if flight.target == i]
            came |= {(j, i): moment for j, moment in port.arrive(mine).items()}
        return came, {flight[:2]: flight.stamp for flight in flights}

    def send(self, size, *edges, ready=0.0, chance=CERTAIN):
        return self.exchange({edge: (size, ready, chance) for edge in edges})[0]


# Dyadic rates and times: closed forms hold to the last bit.
SLOW = Link(rate=1024, latency=0.25)
"""A frame of 128 bytes takes it a second."""


def test_one_frame_takes_its_bits_and_the_latency():
    assert Net({(0, 1): SLOW}).send(128, (0, 1), ready=2.0) == {(0, 1): 3.25}


def test_frames_that_are_ready_at_once_follow_each_other():
    net = Net({(0, 1): SLOW})
    assert [net.send(128, (0, 1))[0, 1] for _ in range(5)] == [1.25, 2.25, 3.25, 4.25, 5.25]


def test_a_link_that_has_been_idle_owes_nothing():
    net = Net({(0, 1): SLOW})
    assert [net.send(128, (0, 1), ready=t)[0, 1] for t in (0, 8, 8.5)] == [1.25, 9.25, 10.25]


def test_headers_of_packets_take_time():
    link = Link(rate=1024, mtu=24, overhead=8, framing=4)
    assert link.packets(128) == 8
    assert Net({(0, 1): link}).send(128, (0, 1)) == {(0, 1): (128 + 8 * 12) * 8 / 1024}


def test_directions_of_a_full_duplex_edge_do_not_meet():
    net = Net({(0, 1): SLOW, (1, 0): SLOW})
    assert net.send(128, (0, 1), (1, 0)) == {(0, 1): 1.25, (1, 0): 1.25}


def test_directions_of_a_half_duplex_edge_take_turns():
    half = Link(rate=1024, latency=0.25, duplex="half")
    net = Net({(0, 1): half, (1, 0): half})
    assert net.send(128, (0, 1), (1, 0)) == {(0, 1): 1.25, (1, 0): 2.25}
    # The one that begins first goes first, whoever it is, after all of the exchange before.
    came, _ = net.exchange({(0, 1): (128, 3.5, CERTAIN), (1, 0): (64, 2.5, CERTAIN)})
    assert came == {(1, 0): 3.25, (0, 1): 4.75}


def test_half_duplex_counts_frames_that_only_one_direction_sends():
    half = Link(rate=1024, duplex="half")
    net = Net({(0, 1): half, (1, 0): half})
    assert net.send(128, (0, 1)) == {(0, 1): 1.0}
    assert net.send(128, (1, 0)) == {(1, 0): 2.0}
    assert net.send(128, (0, 1)) == {(0, 1): 3.0}


def test_an_uplink_serves_targets_one_after_the_other():
    """A hub with n frames: the last of them leaves after n times as long."""
    links = {(0, j): Link(latency=0.25) for j in range(1, 6)}
    came = Net(links, up={0: 1024}).send(128, *links)
    assert came == {(0, j): j + 0.25 for j in range(1, 6)}


def test_a_downlink_serves_sources_one_after_the_other():
    links = {(j, 0): Link(latency=0.25) for j in range(1, 6)}
    came = Net(links, down={0: 1024}).send(128, *links)
    assert came == {(j, 0): j + 0.25 for j in range(1, 6)}


def test_a_downlink_serves_first_what_comes_first():
    links = {(1, 0): Link(latency=2), (2, 0): Link(latency=1), (3, 0): Link()}
    assert Net(links, down={0: 1024}).send(128, *links) == {(3, 0): 1, (2, 0): 2, (1, 0): 3}


@pytest.mark.parametrize("up", [512, 1024, 2048, None])
@pytest.mark.parametrize("rate", [512, 1024, 2048, None])
@pytest.mark.parametrize("down", [512, 1024, 2048, None])
def test_a_frame_cuts_through_at_the_lowest_rate(up, rate, down):
    """Not one time after the other: bits leave an interface while others still come."""
    net = Net({(0, 1): Link(rate=rate, latency=0.25)}, {0: up} if up else {}, {1: down or None})
    lowest = min((r for r in (up, rate, down) if r), default=math.inf)
    assert net.send(128, (0, 1)) == {(0, 1): 1024 / lowest + 0.25}


def test_a_slow_link_behind_a_fast_uplink_leaves_it_to_others():
    links = {(0, 1): Link(rate=512), (0, 2): Link(rate=2048)}
    assert Net(links, up={0: 1024}).send(128, *links) == {(0, 1): 2, (0, 2): 2}


def test_each_time_that_a_frame_is_sent_again_costs_its_bits_and_the_timeout():
    link = Link(rate=1024, latency=0.25, loss=0.5, resend_after=0.5)
    net = Net({(0, 1): link})
    assert net.send(128, (0, 1), chance=Fate(resent=3)) == {(0, 1): 4 * 1.0 + 3 * 0.5 + 0.25}
    # The next one waits for it, and arrives later.
    assert net.send(128, (0, 1)) == {(0, 1): 5.5 + 1.0 + 0.25}


def test_a_frame_sent_again_takes_the_uplink_again():
    """Two targets: what leaves for the second waits for both copies of the first."""
    links = {(0, 1): Link(loss=0.5, resend_after=0.5), (0, 2): Link()}
    net = Net(links, up={0: 1024})
    frames = {(0, 1): (128, 0.0, Fate(resent=1)), (0, 2): (128, 0.0, CERTAIN)}
    assert net.exchange(frames)[0] == {(0, 1): 1 + 0.5 + 1, (0, 2): 3}


def test_a_lost_frame_is_waited_for_as_long_as_if_it_came():
    link = Link(rate=1024, latency=0.25, loss=0.5, on_loss="drop")
    assert Net({(0, 1): link}).send(128, (0, 1), chance=Fate(lost=True)) == {(0, 1): 1.25}


def test_jitter_delays_and_never_reorders():
    net = Net({(0, 1): Link(rate=1024, jitter=4)})
    jitters = (3.0, 0.0, 0.5, 4.0, 0.0)
    came = [net.send(128, (0, 1), chance=Fate(jitter=j))[0, 1] for j in jitters]
    assert came == [4.0, 4.0, 4.0, 8.0, 8.0]


def test_ideal_links_take_no_time():
    net = Net({(0, 1): Link(), (1, 0): Link()})
    assert net.send(10**9, (0, 1), (1, 0), ready=1.5) == {(0, 1): 1.5, (1, 0): 1.5}


def test_reset_forgets_all_traffic():
    half = Link(rate=1024, duplex="half", jitter=1)
    net = Net({(0, 1): half, (1, 0): half}, up={0: 512}, down={0: 512, 1: 512})
    first = net.send(128, (0, 1), (1, 0), chance=Fate(jitter=1.0))
    assert net.send(128, (0, 1), (1, 0)) != first
    net.ports[0].leave(1, 128, 0.0, CERTAIN)  # left, and never arrived
    for port in net.ports.values():
        port.reset()
    assert net.send(128, (0, 1), (1, 0), chance=Fate(jitter=1.0)) == first


def test_it_does_not_matter_in_which_order_flights_are_told():
    half = Link(rate=1000, latency=0.1, duplex="half")
    links = {(i, j): half for i in range(4) for j in range(4) if i != j}
    flights = [Flight(j, 0, 100 + j, Stamp(t, t)) for j, t in ((1, 0.3), (2, 0.3), (3, 0.0))]
    found = []
    for order in itertools.permutations(flights):
        port = Ports(0, {edge: link for edge, link in links.items() if 0 in edge}, None, 900)
        port.leave(2, 50, 0.2, CERTAIN)
        found.append(port.arrive(order))
    assert all(came == found[0] for came in found)


def traffic(rng, agents=4, exchanges=3):
    """Return links, uplinks, downlinks and exchanges of a random network, as ``Net`` has them."""
    links = {}
    for i, j in itertools.combinations(range(agents), 2):
        half = rng.random() < 0.3
        common = {"rate": rng.choice([None, 100, 200, 400, 900]) if not half else 300}
        for edge in ((i, j), (j, i)):
            links[edge] = Link(
                **common,
                latency=rng.choice([0, 0.2, 1]),
                jitter=2,
                loss=0.1,
                resend_after=rng.choice([0.2, 1]),
                duplex="half" if half else "full",
            )
    up, down = (
        {i: rng.choice([150, 300, 700]) for i in range(agents) if rng.random() < 0.5}
        for _ in range(2)
    )
    played, now = [], [0.0] * agents
    for _ in range(exchanges):
        frames = {}
        for i in range(agents):
            now[i] += round(rng.uniform(0, 4), 1)
            for j in rng.sample([j for j in range(agents) if j != i], rng.randint(0, 3)):
                chance = Fate(rng.choice([0, 0, 0, 0, 1, 2]), False, round(rng.uniform(0, 2), 1))
                frames[i, j] = (rng.randint(2, 60), now[i], chance)
        played.append(frames)
    return links, up, down, played


@pytest.mark.parametrize("seed", range(25))
def test_random_traffic_arrives_when_bits_poured_by_hand_do(seed):
    links, up, down, played = traffic(random.Random(seed))
    net = Net(links, up, down)
    found, parcels = [], []
    for exchange, frames in enumerate(played):
        came, _ = net.exchange(frames)
        for (i, j), (size, ready, chance) in frames.items():
            link = links[i, j]
            found.append(came[i, j])
            parcels.append(
                fluid.Parcel(
                    *(i, j, 8 * size, exchange, ready),
                    *(up.get(i), link.rate, down.get(j), link.latency + chance.jitter),
                    *(link.duplex == "half", chance.resent, link.resend_after),
                )
            )
    assert len(found) > 4
    # Each queue that a frame meets may cost it a step for every frame before it; a frame takes 50.
    wanted = fluid.arrivals(parcels)
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 20 * fluid.STEP
    assert max(wanted) > 10


@pytest.mark.parametrize("seed", range(200))
def test_no_frame_is_early_none_overtakes_and_no_rate_is_exceeded(seed):
    links, up, down, played = traffic(random.Random(1000 + seed), exchanges=6)
    net = Net(links, up, down)
    last, left, entered = {}, {}, {}
    for frames in played:
        came, stamps = net.exchange(frames)
        assert came.keys() == frames.keys()
        for (i, j), (size, ready, chance) in frames.items():
            link, bits, moment = links[i, j], 8 * size, came[i, j]
            copies = 1 + chance.resent
            wait = chance.resent * link.resend_after
            alone = copies * link.seconds(size) + wait + link.latency + chance.jitter
            assert moment >= ready + alone - 1e-9
            assert moment >= last.get((i, j), 0.0)
            last[i, j] = moment
            begin, end = stamps[i, j]
            assert ready <= begin <= end <= moment
            if i in up:
                left.setdefault(i, []).append((begin, end, bits))
            if j in down:
                entered.setdefault(j, []).append((moment, bits))
    for node, spans in left.items():
        spans.sort()
        for (_, end, _), (begin, *_) in itertools.pairwise(spans):
            assert begin >= end
        assert all(end - begin >= bits / up[node] * (1 - 1e-12) for begin, end, bits in spans)
    for node, whole in entered.items():
        whole.sort()
        # In any window that ends with a frame's last bit, all the frames in it fit the rate.
        for first, final in itertools.combinations(range(len(whole)), 2):
            bits = sum(bits for _, bits in whole[first + 1 : final + 1])
            assert whole[final][0] - whole[first][0] >= bits / down[node] * (1 - 1e-9)
