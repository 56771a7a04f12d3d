"""Which link an edge has: everybody's, its own, both ways or one, and what a node's edges share."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.links import IDEAL, Link, make
from netopt.topologies import load

RING = {"id": "ring", "size": 5}
GRAPHS = [RING, "star-8", "complete-8", {**RING, "directed": True}, "w1", "abilene"]
WIFI, LAN = make("wifi", "$"), make("lan", "$")


def having(spec, **options):
    return load({**spec, **options} if isinstance(spec, dict) else {"id": spec, **options})


@pytest.mark.parametrize("spec", GRAPHS, ids=str)
def test_link_is_that_of_every_edge(spec):
    graph = having(spec, link="wifi")
    assert dict(graph.links) == dict.fromkeys(graph.edges, WIFI)
    assert graph.wired
    assert graph.edges == load(spec).edges
    assert graph.weights.tobytes() == load(spec).weights.tobytes()


def test_without_links_every_edge_is_ideal():
    graph = load(RING)
    assert not graph.wired
    assert dict(graph.links) == {}
    assert all(graph.link(*edge) is IDEAL for edge in graph.edges)
    assert "link" not in graph.spec


def test_a_link_without_any_effect_is_none():
    assert not having(RING, link={}).wired
    assert dict(having(RING, link={"rate": None, "loss": 0}).links) == {}
    silent = having(RING, link={"overhead": 52, "mtu": 1500})  # bits more, but no time
    assert len(silent.links) == 10
    assert not silent.wired


def test_an_edge_by_a_dash_is_both_directions_and_by_an_arrow_one():
    both, one = having(RING, links={"0-1": "wifi"}), having(RING, links={"0->1": "lan"})
    assert dict(both.links) == {(0, 1): WIFI, (1, 0): WIFI}
    assert dict(one.links) == {(0, 1): LAN}
    assert one.link(1, 0) == IDEAL
    for name in ("1-0", " 1 - 0", "01-0"):
        assert having(RING, links={name: "wifi"}).links == both.links
    assert having(RING, links={" 0 -> 1 ": "lan"}).links == one.links


def test_a_dash_names_the_one_direction_that_a_directed_graph_has():
    graph = load({**RING, "directed": True, "links": {"1-0": "wifi"}})
    assert dict(graph.links) == {(0, 1): WIFI}


def test_an_edges_own_options_are_put_over_everybodys():
    link = {"rate": "100 Mbit/s", "latency": "5 ms", "on_loss": "drop"}
    graph = having(RING, link=link, links={"0-1": {"latency": "1 ms"}, "2->3": {"loss": 0.1}})
    common = make(link, "$")
    assert graph.link(1, 2) == graph.link(3, 2) == common
    assert graph.link(0, 1) == graph.link(1, 0) == make({**link, "latency": "1 ms"}, "$")
    assert graph.link(2, 3) == make({**link, "loss": 0.1}, "$")


def test_a_preset_on_an_edge_is_whole_but_keeps_what_a_loss_does():
    graph = having(RING, link={"id": "wifi", "on_loss": "drop"}, links={"0-1": "lan"})
    assert graph.link(0, 1) == make({"id": "lan", "on_loss": "drop"}, "$")
    assert graph.link(0, 1).duplex == "full"
    assert graph.link(1, 2) == make({"id": "wifi", "on_loss": "drop"}, "$")


def test_null_takes_everybodys_limit_off_an_edge():
    graph = having(RING, link="lan", links={"0-1": {"rate": None}})
    assert graph.link(0, 1).rate is None
    assert graph.link(0, 1).latency == LAN.latency


def test_of_two_that_name_an_edge_the_later_is_put_over_the_earlier():
    slow, lossy = {"rate": "1 Mbit/s", "loss": 0.2}, {"loss": 0.1}
    graph = having(RING, links={"0-1": slow, "0->1": lossy})
    assert graph.link(0, 1) == Link(rate=1e6, loss=0.1)
    assert graph.link(1, 0) == Link(rate=1e6, loss=0.2)
    graph = having(RING, links={"0->1": lossy, "1-0": slow})
    assert graph.link(0, 1) == graph.link(1, 0) == Link(rate=1e6, loss=0.2)


def test_any_choice_of_links_is_what_a_dictionary_says():
    """Against a table filled key by key, over random graphs and random keys."""
    rng = np.random.default_rng(5)
    for seed in range(30):
        spec = {"id": "erdos-renyi", "size": 8, "seed": seed}
        edges = load(spec).edges
        table = {edge: {"latency": 1.0} for edge in edges}
        links = {}
        for number in rng.permutation(len(edges))[:6]:
            i, j = edges[number]
            name = f"{i}{rng.choice(['-', '->'])}{j}"
            own = {str(rng.choice(["rate", "jitter", "latency"])): float(rng.integers(1, 9))}
            links.pop(name, None)
            links[name] = own
        for name, own in links.items():
            ends = tuple(map(int, name.replace(">", "").split("-")))
            for edge in {ends} if ">" in name else {ends, ends[::-1]}:
                table[edge] = {**table[edge], **own}
        graph = having(spec, link={"latency": 1.0}, links=links)
        assert dict(graph.links) == {edge: Link(**own) for edge, own in table.items()}


def test_half_duplex_needs_both_directions_to_agree():
    graph = having(RING, links={"0-1": {"rate": 1e6, "duplex": "half"}})
    assert graph.link(0, 1) == graph.link(1, 0)
    differing = {"0-1": {"rate": 1e6, "duplex": "half"}, "0->1": {"latency": 1, "loss": 0.1}}
    assert having(RING, links=differing).link(0, 1).latency == 1  # only the channel is shared


def test_one_rate_is_shared_at_every_node():
    graph = having(RING, uplink="10 Mbit/s", downlink=2_000_000)
    assert dict(graph.uplinks) == dict.fromkeys(range(5), 1e7)
    assert dict(graph.downlinks) == dict.fromkeys(range(5), 2e6)
    assert graph.wired
    assert dict(graph.links) == {}


def test_rates_by_node_are_those_of_the_nodes_named():
    graph = having("star-8", uplink={0: "10 Mbit/s", "3": 5}, downlink={7: "1 kbit/s"})
    assert dict(graph.uplinks) == {0: 1e7, 3: 5.0}
    assert dict(graph.downlinks) == {7: 1e3}
    assert load("star-8").uplinks == {}


def test_the_hubs_links_are_its_edges():
    graph = having("star-8", links={f"0-{leaf}": "4g" for leaf in range(1, 8)})
    assert set(graph.links) == set(graph.edges)
