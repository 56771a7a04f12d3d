"""Mixing weights against closed forms and against the matrices of the QGD paper."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.topologies import Topology, load


@pytest.mark.parametrize("size", [3, 4, 5, 8, 16, 31])
def test_the_gap_of_a_ring_has_a_closed_form(size):
    # Eigenvalues are 1/3 + 2/3 cos(2 pi k / N); the most negative one is -1/3.
    second = max(1 / 3 + 2 / 3 * np.cos(2 * np.pi / size), abs(1 / 3 + 2 / 3 * np.cos(np.pi)))
    expected = 1 - (second if size > 3 else 0)
    assert load({"id": "ring", "size": size}).spectral_gap == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("size", [3, 5, 8])
def test_the_gap_of_a_directed_ring_has_a_closed_form(size):
    graph = load({"id": "ring", "size": size, "directed": True})
    assert graph.spectral_gap == pytest.approx(1 - np.cos(np.pi / size), abs=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 20])
def test_a_complete_graph_averages_in_one_step(size):
    graph = load({"id": "complete", "size": size})
    np.testing.assert_allclose(graph.weights, 1 / size, atol=1e-15)
    assert graph.spectral_gap == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("dimension", "gap"), [(1, 1), (2, 2 / 3), (3, 1 / 2), (5, 1 / 3)])
def test_the_gap_of_a_hypercube_has_a_closed_form(dimension, gap):
    graph = load({"id": "hypercube", "dimension": dimension})
    assert graph.spectral_gap == pytest.approx(gap, abs=1e-12)


def test_the_gap_of_a_star_has_a_closed_form():
    assert load({"id": "star", "size": 8}).spectral_gap == pytest.approx(1 / 8, abs=1e-12)


@pytest.mark.parametrize("size", [4, 8, 16, 32])
def test_the_gap_of_an_exponential_graph_has_a_closed_form(size):
    # Ying et al. 2021, Proposition 1: 2 / (1 + ceil(log2 N)) for even N.
    gap = 2 / (1 + np.log2(size))
    assert load({"id": "exponential", "size": size}).spectral_gap == pytest.approx(gap, abs=1e-12)


def test_the_entries_of_each_rule_on_a_path_of_three():
    def rows(rule):
        return load({"id": "path", "size": 3, "weights": rule}).weights * 6

    third = [[4, 2, 0], [2, 2, 2], [0, 2, 4]]
    np.testing.assert_allclose(rows("metropolis"), third)
    np.testing.assert_allclose(rows("max-degree"), third)
    np.testing.assert_allclose(rows("lazy-metropolis"), [[5, 1, 0], [1, 4, 1], [0, 1, 5]])
    np.testing.assert_allclose(rows("uniform"), [[3, 3, 0], [2, 2, 2], [0, 3, 3]])


def test_metropolis_and_max_degree_differ_on_a_tail():
    pairs = {"id": "edges", "size": 5, "edges": [[0, 1], [0, 2], [0, 3], [3, 4]]}
    assert load({**pairs, "weights": "metropolis"}).weights[3, 4] == pytest.approx(1 / 3)
    assert load({**pairs, "weights": "max-degree"}).weights[3, 4] == pytest.approx(1 / 4)


def test_lazy_metropolis_has_no_negative_eigenvalue(two_way):
    eager, lazy = (load({**two_way, "weights": w}) for w in ("metropolis", "lazy-metropolis"))
    assert np.linalg.eigvalsh(lazy.weights).min() > -1e-12
    assert lazy.spectral_gap > eager.spectral_gap / 2 - 1e-12


def test_for_symmetric_weights_the_gap_is_about_the_second_eigenvalue(two_way):
    graph = load(two_way)
    second = np.sort(np.abs(np.linalg.eigvalsh(graph.weights)))[-2]
    assert graph.spectral_gap == pytest.approx(1 - second, abs=1e-12)


def test_mixing_contracts_by_the_gap(spec):
    graph = load(spec)
    centre = np.eye(graph.size) - 1 / graph.size
    apart = np.linalg.norm(graph.weights @ centre, 2)
    assert apart == pytest.approx(1 - graph.spectral_gap, abs=1e-12)


def test_w1_of_the_paper():
    graph = load("w1")
    assert graph.directed
    assert graph.doubly_stochastic
    assert graph.strongly_connected
    assert 1 - graph.spectral_gap == pytest.approx(0.80, abs=0.005)
    assert graph.predecessors(2) == (0, 1, 4)
    assert graph.successors(0) == (1, 2)


def test_w2_of_the_paper():
    graph = load("w2")
    assert not graph.directed
    assert graph.doubly_stochastic
    np.testing.assert_array_equal(graph.weights, graph.weights.T)
    assert np.sort(np.linalg.eigvalsh(graph.weights))[-2] == pytest.approx(0.895, abs=0.0005)
    assert 1 - graph.spectral_gap == pytest.approx(0.895, abs=0.0005)


def test_an_explicit_graph_may_take_its_weights_from_a_rule():
    own = load({"id": "explicit", "matrix": [[0.9, 0.1], [0.1, 0.9]]})
    ruled = load({"id": "explicit", "matrix": [[0, 1], [1, 0]], "weights": "metropolis"})
    assert own.weights.tolist() == [[0.9, 0.1], [0.1, 0.9]]
    assert ruled.weights.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_uniform_weights_of_a_star_are_only_row_stochastic():
    graph = load({"id": "star", "weights": "uniform"})
    assert graph.row_stochastic
    assert not graph.doubly_stochastic


def test_decimals_that_only_nearly_sum_to_1_are_refused_with_the_cure():
    third = 0.3333333333
    with pytest.raises(ConfigError) as caught:
        load({"id": "explicit", "matrix": [[third] * 3] * 3})
    cure = "set row 0, column 0 to 0.3333333334"
    assert (
        str(caught.value) == f"$.topology.matrix: row 0 sums to 0.9999999999 instead of 1; {cure}"
    )
    rows = [[third + 1e-10 * (i == j) for j in range(3)] for i in range(3)]
    assert load({"id": "explicit", "matrix": rows}).doubly_stochastic


def test_a_negative_weight_for_itself_is_not_stochastic():
    graph = load({"id": "explicit", "matrix": [[-0.5, 1.5], [1.5, -0.5]]})
    assert not graph.doubly_stochastic


def test_a_topology_made_by_hand_may_be_in_pieces():
    graph = Topology("two", [[1, 0], [0, 1]], ())
    assert not graph.strongly_connected
    assert repr(graph) == "Topology('two', 2 agents, 0 directed edges)"
