"""Timelines: what they hold of a trace, the figures that they are, and the errors."""

from __future__ import annotations

import json

import pytest

from netopt.engine import lockstep
from netopt.errors import ConfigError
from netopt.report import timeline as module
from netopt.report.timeline import COLOURS, load, timeline

AGAIN = "run the experiment again with record: {trace: true}"


@pytest.fixture
def traced(make, tmp_path):
    """Return the directory of a run of three agents with a trace."""
    graph = {"id": "ring", "size": 3, "link": {"rate": "1 Mbit/s", "latency": "1 ms"}}
    network = {"compute": {"id": "fixed", "seconds": "2 ms"}}
    record = {"every": 2, "trace": True}
    lockstep(make(topology=graph, network=network, rounds=4, record=record), tmp_path / "run")
    return tmp_path / "run"


def test_bars_and_arrows_are_those_of_the_trace(traced):
    found = load(traced)
    assert (found.agents, found.seconds) == (3, "emulated")
    assert {bar.kind for bar in found.bars} == {"compute", "encode", "decode", "send", "wait"}
    computing = [bar for bar in found.bars if bar.kind == "compute"]
    assert len(computing) == 3 * 4
    assert all(bar.duration == pytest.approx(0.002) for bar in computing)
    frame = 8 * (32 + 80) / 1e6 + 0.001
    assert len(found.arrows) == 3 * 2 * 4
    for arrow in found.arrows:
        assert arrow.source != arrow.target
        assert arrow.came - arrow.sent == pytest.approx(frame, abs=1e-8)


def test_some_rounds_only(traced):
    whole, some = load(traced), load(traced, (1, 2))
    assert 2 * len(some.bars) == len(whole.bars)
    assert 2 * len(some.arrows) == len(whole.arrows)
    assert min(bar.begin for bar in some.bars) > 0


def test_the_figure_has_a_row_for_each_agent_and_a_colour_for_each_kind(traced):
    figure = module._figure(load(traced), "A title")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "agent 0",
        "agent 1",
        "agent 2",
    ]
    assert axes.get_xlabel() == "emulated time (ms)"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["compute", "wait"]
    assert axes.get_xlim()[0] == 0.0
    assert set(COLOURS) >= {text.get_text() for text in legend.get_texts()}


def test_the_same_trace_is_the_same_file(traced, tmp_path):
    for suffix in (".png", ".svg"):
        one, two = (timeline(traced, tmp_path / f"{name}{suffix}") for name in "ab")
        assert one.read_bytes() == two.read_bytes()
        assert one.stat().st_size > 1000


def test_what_cannot_be_drawn_is_refused_with_a_cure(traced, tmp_path, runs):
    def message(*arguments):
        with pytest.raises(ConfigError) as caught:
            timeline(*arguments)
        return str(caught.value)

    out = tmp_path / "a.png"
    assert message(runs["qgd"], out) == f"'{runs['qgd']}' has no trace.json; {AGAIN}"
    assert message(traced, tmp_path / "a.gif") == (
        f"'{tmp_path / 'a.gif'}' must end in .png, .pdf, .svg, got '.gif'"
    )
    assert message(traced, out, (7, 9)) == (
        f"'{traced}' has no trace of rounds 7 to 9; choose others"
    )
    for spoilt in ("[]", "{", json.dumps({"traceEvents": [{}], "otherData": {"seconds": "x"}})):
        (traced / "trace.json").write_text(spoilt)
        assert message(traced, out).startswith(f"'{traced / 'trace.json'}' is no trace of netopt (")
    assert not out.exists()
