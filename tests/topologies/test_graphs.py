"""Graphs against networkx, which draws the same ones another way."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from netopt.topologies import load


def as_networkx(graph):
    directed = nx.DiGraph()
    directed.add_nodes_from(range(graph.size))
    directed.add_edges_from(graph.edges)
    return directed


def circulant(size, *hops):
    # networkx's own circulant graph also goes backwards.
    return nx.DiGraph((i, (i + hop) % size) for i in range(size) for hop in hops)


EQUAL = [
    ({"id": "path", "size": 7}, nx.path_graph(7)),
    ({"id": "ring", "size": 7}, nx.cycle_graph(7)),
    ({"id": "ring", "size": 2}, nx.path_graph(2)),
    ({"id": "ring", "size": 6, "directed": True}, nx.cycle_graph(6, create_using=nx.DiGraph)),
    ({"id": "star", "size": 9}, nx.star_graph(8)),
    ({"id": "complete", "size": 6}, nx.complete_graph(6)),
    ({"id": "binary-tree", "size": 15}, nx.balanced_tree(2, 3)),
    ({"id": "binary-tree", "size": 12}, nx.full_rary_tree(2, 12)),
    ({"id": "watts-strogatz", "size": 9, "k": 4, "p": 0}, nx.watts_strogatz_graph(9, 4, 0)),
    ({"id": "exponential", "size": 8}, circulant(8, 1, 2, 4)),
    ({"id": "exponential", "size": 7}, circulant(7, 1, 2, 4)),
    (
        {"id": "exponential", "size": 9},
        circulant(9, 1, 2, 4, 8),
    ),
    ({"id": "erdos-renyi", "size": 6, "p": 1}, nx.complete_graph(6)),
    ({"id": "random-geometric", "size": 6, "radius": 1.5}, nx.complete_graph(6)),
]

ISOMORPHIC = [
    ({"id": "grid", "rows": 3, "columns": 4}, nx.grid_2d_graph(3, 4)),
    ({"id": "grid", "rows": 1, "columns": 4}, nx.path_graph(4)),
    ({"id": "torus", "rows": 3, "columns": 5}, nx.grid_2d_graph(3, 5, periodic=True)),
    ({"id": "torus", "rows": 2, "columns": 2}, nx.cycle_graph(4)),
    ({"id": "torus", "rows": 1, "columns": 1}, nx.path_graph(1)),
    ({"id": "hypercube", "dimension": 0}, nx.path_graph(1)),
    ({"id": "hypercube", "dimension": 4}, nx.hypercube_graph(4)),
    ({"id": "barbell", "clique": 4, "path": 3}, nx.barbell_graph(4, 3)),
    ({"id": "barbell", "clique": 5, "path": 0}, nx.barbell_graph(5, 0)),
    ({"id": "barbell", "clique": 1, "path": 0}, nx.path_graph(2)),
]


@pytest.mark.parametrize(("spec", "oracle"), EQUAL)
def test_edges_equal_networkx(spec, oracle):
    graph = load(spec)
    assert set(graph.edges) == set(nx.DiGraph(oracle).edges)
    assert graph.directed == (oracle.is_directed() and spec["size"] > 2)


@pytest.mark.parametrize(("spec", "oracle"), ISOMORPHIC)
def test_the_graph_is_isomorphic_to_networkx(spec, oracle):
    assert nx.is_isomorphic(as_networkx(load(spec)).to_undirected(), oracle)


def test_diameter_and_connection_equal_networkx(spec):
    graph = load(spec)
    oracle = as_networkx(graph)
    assert graph.diameter == nx.diameter(oracle)
    assert graph.strongly_connected == nx.is_strongly_connected(oracle)


@pytest.mark.parametrize("size", [9, 16, 33])
def test_the_diameter_of_a_directed_graph_equals_networkx(size):
    for name in ("ring", "exponential"):
        options = {"directed": True} if name == "ring" else {}
        graph = load({"id": name, "size": size, **options})
        assert graph.diameter == nx.diameter(as_networkx(graph))


def test_grid_agents_are_numbered_row_by_row():
    assert load({"id": "grid", "rows": 3, "columns": 4}).successors(5) == (1, 4, 6, 9)
    assert load({"id": "torus", "rows": 3, "columns": 4}).successors(0) == (1, 3, 4, 8)


def test_erdos_renyi_has_the_edges_that_p_promises():
    edges = [len(load({"id": "erdos-renyi", "size": 40, "seed": s}).edges) // 2 for s in range(30)]
    pairs = 40 * 39 / 2
    # Five standard errors of the mean of 30 binomial counts.
    assert abs(np.mean(edges) - pairs / 2) < 5 * np.sqrt(pairs / 4 / 30)


def test_watts_strogatz_keeps_the_number_of_edges():
    for seed in range(20):
        graph = load({"id": "watts-strogatz", "size": 20, "k": 6, "p": 0.7, "seed": seed})
        assert len(graph.edges) == 20 * 6


def test_watts_strogatz_shortcuts_shrink_the_diameter():
    lattice, small_world = (load({"id": "watts-strogatz", "size": 64, "p": p}) for p in (0, 0.3))
    assert small_world.diameter < lattice.diameter == 16


def test_random_geometric_links_exactly_the_near():
    small, large = (load({"id": "random-geometric", "radius": r}) for r in (0.6, 0.9))
    assert set(small.edges) < set(large.edges)


def test_an_edge_list_may_be_directed_and_say_a_pair_twice():
    pairs = [[0, 1], [1, 2], [2, 0], [0, 1]]
    graph = load({"id": "edges", "size": 3, "edges": pairs, "directed": True})
    assert graph.edges == ((0, 1), (1, 2), (2, 0))
    assert graph.directed
    assert load({"id": "edges", "size": 1, "edges": []}).size == 1
