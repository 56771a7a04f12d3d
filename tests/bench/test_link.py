"""The benchmark of links: its rows, tables and figures say what was measured."""

from __future__ import annotations

import json

import pytest

from netopt import __main__ as command_line
from netopt.bench import link, link_figure, link_model, link_tables
from netopt.bench.link_cases import (
    BANDWIDTH,
    BIDIRECTIONAL,
    LATENCY,
    SIZES,
    TESTS,
    Block,
    Case,
    blocks,
    case_of,
    sizes_of,
    topology_of,
)
from netopt.bench.link_sampling import LEAST
from netopt.errors import ConfigError
from netopt.topologies import load

SLOW = {"rate": "20 Mbit/s", "latency": "1 ms", "mtu": 1500, "overhead": 52, "framing": 38}
"""A link on which a packet is slower than this machine's own messages."""


def pair_of(link):
    """Return the one edge of two agents with this link."""
    graph = load({"id": "path", "size": 2, "link": link})
    return case_of(graph, (), None, None, "none").pairs[0]


def run(*words):
    """Run the command line; return the exit code."""
    with pytest.raises(SystemExit) as done:
        command_line.main(["bench", "link", *words])
    return done.value.code


def point(block, size, seconds, window=1):
    """Return what the ranks print of a point."""
    row = {"test": block.test, "source": block.pair.first, "target": block.pair.second}
    row |= {"bytes": size, "window": window, "iterations": 4, "expected": 0.5, "mpi": "an MPI"}
    return {**row, "seconds": seconds}


def made_up(case):
    """Return rows of which all points but the last took exactly what the link takes."""
    found = []
    for block in blocks(case):
        for size in case.sizes:
            window = 1 if block.test == LATENCY else 64
            taken = link_model.seconds(block.pair, block.test, size, window) or 1e-3
            found.append(point(block, size, [taken] * 5, window))
    found[-1]["seconds"] = []
    return link.rows_of(case, found)


def test_all_edges_and_sizes_are_measured_unless_some_are_named(tmp_path):
    ring = topology_of("{id: ring, size: 4, links: {'1->2': lan}}")
    case = case_of(ring, (), None, None, "none")
    assert [pair.name for pair in case.pairs] == ["0-1", "0-3", "1-2", "2-3"]
    assert case.sizes == SIZES == tuple(2**k for k in range(23))
    assert [pair.alike for pair in case.pairs] == [True, True, False, True]
    tests = [(block.pair.first, block.pair.second, block.test) for block in blocks(case)]
    assert tests[6:9] == [(1, 2, test) for test in TESTS]
    assert tests[9] == (2, 1, BANDWIDTH)
    some = case_of(ring, ("3-2", "0->1", "2-3"), "4MiB, 1,64KiB, 1", "1 min", "real")
    assert [pair.name for pair in some.pairs] == ["2-3", "0-1"]
    assert some[2:5] == ((1, 65536, 4 * 2**20), 60.0, "real")
    file = tmp_path / "run.yaml"
    file.write_text("problem: quadratic\ntopology: {id: star, size: 3, link: lan}\n")
    assert topology_of(str(file)).link(0, 2).rate == 1e9
    assert topology_of(None).size == 2
    assert topology_of("ring-8").size == 8


def test_a_directed_edge_is_one_edge():
    directed = load({"id": "exponential", "size": 8})
    assert directed.directed
    edges = {(min(edge), max(edge)) for edge in directed.edges}
    assert len(case_of(directed, (), None, None, "none").pairs) == len(edges)


