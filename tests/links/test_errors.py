"""Every message that a wrong link causes, whole, with its place."""

from __future__ import annotations

import pytest

from netopt import config
from netopt.errors import ConfigError
from netopt.links import make
from netopt.links.presets import PRESETS
from netopt.topologies import load

NAMES = ", ".join(PRESETS)
A_LINK = (
    f"a link is a preset's name ({NAMES}) or a mapping such as "
    "{rate: 100 Mbit/s, latency: 5 ms}, got"
)
A_RATE = "expected a rate such as '100 Mbit/s' or '250 kbit/s', got"
A_TIME = "expected a time such as '5 ms' or '1.5 s', got"
AN_EDGE = "an edge is written '0-1', or '0->1' for one direction, got"
HALF = "a half-duplex edge is one channel, but 0 -> 1 and 1 -> 0 differ in rate or duplex; "

LINK = [
    ("lna", ": no link is called 'lna'; did you mean 'lan'?"),
    ("", f": no link is called ''; choose from {NAMES}"),
    ({"id": [1]}, f": no link is called '[1]'; choose from {NAMES}"),
    ({"id": "wfi", "loss": 0}, ": no link is called 'wfi'; did you mean 'wifi'?"),
    (3, f": {A_LINK} 3"),
    (True, f": {A_LINK} True"),
    (["lan"], f": {A_LINK} ['lan']"),
    ({"rat": 1}, ".rat: a link has no option 'rat'; did you mean 'rate'?"),
    (
        {"xyz": 1},
        ".xyz: a link has no option 'xyz'; its options are rate, latency, jitter, loss, on_loss, "
        "resend_after, duplex, mtu, overhead, framing",
    ),
    ({"rate": "5 apples"}, f": a link: rate: {A_RATE} '5 apples'"),
    ({"rate": -5}, f": a link: rate: {A_RATE} -5"),
    ({"rate": 0}, ": a link: rate: expected more than 0 bit/s, got 0.0"),
    (
        {"rate": [1]},
        ".rate: expected int | float | str | null, got list; the value is [1]",
    ),
    ({"rate": float("inf")}, ".rate: expected a finite number; the value is inf"),
    ({"latency": "5 Mbit"}, f": a link: latency: {A_TIME} '5 Mbit'"),
    ({"latency": -1}, f": a link: latency: {A_TIME} -1"),
    ({"jitter": "much"}, f": a link: jitter: {A_TIME} 'much'"),
    ({"resend_after": "1 day"}, f": a link: resend_after: {A_TIME} '1 day'"),
    ({"loss": 1}, ".loss: expected float <= 0.99; the value is 1"),
    ({"loss": -0.1}, ".loss: expected float >= 0.0; the value is -0.1"),
    ({"loss": "10 %"}, ".loss: expected float, got str; the value is '10 %'"),
    (
        {"on_loss": "dropp"},
        ".on_loss: expected one of reliable, drop; the value is 'dropp'; did you mean 'drop'?",
    ),
    ({"duplex": "both"}, ".duplex: expected one of full, half; the value is 'both'"),
    ({"mtu": 0}, ".mtu: expected int >= 1; the value is 0"),
    ({"overhead": -1}, ".overhead: expected int >= 0; the value is -1"),
    ({"framing": 1.5}, ".framing: expected int, got float; the value is 1.5"),
    (
        {"mtu": 40, "overhead": 40},
        ": a link: mtu: 40 bytes have no room beside 40 bytes of overhead",
    ),
    (
        {"id": "lan", "mtu": 50},
        ": a link: mtu: 50 bytes have no room beside 52 bytes of overhead",
    ),
]


def message_of(**options):
    with pytest.raises(ConfigError) as caught:
        load({"id": "ring", "size": 3, **options})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("link", "message"), LINK, ids=str)
def test_a_wrong_link_says_where_what_and_the_cure(link, message):
    assert message_of(link=link) == f"$.topology.link{message}"


@pytest.mark.parametrize(("link", "message"), LINK, ids=str)
def test_a_wrong_link_of_an_edge_has_the_edges_place(link, message):
    assert message_of(links={"0-1": link}) == f"$.topology.links.0-1{message}"
    assert message_of(link="4g", links={"2->0": link}).startswith("$.topology.links.2->0")


