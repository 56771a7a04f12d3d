"""What holds for every generator and every mixing rule, also for those not yet written."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from netopt.mixing import Mixing, checked
from netopt.registry import build, discover, find
from netopt.topologies import Generator, load

SIZES = (1, 2, 3, 4, 5, 7, 8, 16, 33)


def check(graph):
    """Assert what any topology must satisfy."""
    n = graph.size
    np.testing.assert_allclose(graph.weights.sum(axis=1), 1, atol=1e-12)
    off_diagonal = graph.weights - np.diag(np.diag(graph.weights))
    assert {(j, i) for i, j in np.argwhere(off_diagonal != 0).tolist()} == set(graph.edges)
    assert graph.edges == tuple(sorted(set(graph.edges)))
    assert graph.strongly_connected
    assert graph.row_stochastic
    assert 0 <= graph.diameter < max(n, 2)
    for i in range(n):
        assert graph.successors(i) == tuple(j for j in range(n) if (i, j) in set(graph.edges))
        assert graph.predecessors(i) == tuple(j for j in range(n) if (j, i) in set(graph.edges))
    assert graph.degrees == tuple(len(graph.successors(i)) for i in range(n))


def test_a_default_topology_is_sound(spec):
    graph = load(spec)
    check(graph)
    assert graph.doubly_stochastic
    assert -1e-12 < graph.spectral_gap <= 1


def test_every_size_is_sound(sized):
    smallest = 5 if sized["id"] == "watts-strogatz" else 1
    for size in SIZES:
        if size >= smallest:
            graph = load({**sized, "size": size})
            assert graph.size == size
            check(graph)


def test_every_rule_is_sound_on_every_undirected_graph(two_way, rule):
    graph = load({**two_way, "weights": rule})
    check(graph)
    if find(Mixing, rule).symmetric:
        np.testing.assert_array_equal(graph.weights, graph.weights.T)
        assert graph.doubly_stochastic


@pytest.mark.parametrize("name", ["max-degree", "uniform"])
def test_a_regular_directed_graph_is_doubly_stochastic(name):
    for size in SIZES:
        assert load({"id": "exponential", "size": size, "weights": name}).doubly_stochastic


def test_the_same_spec_is_the_same_graph(spec):
    first, second = load(spec), load(spec)
    assert first.edges == second.edges
    assert first.weights.tobytes() == second.weights.tobytes()


def test_the_resolved_spec_gives_the_same_graph(spec):
    first = load(spec)
    again = load(msgspec.json.decode(msgspec.json.encode(first.spec)))
    assert again.edges == first.edges
    assert again.weights.tobytes() == first.weights.tobytes()
    assert again.spec == first.spec


def test_a_seed_selects_a_random_graph(seeded):
    graphs = {load({**seeded, "size": 16, "seed": seed}).edges for seed in range(20)}
    assert len(graphs) == 20


def test_a_topology_cannot_change(spec):
    graph = load(spec)
    with pytest.raises(ValueError, match="read-only"):
        graph.weights[0, 0] = 2
    with pytest.raises(AttributeError):
        graph.name = "other"


def test_every_option_is_described(spec):
    for field in msgspec.structs.fields(find(Generator, spec["id"])):
        if field.name != "weights":
            assert field.type.__metadata__[0].description


def test_each_rule_accepts_its_own_matrix(rule):
    ring = build(Generator, "ring").adjacency()
    weights = build(Mixing, rule).matrix(ring)
    assert checked(weights, ring) is weights
    assert build(Mixing, {"id": "explicit", "rows": weights.tolist()}).matrix(ring).tolist() == (
        weights.tolist()
    )


def test_every_component_says_what_it_is():
    for cls in [*discover(Generator).values(), *discover(Mixing).values()]:
        assert cls.summary().endswith(".")
        assert cls.__module__.split(".")[-1] == cls.id.replace("-", "_")