def test_rows_say_quantiles_units_and_ratios():
    pair = pair_of(SLOW)
    case = Case(2, (pair,), (1000,))
    found = [
        point(Block(pair, LATENCY), 1000, [0.004, 0.001, 0.002, 0.003, 0.010]),
        point(Block(pair, BANDWIDTH), 1000, [0.5, 0.25, 1.0], 64),
        point(Block(pair, BIDIRECTIONAL), 1000, [], 64),
    ]
    latency, bandwidth, both = link.rows_of(case, found[::-1], load=0.5)
    told = [latency[name] for name in ("min", "q25", "median", "q75", "max", "unit", "samples")]
    assert told == [0.0005, 0.001, 0.0015, 0.002, 0.005, "s", 5]
    assert latency["spread"] == pytest.approx(0.001 / 0.0015)
    assert latency["predicted"] == pytest.approx(0.001 + 8 * 1090 / 20e6)
    assert latency["ratio"] == latency["median"] / latency["predicted"]
    assert (bandwidth["median"], bandwidth["unit"]) == (8 * 64000 / 0.5, "bit/s")
    assert bandwidth["messages_per_second"] == 64 / 0.5
    assert (both["samples"], both["median"], both["ratio"]) == (0, None, None)
    assert both["predicted"] > 0
    assert both["expected"] == 0.5
    assert {row["messages_per_second"] for row in (latency, both)} == {None}
    assert latency["link"] == pair.there
    assert latency["machine"]
    assert (latency["load"], latency["mpi"]) == (0.5, "an MPI")
    late = link.rows_of(case._replace(delayed=False), found)[0]
    assert late["predicted"] == pytest.approx(8 * 1090 / 20e6), "nobody delays"
    assert late["link"]["latency"] == "1 ms"


def test_the_title_names_what_edges_share():
    star = load({"id": "star", "size": 3, "uplink": {0: "2 Mbit/s"}})
    rows = made_up(case_of(star, (), "9", None, "none"))
    titles = [part.title for part in link_tables.render(rows).renderables[:-1]]
    assert titles[0] == "Edge 0-1: no limit, uplink of 0 2 Mbit/s"
    assert titles[1] == "Edge 0-1, from 1"


def test_the_tables_have_a_line_a_size_and_one_an_edge():
    graph = load({"id": "path", "size": 3, "link": SLOW, "links": {"0->1": {"rate": 1e6}}})
    rows = made_up(case_of(graph, (), "1,1KiB", None, "none"))
    shown = link_tables.render(rows).renderables
    titles = [part.title for part in shown[:-1]]
    assert titles == [
        "Edge 0-1: 1 Mbit/s, 1 ms there; 20 Mbit/s, 1 ms back",
        "Edge 0-1, from 1",
        "Edge 1-2: 20 Mbit/s, 1 ms",
        "All edges: the smallest latency, and the best of all sizes",
    ]
    assert [part.row_count for part in shown[:-1]] == [2, 2, 2, 2]
    assert list(shown[0].columns[2].cells) == ["1.00", "1.00"]
    assert list(shown[2].columns[5].cells)[-1] == "too long"
    assert "--limit allows more; up to 500 ms an iteration" in shown[-1]


@pytest.fixture(scope="module")
def measured():
    """Rows of a real run under mpirun: two of three agents at a time, with and without a clock."""
    graph = load({"id": "path", "size": 3, "link": SLOW})
    rows = {}
    for clock in ("none", "real"):
        case = case_of(graph, (), "1,3000,40000", "100 ms", clock)
        seen = []
        rows[clock] = link.measure(case, graph, lambda done, of, seen=seen: seen.append((done, of)))
        assert seen == [(i, 18) for i in range(1, 19)]
    return rows


@pytest.mark.parametrize("clock", ["none", "real"])
def test_a_small_run_has_a_row_for_each_edge_test_and_size(measured, clock):
    rows = measured[clock]
    order = [(row["edge"], row["test"], row["bytes"]) for row in rows]
    wanted = [(e, t, s) for e in ("0-1", "1-2") for t in TESTS for s in (1, 3000, 40000)]
    assert order == wanted
    for row in rows:
        assert row["clock"] == clock
        assert row["mpi"]
        if not row["samples"]:
            assert row["expected"] * (LEAST + 1) > 0.1
            continue
        names = ("min", "q05", "q25", "median", "q75", "q95", "max")
        values = [row[name] for name in names]
        assert values == sorted(values)
        assert values[0] > 0
        assert (row["unit"] == "s") == (row["test"] == LATENCY)
        assert row["window"] == 1 or row["test"] != LATENCY
        assert row["samples"] >= LEAST
        speed = row["messages_per_second"]
        assert speed == (row["median"] / 8 / row["bytes"] if row["test"] == BANDWIDTH else None)
    assert any(row["samples"] for row in rows if row["bytes"] == 40000)
    assert json.loads(json.dumps(rows)) == rows


