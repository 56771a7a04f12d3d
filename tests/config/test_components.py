"""Bad components in a run file: the whole message names the place, the value and the cure."""

from __future__ import annotations

import pytest

STAR = {"id": "star", "size": 4, "weights": "uniform"}
NOT_DOUBLY = (
    "needs a doubly stochastic mixing matrix, and that of '{}' has columns that do not sum to 1; "
    "use Metropolis weights on an undirected graph, or another matrix"
)


def codec(**options):
    return {"codecs": {"mix": {"id": "qsgd", **options}}}


def algorithm(**options):
    return {"algorithm": {"id": "dgd", **options}}


def topology(name, **options):
    return {"topology": {"id": name, **options}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (codec(level=3), "$.codecs.mix.level: qsgd has no option 'level'; did you mean 'levels'?"),
        (codec(levels="many"), "$.codecs.mix.levels: expected int, got str; the value is 'many'"),
        (codec(levels=2.5), "$.codecs.mix.levels: expected int, got float; the value is 2.5"),
        (codec(levels=0), "$.codecs.mix.levels: expected int >= 1; the value is 0"),
        (
            codec(id="qsg"),
            "$.codecs.mix.id: no codec is called 'qsg'; did you mean 'qsgd'?",
        ),
        (
            {"codecs": {"mix": {"levels": 3}}},
            "$.codecs.mix: a codec needs an 'id', got {'levels': 3}",
        ),
        (
            {"codecs": {"mix": 3}},
            "$.codecs.mix: expected a codec (an id, or a mapping with 'id'), got 3",
        ),
        ({"codecs": {"mx": "raw"}}, "$.codecs.mx: dgd has no channel 'mx'; did you mean 'mix'?"),
        (
            {"codecs": {"uplink": "raw"}},
            "$.codecs.uplink: dgd has no channel 'uplink'; its channels are mix",
        ),
    ],
    ids=str,
)
def test_a_bad_codec_is_named(refusal, changes, message):
    assert refusal(changes) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (algorithm(lr="fast"), "$.algorithm.lr: expected float, got str; the value is 'fast'"),
        (algorithm(lr=0), "$.algorithm.lr: expected float > 0.0; the value is 0"),
        (algorithm(lr=True), "$.algorithm.lr: expected float, got bool; the value is True"),
        (
            algorithm(lr=float("inf")),
            "$.algorithm.lr: expected a finite number; the value is inf",
        ),
        (
            algorithm(learning_rate=1),
            "$.algorithm.learning_rate: dgd has no option 'learning_rate'; its options are lr",
        ),
        (
            {"algorithm": "diana-plsu"},
            "$.algorithm.id: no algorithm is called 'diana-plsu'; did you mean 'diana-plus'?",
        ),
        (
            {"algorithm": {"id": "qgd", "schedule": {"id": "sample-and-hold", "t_0": 3}}},
            "$.algorithm.schedule.t_0: sample-and-hold has no option 't_0'; did you mean 't0'?",
        ),
        (
            {"problem": "quadratik"},
            "$.problem.id: no problem is called 'quadratik'; did you mean 'quadratic'?",
        ),
        (
            {"problem": {"id": "quadratic", "kappa": 0.5}},
            "$.problem.kappa: expected float >= 1.0; the value is 0.5",
        ),
        (
            {"problem": {"id": "saddle", "at": [1, float("nan")]}},
            "$.problem: saddle: 'at' needs two finite numbers, got [1.0, nan]",
        ),
    ],
    ids=str,
)
def test_a_bad_algorithm_or_problem_is_named(refusal, changes, message):
    assert refusal(changes) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topology": "rign"}, "$.topology: no topology is called 'rign'; did you mean 'ring'?"),
        ({"topology": "none.yaml"}, "$.topology: no file 'none.yaml'"),
        ({"topology": 7}, "$.topology: a topology is a name or a mapping with 'id', got 7"),
        (
            topology("ring", sise=3),
            "$.topology.sise: ring has no option 'sise'; did you mean 'size'?",
        ),
        (
            topology("ring", weights="metropol"),
            "$.topology.weights.id: no mixing is called 'metropol'; did you mean 'metropolis'?",
        ),
        (topology("ring", size=0), "$.topology.size: expected int >= 1; the value is 0"),
        (
            topology("ring", size=1),
            "$.topology: a run needs at least two agents, and this graph has one; "
            "give a larger size",
        ),
        (
            topology("edges", size=4, edges=[[0, 1], [2, 3]]),
            "$.topology: the graph is not connected: no path leads from agent 0 to agent 2; "
            "add edges until every agent reaches every other",
        ),
        (
            topology("explicit", matrix=[[0.5, 0.6], [0.5, 0.5]]),
            "$.topology.matrix: row 0 sums to 1.1 instead of 1; set row 0, column 0 to 0.4",
        ),
    ],
    ids=str,
)
def test_a_bad_topology_is_named(refusal, changes, message):
    assert refusal(changes) == message


@pytest.mark.parametrize("name", ["dgd", "qgd", "gradient-tracking"])
def test_a_method_that_needs_the_mean_refuses_a_matrix_that_does_not_keep_it(refusal, name):
    wanted = f"$.topology: {name} {NOT_DOUBLY.format('star-4')}"
    assert refusal({"algorithm": name, "topology": STAR}) == wanted
