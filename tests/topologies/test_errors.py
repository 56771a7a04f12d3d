"""Every message that a wrong topology causes, whole."""

from __future__ import annotations

import pytest

from netopt.errors import ConfigError
from netopt.mixing import Mixing
from netopt.topologies import Generator, Topology, load
from netopt.topologies._random import RandomGraph

RING = {"id": "ring", "size": 3}
W = [[0.5, 0.5], [0.5, 0.5]]


def explicit(*rows):
    return {"id": "explicit", "matrix": list(rows)}


def weighted(*rows):
    return {**RING, "weights": {"id": "explicit", "rows": list(rows)}}


CASES = [
    ("rnig-8", "$.topology: no topology is called 'rnig-8'; did you mean 'ring-8'?"),
    ("torsu", "$.topology: no topology is called 'torsu'; did you mean 'torus'?"),
    (3, "$.topology: a topology is a name or a mapping with 'id', got 3"),
    ([1], "$.topology: a topology is a name or a mapping with 'id', got [1]"),
    (None, "$.topology: a topology is a name or a mapping with 'id', got None"),
    ({"size": 3}, "$.topology: a topology needs an 'id', got {'size': 3}"),
    ({"id": "rign"}, "$.topology.id: no topology is called 'rign'; did you mean 'ring'?"),
    (
        {"id": "ring", "siz": 3},
        "$.topology.siz: ring has no option 'siz'; did you mean 'size'?",
    ),
    ({"id": "ring", "size": 0}, "$.topology.size: expected int >= 1; the value is 0"),
    ({"id": "ring", "size": 5000}, "$.topology.size: expected int <= 4096; the value is 5000"),
    ({"id": "edges", "size": 3}, "$.topology: edges needs the option 'edges'"),
    ({"id": "explicit"}, "$.topology: explicit needs the option 'matrix'"),
    (
        {"id": "edges", "size": 3, "edges": [[0, 1], [1, 3]]},
        "$.topology.edges[1]: [1, 3] is no edge; agents are 0 to 2",
    ),
    (
        {"id": "edges", "size": 3, "edges": [[0, 1], [2, 2]]},
        "$.topology.edges[1]: [2, 2] is no edge; an agent keeps its own value",
    ),
    (
        {"id": "edges", "size": 3, "edges": [[0, 1]]},
        "$.topology: the graph is not connected: no path leads from agent 0 to agent 2; "
        "add edges until every agent reaches every other",
    ),
    (
        {"id": "edges", "size": 3, "edges": [[0, 1], [1, 0], [0, 2]], "directed": True},
        "$.topology: the graph is not connected: no path leads from agent 2 to agent 0; "
        "add edges until every agent reaches every other",
    ),
    (
        {"id": "erdos-renyi", "size": 16, "p": 0.01},
        "$.topology: no erdos-renyi graph was connected in 1000 draws; "
        "raise 'p', best above ln(size) / size",
    ),
    (
        {"id": "random-geometric", "size": 16, "radius": 0.01},
        "$.topology: no random-geometric graph was connected in 1000 draws; raise 'radius'",
    ),
    (
        {"id": "watts-strogatz", "size": 4, "k": 4},
        "$.topology.k: k is 4, but must be below the size 4",
    ),
    (
        {"id": "watts-strogatz", "k": 3},
        "$.topology.k: expected int that's a multiple of 2; the value is 3",
    ),
    (
        {**RING, "weights": "metropolisi"},
        "$.topology.weights.id: no mixing is called 'metropolisi'; did you mean 'metropolis'?",
    ),
    (
        {**RING, "directed": True, "weights": "metropolis"},
        "$.topology.weights: metropolis weights need an undirected graph, but edge 2 -> 0 has no "
        "edge 0 -> 2; add it, or use 'weights: uniform'",
    ),
    (
        {**RING, "directed": True, "weights": "lazy-metropolis"},
        "$.topology.weights: lazy-metropolis weights need an undirected graph, but edge 2 -> 0 has "
        "no edge 0 -> 2; add it, or use 'weights: uniform'",
    ),
    (
        weighted(*W),
        "$.topology.weights.rows: the weights are 2 x 2, but the graph needs 3 x 3",
    ),
    (
        {
            "id": "path",
            "size": 3,
            "weights": weighted([1, 0, 0], [0, 1, 0], [0.5, 0, 0.5])["weights"],
        },
        "$.topology.weights.rows: the weight in row 2, column 0 is 0.5; no edge runs from the "
        "column's agent to the row's: add the edge, or set the weight to 0",
    ),
    (explicit(), "$.topology.matrix: the matrix has no rows; it needs one for each agent"),
    (
        explicit([0.5, 0.5], [0.5]),
        "$.topology.matrix: row 1 has length 1, but each row of a matrix of 2 rows needs 2",
    ),
    (
        explicit([0.5, 0.5], ["a", 0.5]),
        "$.topology.matrix: expected float, got str; the value is [[0.5, 0.5], ['a', 0.5]]",
    ),
    (
        explicit([0.5, float("nan")], [0.5, 0.5]),
        "$.topology.matrix: the weight in row 0, column 1 is nan; every weight must be finite",
    ),
    (
        explicit([0.5, 0.5], [-0.5, 1.5]),
        "$.topology.matrix: the weight in row 1, column 0 is -0.5; "
        "a neighbour's weight must not be negative",
    ),
    (
        explicit([0.5, 0.4], [0.5, 0.5]),
        "$.topology.matrix: row 0 sums to 0.9 instead of 1; set row 0, column 0 to 0.6",
    ),
    (
        explicit([0.5, 0.5], [2, 0.5]),
        "$.topology.matrix: row 1 sums to 2.5 instead of 1; divide the row by 2.5",
    ),
    (
        explicit([0.5, 0.25], [0.5, 0.75]),
        "$.topology.matrix: row 0 sums to 0.75 instead of 1; the columns do sum to 1, "
        "so transpose it: row i is what agent i gives",
    ),
    (
        explicit([1, 0], [0, 1]),
        "$.topology: the graph is not connected: no path leads from agent 0 to agent 1; "
        "add edges until every agent reaches every other",
    ),
]