def test_no_message_is_earlier_than_its_link_allows(measured):
    """However busy the machine is: what is held back comes late, never early."""
    judged = [row for row in measured["real"] if row["samples"]]
    assert len(judged) >= 12
    for row in judged:
        if row["test"] == LATENCY:
            assert row["min"] >= row["predicted"] * (1 - 1e-6)
        else:
            assert row["max"] <= row["predicted"] * (1 + 1e-6)


def test_the_kernels_links_carry_no_more_than_their_rate():
    """A token bucket may be ahead by its burst, some packets of a window of many."""
    from netopt.fabric import _run

    graph = load({"id": "path", "size": 2, "link": SLOW})
    try:
        _run.check(graph)
    except ConfigError as error:
        pytest.skip(str(error))
    case = case_of(graph, (), "16KiB", "500 ms", "none")._replace(fabric=True)
    rows = link.measure(case, graph)
    assert [row["test"] for row in rows] == list(TESTS)
    for row in rows:
        assert row["fabric"]
        assert row["samples"]
        if row["test"] != LATENCY:
            assert row["median"] <= 1.1 * row["predicted"]


def test_the_command_shows_writes_and_draws(tmp_path, monkeypatch, capsys):
    graph = load({"id": "path", "size": 3, "link": SLOW})
    rows = made_up(case_of(graph, (), None, None, "none"))
    monkeypatch.setattr(link, "measure", lambda case, graph, watch: rows)
    file, figure = tmp_path / "rows.json", tmp_path / "link.png"
    assert not run("--json", str(file), "--plot", str(figure))
    assert json.loads(file.read_text()) == rows
    assert figure.read_bytes().startswith(b"\x89PNG")
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("Edge 0-1: 20 Mbit/s, 1 ms", "4 MiB", "messages/s", "1.00", "an MPI", "±0%"):
        assert words in shown


def test_a_figure_has_room_for_what_was_never_measured(tmp_path):
    graph = load({"id": "star", "size": 12})
    rows = made_up(case_of(graph, (), "1,2", None, "none"))
    for row in rows[:6]:
        row.update(samples=0, median=None)
    link_figure.draw(rows, str(tmp_path / "many.svg"))
    assert (tmp_path / "many.svg").read_text().count('id="axes_') == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ring-5", "--edge", "0-2"], "--edge: 'ring-5' has no edge '0-2'; its edges are 0-1, "),
        (["--edge", "both"], "--edge: 'path-2' has no edge 'both'; its edges are 0-1"),
        (["--sizes", "0"], "--sizes: a message has 1 to 268435456 bytes, such as 1,64KiB,4MiB; "),
        (["--sizes", "1,,2"], "got ''"),
        (["--sizes", "2 GB"], "got '2 GB'"),
        (["--limit", "0"], "--limit: expected more than 0 s, got '0'"),
        (["--limit", "soon"], "--limit: expected a time such as '5 ms' or '1.5 s', got 'soon'"),
        (["rings"], "TOPOLOGY: no topology is called 'rings'; did you mean 'ring'?"),
        (["no.yaml"], "no file 'no.yaml'"),
        (["{id: ring, size: 4, link: {rat: 1}}"], "'rat'"),
        (["{id: path, size: 1}"], "has no edge to measure"),
        (["--json", "/no/such/folder/rows.json"], "cannot write '/no/such/folder/rows.json'"),
        (["--plot", "/no/such/folder/a.png"], "cannot write '/no/such/folder/a.png'"),
        (["--plot", "a.gif"], "--plot: 'a.gif' must end in .png, .pdf, .svg, got '.gif'"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_mpi_starts(words, told, monkeypatch, capsys):
    monkeypatch.setattr(link, "printed_by", lambda *told: pytest.fail("started"))
    assert run(*words) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("netopt: error: ")
    assert told in said[0]


def test_sizes_are_bytes_in_any_order_once():
    assert sizes_of("2MB,1kB,1 KiB,7 B,7") == (7, 1000, 1024, 2_000_000)