@pytest.mark.parametrize(("link", "message"), LINK, ids=str)
def test_make_says_the_place_that_it_was_given(link, message):
    with pytest.raises(ConfigError) as caught:
        make(link, "$.here")
    assert str(caught.value) == f"$.here{message}"
    assert caught.value.exit_code == 2


OPTIONS = [
    (
        {"links": {"0-3": "lan"}},
        ".links.0-3: the graph has no edge 0 - 3; agent 0 sends to 1, 2",
    ),
    (
        {"links": {"1->1": "lan"}},
        ".links.1->1: the graph has no edge 1 -> 1; agent 1 sends to 0, 2",
    ),
    (
        {"links": {"7-0": "lan"}, "directed": True},
        ".links.7-0: the graph has no edge 7 - 0; agents are 0 to 2",
    ),
    (
        {"links": {"1->0": "lan"}, "directed": True},
        ".links.1->0: the graph has no edge 1 -> 0; agent 1 sends to 2",
    ),
    (
        {"links": {"0->12": "lan"}, "id": "star", "size": 12},
        ".links.0->12: the graph has no edge 0 -> 12; agent 0 sends to 1, 2, 3, 4, 5, 6, 7, 8, ...",
    ),
    *[
        ({"links": {name: "lan"}}, f".links.{name}: {AN_EDGE} {name!r}")
        for name in ("0", "0-1-2", "a-b", "0-", "->1", "-1-0", "0--1", "0 1", "", "1.0-2", "0<-1")
    ],
    ({"links": {"0-1": None}}, f".links.0-1: {A_LINK} None"),
    ({"links": ["lan"]}, ".links: expected mapping | null, got list; the value is ['lan']"),
    (
        {"links": {"0->1": {"duplex": "half"}}},
        f".links: {HALF}give them as '0-1'",
    ),
    (
        {"link": "wifi", "links": {"1->0": {"rate": "1 Mbit/s"}}},
        f".links: {HALF}give them as '0-1'",
    ),
    ({"uplink": "fast"}, f".uplink: {A_RATE} 'fast'"),
    ({"uplink": [1]}, f".uplink: {A_RATE} [1]"),
    ({"uplink": 0}, ".uplink: expected more than 0 bit/s, got 0"),
    ({"uplink": {0: "0 Mbit/s"}}, ".uplink.0: expected more than 0 bit/s, got '0 Mbit/s'"),
    ({"downlink": {1: None}}, f".downlink.1: {A_RATE} None"),
    ({"downlink": {2: "x"}}, f".downlink.2: {A_RATE} 'x'"),
    ({"downlink": {3: 1}}, ".downlink.3: expected an agent, 0 to 2, got 3"),
    ({"uplink": {-1: 1}}, ".uplink.-1: expected an agent, 0 to 2, got -1"),
    ({"uplink": {"hub": 1}}, ".uplink.hub: expected an agent, 0 to 2, got 'hub'"),
    ({"uplnk": 1}, ".uplnk: ring has no option 'uplnk'; did you mean 'uplink'?"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS, ids=str)
def test_a_wrong_option_says_where_what_and_the_cure(options, message):
    assert message_of(**options) == f"$.topology{message}"


def test_a_mistake_in_a_file_has_the_files_name(tmp_path):
    (tmp_path / "mine.yaml").write_text("id: ring\nsize: 3\nlink: {rate: fast}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load("mine.yaml", folder=tmp_path)
    assert str(caught.value) == f"mine.yaml: $.link: a link: rate: {A_RATE} 'fast'"


def test_a_mistake_put_over_a_shipped_name_has_the_run_files_place():
    raw = {"problem": "saddle", "topology": {"id": "ring-5", "link": "lna"}, "algorithm": "dgd"}
    with pytest.raises(ConfigError) as caught:
        config.make(raw)
    assert str(caught.value) == ("$.topology.link: no link is called 'lna'; did you mean 'lan'?")


def test_a_wrong_override_of_the_command_line_has_its_place():
    raw = {"problem": "saddle", "topology": "ring-5", "algorithm": "dgd"}
    with pytest.raises(ConfigError) as caught:
        config.make(config.read(raw, ["topology.link.rate=fast"]))
    assert str(caught.value) == f"$.topology.link: a link: rate: {A_RATE} 'fast'"
