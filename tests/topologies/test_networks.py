"""The real networks that are shipped: counts, distances known from elsewhere, latencies."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from netopt.registry import build
from netopt.topologies import Generator, load
from netopt.topologies._earth import FIBRE, LIGHT, great_circle, route

MILE = 1.609344

ABILENE_MILES = {
    ("Seattle", "Denver"): 1021,
    ("Denver", "Kansas City"): 558,
    ("Kansas City", "Houston"): 644,
    ("Los Angeles", "Houston"): 1374,
    ("Houston", "Atlanta"): 701,
    ("Atlanta", "Indianapolis"): 426,
    ("Indianapolis", "Kansas City"): 453,
    ("Indianapolis", "Chicago"): 165,
    ("Chicago", "New York"): 713,
    ("Washington", "New York"): 205,
    ("Atlanta", "Washington"): 543,
}
"""Air distances between cities as almanacs have them."""

GEANT_KM = {
    ("Vienna", "Geneva"): 804, ("Vienna", "Frankfurt"): 598, ("Vienna", "Budapest"): 218,
    ("Vienna", "New York"): 6802, ("Vienna", "Ljubljana"): 277, ("Brussels", "Paris"): 264,
    ("Brussels", "Luxembourg"): 186, ("Brussels", "Amsterdam"): 169, ("Geneva", "Paris"): 410,
    ("Geneva", "Milan"): 250, ("Prague", "Frankfurt"): 411, ("Prague", "Poznan"): 309,
    ("Prague", "Bratislava"): 290, ("Frankfurt", "Paris"): 478, ("Frankfurt", "Athens"): 1794,
    ("Frankfurt", "Dublin"): 1088, ("Frankfurt", "Milan"): 518, ("Frankfurt", "Amsterdam"): 358,
    ("Frankfurt", "Stockholm"): 1184, ("Madrid", "Paris"): 1054, ("Madrid", "Milan"): 1189,
    ("Madrid", "Lisbon"): 503, ("Paris", "Luxembourg"): 287, ("Paris", "London"): 343,
    ("Athens", "Milan"): 1453, ("Zagreb", "Budapest"): 304, ("Zagreb", "Ljubljana"): 115,
    ("Budapest", "Bratislava"): 163, ("Dublin", "London"): 463, ("Tel Aviv", "Milan"): 2658,
    ("Tel Aviv", "Amsterdam"): 3296, ("Amsterdam", "London"): 359, ("New York", "London"): 5575,
    ("Poznan", "Stockholm"): 777, ("Lisbon", "London"): 1588, ("Stockholm", "London"): 1426,
}  # fmt: skip
"""The lengths that SNDlib states for its 36 links of GEANT."""

NETWORKS = {"abilene": (11, 14, 1e10), "nsfnet": (14, 21, 1.544e6), "geant": (22, 36, 1e10)}
every = pytest.mark.parametrize("name", NETWORKS)


def positions(graph):
    return {city: tuple(place) for city, place in graph.spec["sites"].items()}


def cables(graph):
    """Return {(city, city): km of cable} of a loaded network."""
    names = list(graph.spec["sites"])
    laid = build(Generator, graph.spec).laid()
    return {(names[a], names[b]): length for a, b, length in laid}


@every
def test_a_network_has_the_nodes_links_and_rate_that_it_is_known_for(name):
    nodes, links, rate = NETWORKS[name]
    graph = load(name)
    assert (graph.size, len(graph.edges)) == (nodes, 2 * links)
    assert {link.rate for link in graph.links.values()} == {rate}
    assert set(graph.links) == set(graph.edges)
    assert graph.wired


@every
def test_its_weights_are_metropolis_and_doubly_stochastic(name):
    graph = load(name)
    assert graph.spec["weights"]["id"] == "metropolis"
    assert graph.doubly_stochastic
    degrees = graph.degrees
    for i, j in graph.edges:
        assert graph.weights[i, j] == 1 / (1 + max(degrees[i], degrees[j]))


@every
def test_one_cut_cable_leaves_it_connected(name):
    """Backbones are built so; a forgotten cable would show."""
    graph = nx.Graph(load(name).edges)
    assert nx.edge_connectivity(graph) >= 2


@every
def test_the_latency_is_length_over_the_speed_of_light_in_glass(name):
    graph = load(name)
    names = list(graph.spec["sites"])
    lengths = cables(graph)
    assert len(lengths) == len(graph.edges) // 2
    for (a, b), length in lengths.items():
        i, j = names.index(a), names.index(b)
        for edge in ((i, j), (j, i)):
            assert graph.link(*edge).latency == pytest.approx(length * FIBRE / LIGHT, rel=1e-12)


@pytest.mark.parametrize("name", ["abilene", "geant"])
def test_lengths_are_great_circles_times_the_routing_factor(name):
    graph = load(name)
    at = positions(graph)
    for (a, b), length in cables(graph).items():
        assert length == route(great_circle(at[a], at[b]))


def test_abilenes_distances_are_those_of_almanacs():
    graph = load("abilene")
    at = positions(graph)
    known = {frozenset(pair) for pair in ABILENE_MILES}
    assert known <= {frozenset(pair) for pair in cables(graph)}
    for (a, b), miles in ABILENE_MILES.items():
        assert great_circle(at[a], at[b]) == pytest.approx(miles * MILE, rel=0.012), (a, b)


def test_geants_links_and_distances_are_those_of_sndlib():
    graph = load("geant")
    at = positions(graph)
    assert {frozenset(p) for p in cables(graph)} == {frozenset(p) for p in GEANT_KM}
    for (a, b), km in GEANT_KM.items():
        assert great_circle(at[a], at[b]) == pytest.approx(km, rel=0.002, abs=1.0), (a, b)


def test_nsfnets_published_lengths_fit_its_cities():
    """They are rounded to hundreds of km, and one is a quarter short of the great circle."""
    graph = load("nsfnet")
    at = positions(graph)
    lengths = cables(graph)
    assert all(length % 100 == 0 for length in lengths.values())
    assert sum(lengths.values()) == 22_700
    straight = np.array([great_circle(at[a], at[b]) for a, b in lengths])
    published = np.array(list(lengths.values()))
    assert np.all(np.abs(published - straight) <= 360)
    assert np.corrcoef(straight, published)[0, 1] > 0.98


@every
def test_a_network_with_another_rate_keeps_its_distances(name):
    plain, slow = load(name), load({"id": name, "link": {"rate": "1 Mbit/s"}})
    for edge in plain.edges:
        assert slow.link(*edge).latency == plain.link(*edge).latency
        assert slow.link(*edge).rate == 1e6
    straight = load({"id": name, "detour": 1, "refraction": 1})
    for edge in plain.edges:
        assert straight.link(*edge).latency < plain.link(*edge).latency
