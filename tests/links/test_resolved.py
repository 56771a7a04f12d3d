"""Links come through: a name with changes, other ranks' bytes, and the resolved run file."""

from __future__ import annotations

import pytest

from netopt import config, yamlfile
from netopt.links import make
from netopt.topologies import load

MINE = """\
description: two channels and a slow hub
id: star
size: 4
link: {id: wifi, latency: 3 ms}
links: {0-1: lan, 0->2: {loss: 0.05}}
uplink: {0: 10 Mbit/s}
"""
TOPOLOGIES = [
    {"id": "ring-8", "link": "lan"},
    {
        "id": "ring-8",
        "link": {"rate": "100 Mbit/s", "latency": "333.3333 us"},
        "uplink": 12345678.9,
    },
    {"id": "ring", "size": 4, "links": {"0-1": "lan", "2->3": {"loss": 0.1}}},
    {"id": "star-8", "uplink": {0: "10 Mbit/s", 3: 7}, "downlink": "1 Gbit/s"},
    "mine.yaml",
    {"id": "mine.yaml", "links": {"0-3": "4g"}, "downlink": {1: "5 Mbit/s"}},
    "abilene",
    {"id": "abilene", "link": {"rate": "1 Gbit/s"}, "links": {"0-1": {"jitter": "1 ms"}}},
    {"id": "geant", "link": "transatlantic"},
    {"id": "nsfnet", "refraction": 1, "link": None},
    {"id": "sites", "detour": 1.2},
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE, "utf-8")
    return tmp_path


def raw_of(topology):
    return {"problem": "saddle", "topology": topology, "algorithm": "dgd"}


def assert_same_links(first, second):
    assert second.edges == first.edges
    assert dict(second.links) == dict(first.links)
    assert dict(second.uplinks) == dict(first.uplinks)
    assert dict(second.downlinks) == dict(first.downlinks)
    assert second.wired == first.wired


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=str)
def test_the_resolved_run_file_has_the_same_links_and_itself_again(topology, folder):
    first = config.make(raw_of(topology), folder)
    text = yamlfile.dump(first.resolved)
    second = config.make(yamlfile.parse(text, "run.yaml"))
    assert first.topology.wired
    assert_same_links(first.topology, second.topology)
    assert second.resolved["topology"] == first.resolved["topology"]
    assert yamlfile.dump(second.resolved) == text


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=str)
def test_other_ranks_are_told_the_same_links(topology, folder):
    source = config.Source(raw_of(topology), str(folder))
    told = config.pack(source)
    assert told
    raw, place, parsed = config.unpack(told)
    assert_same_links(
        config.make(source.raw, folder).topology, config.make(raw, place, parsed).topology
    )


@pytest.mark.parametrize("name", ["ring-8", "star-8", "w1", "torus-4x4"])
def test_a_shipped_name_with_changes_is_the_shipped_graph_with_links(name):
    plain, changed = load(name), load({"id": name, "link": "lan"})
    assert changed.name == name
    assert changed.edges == plain.edges
    assert changed.weights.tobytes() == plain.weights.tobytes()
    assert all(changed.link(*edge) == make("lan", "$") for edge in plain.edges)
    assert not plain.wired


def test_the_command_line_changes_a_link_of_a_shipped_name():
    overrides = ["topology.link.rate=100 Mbit/s", "topology.uplink=1 Gbit/s"]
    graph = config.make(config.read(raw_of("ring-8"), overrides)).topology
    assert all(graph.link(*edge) == make({"rate": 1e8}, "$") for edge in graph.edges)
    assert graph.uplinks[7] == 1e9
    graph = config.make(config.read(raw_of("ring-8"), ["topology.link=wifi"])).topology
    assert all(graph.link(*edge) == make("wifi", "$") for edge in graph.edges)


def test_the_command_line_changes_one_edge_and_one_node():
    overrides = ["links.0->1=lan", "links.3-4.loss=0.1", "uplink.2=1 kbit/s"]
    overrides = [f"topology.{override}" for override in overrides]
    graph = config.make(config.read(raw_of("ring-8"), overrides)).topology
    lossy = make({"loss": 0.1}, "$")
    assert dict(graph.links) == {(0, 1): make("lan", "$"), (3, 4): lossy, (4, 3): lossy}
    assert dict(graph.uplinks) == {2: 1000.0}


def test_a_preset_is_said_in_full_so_that_another_version_reads_the_same():
    said = config.make(raw_of({"id": "ring-5", "link": {"id": "lan", "loss": 0.1}})).resolved
    link = said["topology"]["link"]
    assert "id" not in link
    assert make(link, "$") == make({"id": "lan", "loss": 0.1}, "$")
    assert "links" not in said["topology"]
