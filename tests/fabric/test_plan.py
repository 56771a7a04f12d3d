"""The plan is arithmetic: names, addresses and buckets, for any topology, without a kernel."""

from __future__ import annotations

import struct

import pytest
from networks import cycle, ring

from netopt import topologies
from netopt.errors import ConfigError
from netopt.fabric import _bucket
from netopt.fabric._plan import HUB_ADDRESS, NETWORK, Plan, Shape, address, plan, shaped
from netopt.topologies import Topology

GRAPHS = [
    *({"id": name, "size": 16} for name in ("ring", "star", "complete")),
    {"id": "hypercube", "dimension": 4},
    {"id": "exponential", "size": 9},
]


@pytest.fixture(params=GRAPHS, ids=lambda spec: spec["id"])
def topology(request: pytest.FixtureRequest) -> Topology:
    """Return each of some graphs, the last of them directed."""
    return topologies.load(request.param, "$")


@pytest.fixture
def made(topology: Topology) -> Plan:
    """Return its plan."""
    return plan("netopt-1", topology)


def test_each_pair_of_neighbours_has_one_cable_whose_two_ends_are_its_directions(
    topology: Topology, made: Plan
) -> None:
    assert sorted((end.agent, end.peer) for end in made.ends if end.edge) == list(topology.edges)
    assert len(made.cables) == len({frozenset(edge) for edge in topology.edges})
    for first, second in (cable.ends for cable in made.cables):
        assert (first.agent, first.peer) == (second.peer, second.agent)


def test_names_and_addresses_are_each_one_s_own(made: Plan) -> None:
    ends = list(made.ends)
    assert len({end.mac for end in ends}) == len(ends)
    assert len({(end.agent, end.interface) for end in ends}) == len(ends)
    assert all(len(end.interface) <= 15 for end in ends), "Linux takes 15 characters"
    addresses = [HUB_ADDRESS, *map(address, range(made.size))]
    assert len(set(addresses)) == made.size + 1
    assert all(one in NETWORK for one in addresses)
    assert len({made.hub, *made.agents}) == made.size + 1


def test_a_direction_without_an_edge_carries_acknowledgements_at_any_rate() -> None:
    carries = {(end.agent, end.peer): end.edge for end in plan("n", cycle(3)).ends}
    edges = {(0, 1), (1, 2), (2, 0)}
    assert {way for way, edge in carries.items() if edge} == edges
    assert {way for way, edge in carries.items() if not edge} == {(j, i) for i, j in edges}


def test_directions_have_each_its_own_rate_and_its_packets_their_bytes_on_the_link() -> None:
    spec = {"id": "path", "size": 3, "links": {"0->1": {"rate": "1 Mbit/s", "framing": 38}}}
    shapes = {
        (end.agent, end.peer): end.shape for end in plan("n", topologies.load(spec, "$")).ends
    }
    assert shapes.pop((0, 1)) == Shape(1e6, 1500 + 14 + 25, 24)
    assert set(shapes.values()) == {None}


@pytest.mark.parametrize("rate", [1e3, 1e5, 1e7, 1e9, 1e11])
def test_a_bucket_holds_a_packet_and_little_more(rate: float) -> None:
    shape = shaped(rate, 1500, 14, (0, 1))
    assert 1514 <= shape.burst <= 1514 + rate / 8 * 1e-3
    assert shape.overhead == 0


def test_a_rate_that_the_kernel_cannot_hold_is_refused_with_what_can() -> None:
    with pytest.raises(ConfigError) as caught:
        plan("n", ring(rate="10 bit/s"))
    assert str(caught.value) == (
        "edge 0->1: the kernel shapes 1000 to 1e+12 bit/s, not 10; network: {clock: virtual} "
        "emulates any rate"
    )


def test_half_duplex_is_refused_with_what_works() -> None:
    with pytest.raises(ConfigError) as caught:
        plan("n", ring(duplex="half"))
    assert str(caught.value) == (
        "edge 0-1 is half duplex, and the kernel's cables have each direction to itself; say "
        "duplex: full, or network: {clock: virtual} without a fabric"
    )


def test_the_notes_say_what_the_kernel_does_not_do() -> None:
    link = {"id": "path", "size": 3, "link": {"mtu": 60}, "uplink": "1 Mbit/s"}
    made = plan("n", topologies.load(link, "$"))
    assert made.notes == (
        "uplinks that several edges share stay netopt's: each edge has a cable of its own",
        "edge 0-1: both directions have packets of 128 bytes, not [60, 60]",
        "edge 1-2: both directions have packets of 128 bytes, not [60, 60]",
    )
    assert {cable.mtu for cable in made.cables} == {128}


@pytest.mark.parametrize("rate", [1e6, 1e12])
def test_the_request_for_a_bucket_is_well_formed(rate: float) -> None:
    message = _bucket.request(7, Shape(rate, 3000, 24))
    assert struct.unpack_from("=I", message)[0] == len(message)
    assert struct.unpack_from("=BxxxiIII", message, 16) == (0, 7, 0x10000, 0xFFFFFFFF, 0)
    kind, options = attributes(message[36:]).values()
    inside = attributes(options)
    assert kind == b"tbf\0"
    assert struct.unpack("=I", inside[6]) == (3000,)
    overhead, told = struct.unpack_from("=xxHxxxxI", inside[1])
    whole = struct.unpack("=Q", inside[4])[0] if 4 in inside else told
    assert (overhead, whole * 8) == (24, rate)


def attributes(data: bytes) -> dict[int, bytes]:
    """Return netlink's attributes by kind."""
    found = {}
    while data:
        length, kind = struct.unpack_from("=HH", data)
        found[kind] = data[4:length]
        data = data[length + -length % 4 :]
    return found