@pytest.mark.parametrize(("spec", "message"), CASES)
def test_a_wrong_spec_says_where_what_and_the_cure(spec, message):
    with pytest.raises(ConfigError) as caught:
        load(spec)
    assert str(caught.value) == message


FILES = [
    ("id: ring\nid: path\n", "$.topology: '{file}' line 2: the key 'id' stands here a second time"),
    ("", "$.topology: '{file}' must hold a mapping, got NoneType"),
    ("id: ring\nsiz: 3\n", "mine.yaml: $.siz: ring has no option 'siz'; did you mean 'size'?"),
    ("size: 3\n", "mine.yaml: $: a topology needs an 'id', got {{'size': 3}}"),
    (
        "id: explicit\nmatrix: [[1, 1], [1, 1]]\n",
        "mine.yaml: $.matrix: row 0 sums to 2 instead of 1; set row 0, column 0 to 0",
    ),
    (
        "id: edges\nsize: 2\nedges: []\n",
        "mine.yaml: $: the graph is not connected: no path leads from agent 0 to agent 1; "
        "add edges until every agent reaches every other",
    ),
]


@pytest.mark.parametrize(("text", "message"), FILES)
def test_a_wrong_file_says_where_what_and_the_cure(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load("mine.yaml", folder=tmp_path)
    assert str(caught.value) == message.format(file=file)


def test_broken_yaml_is_placed_to_the_line(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("id: ring\nsize: [1\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(str(file))
    # The rest of the message is the YAML library's own, and differs between its two parsers.
    assert str(caught.value).startswith(f"$.topology: '{file}' line 3: ")


def test_a_small_world_in_pieces_gives_up(monkeypatch):
    # Rewired rings are connected so often that 1000 draws would find one.
    monkeypatch.setattr("netopt.topologies._random.TRIES", 1)
    with pytest.raises(ConfigError) as caught:
        load({"id": "watts-strogatz", "size": 150, "k": 2, "p": 1, "seed": 1})
    assert str(caught.value) == (
        "$.topology: no watts-strogatz graph was connected in 1 draws; raise 'k', or lower 'p'"
    )


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load("none.yaml", folder=tmp_path)
    assert str(caught.value) == f"$.topology: no file '{tmp_path / 'none.yaml'}'"


def test_an_unknown_name_unlike_all_others_lists_them():
    with pytest.raises(ConfigError) as caught:
        load("zzzzzzzz")
    message = str(caught.value)
    assert message.startswith("$.topology: no topology is called 'zzzzzzzz'; choose from barbell, ")
    assert message.endswith("watts-strogatz-16, or give a .yaml file")


def test_a_graph_in_pieces_has_no_diameter():
    graph = Topology("two", [[1, 0], [0, 1]], ())
    with pytest.raises(ConfigError, match=r"^'two' is not connected, so it has no diameter$"):
        _ = graph.diameter


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Mixing().matrix(None), "the mixing Mixing does not define a matrix"),
        (lambda: Generator().adjacency(), "the topology Generator does not define an adjacency"),
        (
            lambda: RandomGraph().adjacency(),
            "the topology RandomGraph does not say how to draw a graph",
        ),
    ],
)
def test_a_base_class_says_what_it_lacks(call, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        call()
