"""The benchmark of break-even speeds: every byte counted, every trade held to its link."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netopt import __main__ as command_line
from netopt.bench import break_even, break_even_tables
from netopt.bench.break_even_cases import (
    BASE,
    LEAST,
    PARTS,
    PLAIN,
    Case,
    Item,
    case_of,
    codecs_of,
    experiment_of,
    label,
)
from netopt.bench.break_even_model import Parts, Verdict, compared
from netopt.codecs import Codec, nbytes
from netopt.frame import HEADER_BYTES
from netopt.registry import build, discover

D = 200
CODECS = (
    {"id": "qsgd", "levels": 7},
    "dithering",
    {"id": "raw", "dtype": "float64"},
)


def run(*words):
    """Run the command line; return the exit code."""
    with pytest.raises(SystemExit) as done:
        command_line.main(["bench", "break-even", *words])
    return done.value.code


def turns(encode, decode, frame_bytes, count=5, wait=0.0):
    """Return what the root prints of a contestant that always takes the same time."""
    total = encode + wait + decode
    times = dict(zip(PARTS, ([v] * count for v in (encode, wait, decode, total)), strict=True))
    return {**times, "frame_bytes": frame_bytes}


def told(codec, plain=(0.001, 0.002, 4000)):
    """Return what the root prints of an item: plain numbers and a codec."""
    encode, decode, size = plain
    row = {"float32": turns(*plain), "float64": turns(encode, decode, 2 * size), "codec": codec}
    return {"rate": None, "mpi": "an MPI", **row}


def test_rows_have_plain_numbers_first_and_the_closed_form():
    case = Case((Item("sign"), Item("natural")), 1000)
    found = [told(turns(0.01, 0.003, 1500, wait=0.5)), told(turns(0.0005, 0.001, 1000))]
    rows = break_even.rows_of(case, found)
    assert [row["codec"] for row in rows] == ["float32", "float64", "sign", "natural"]
    assert [row["turns"] for row in rows] == [10, 10, 5, 5], "plain numbers of all items"
    sign = rows[2]
    assert sign["against"][BASE]["pays"] == "below"
    even = sign["against"][BASE]["rate"]
    assert even == pytest.approx(8 * 2500 / 0.010), "2500 bytes less, 10 ms more"
    assert sign["against"]["float64"]["rate"] == pytest.approx(8 * 6500 / 0.010)
    assert [row["against"][BASE]["pays"] for row in rows[1:]] == ["never", "below", "always"]
    assert rows[0]["against"]["float64"]["pays"] == "always"
    whole = {"rate": 1e9, "wire": 8 * 1500 / 1e9, "total": 0.013 + 8 * 1500 / 1e9}
    assert sign["at"][0] == pytest.approx(whole)
    assert [sign[part] for part in PARTS] == [0.01, 0.5, 0.003, pytest.approx(0.513)]
    assert [sign[f"{part}_spread"] for part in PARTS] == [0.0] * 4


def test_speeds_are_checked_around_the_crossing_where_mpi_is_quick_enough():
    case = Case((Item("sign"), Item("natural")), 1000)
    found = [told(turns(0.01, 0.003, 1500)), told(turns(0.0005, 0.001, 1000))]
    for row in found:
        row["float32"]["wait"] = [1e-6] * 5
    base, _, sign, natural = break_even.rows_of(case, found)
    assert break_even.rates_of(base, base, 10.0) == []
    assert break_even.rates_of(sign, base, 10.0) == pytest.approx([5e5, 2e6, 8e6])
    assert break_even.rates_of(natural, base, 10.0) == [1e9]
    assert break_even.rates_of(sign, base, 0.3) == pytest.approx([2e6, 8e6]), "time is short"
    slow = {**base, "wait": 0.04}
    assert break_even.rates_of(sign, slow, 10.0) == [4e5], "half of what MPI carries: 800 kbit/s"
    assert break_even.rates_of(natural, slow, 10.0) == [4e5]
    virtual = [break_even.rates_of(row, slow, None) for row in (base, sign, natural)]
    assert virtual == [[], pytest.approx([5e5, 2e6, 8e6]), [1e9]], "no time passes"


def test_a_check_compares_a_trade_with_its_parts():
    case = Case((Item("sign"),), 1000)
    row = break_even.rows_of(case, [told(turns(0.01, 0.003, 1500))])[2]
    found = {"codec": turns(0.01, 0.003, 1500, wait=0.024), BASE: turns(0.1, 0.1, 4000)}
    check = break_even.checked(row, 5e5, found)
    assert (check["measured"], check["plain"]) == (pytest.approx(0.037), pytest.approx(0.2))
    assert check["predicted"] == pytest.approx(0.013 + 8 * 1500 / 5e5)
    assert check["predicted_plain"] == pytest.approx(0.003 + 8 * 4000 / 5e5)
    assert check["ratio"] == pytest.approx(0.037 / 0.2)
    assert check["held"]


def test_all_codecs_are_measured_unless_some_are_named():
    every = [spec if isinstance(spec, str) else spec["id"] for spec in codecs_of(())]
    assert set(every) == set(discover(Codec)), "all of them have defaults"
    for spec in codecs_of(()):
        experiment_of(Item(spec), 64)
        experiment_of(Item(spec, 1e6, "real"), 64)
    assert codecs_of(("sign", "{id: qsgd, levels: 3}")) == ["sign", {"id": "qsgd", "levels": 3}]
    assert label({"id": "qsgd", "levels": 3}) == "qsgd levels=3"


def test_a_link_has_its_rate_and_nothing_else():
    wired = experiment_of(Item("sign", 2e6, "virtual"), 10)
    assert wired.topology.link(0, 1).seconds(1000) == 8000 / 2e6
    assert wired.topology.link(1, 0).latency == 0
    assert wired.options.network.clock == "virtual"
    assert not experiment_of(Item("sign"), 10).topology.wired


@pytest.fixture(scope="module", params=["real", "virtual"])
def measured(request):
    """Rows of a real run of two ranks with tiny vectors, and how far it was when."""
    case = Case([Item(spec) for spec in CODECS], D, 4, 1.0)
    seen = []
    rows = break_even.measure(case, request.param, lambda done, of: seen.append((done, of)))
    return request.param, rows, seen


def test_a_small_run_counts_every_byte_and_adds_up(measured):
    _, rows, seen = measured
    assert seen[:3] == [(1, 3), (2, 3), (3, 3)]
    assert [row["codec"] for row in rows] == [*PLAIN, *map(label, CODECS)]
    assert json.loads(json.dumps(rows)) == rows
    for row in rows:
        codec = build(Codec, row["spec"])
        bits, most = codec.nbits(D), codec.max_nbits(D)
        size = row["frame_bytes"] - HEADER_BYTES
        assert size == nbytes(bits) if bits is not None else 0 < size <= nbytes(most)
        assert min(row[part] for part in PARTS) > 0
        assert row["turns"] == (4 if row["codec"] not in PLAIN else 12)
        assert (row["d"], bool(row["mpi"]), bool(row["machine"])) == (D, True, True)
        for at in row["at"]:
            assert at["wire"] == pytest.approx(8 * row["frame_bytes"] / at["rate"])
            assert at["total"] == pytest.approx(row["encode"] + row["decode"] + at["wire"])
        for name, found in row["against"].items():
            assert name != row["codec"]
            plain = Parts(found["encode"], found["decode"], found["bits"])
            mine = Parts(row["encode"], row["decode"], 8 * row["frame_bytes"])
            assert Verdict(found["pays"], found["rate"]) == compared(mine, plain)


def test_no_trade_is_quicker_than_its_link(measured):
    """However busy the machine is; a real clock's trade holds the computing as well."""
    clock, rows, seen = measured
    checks = [(row, check) for row in rows for check in row["checks"]]
    assert {row["codec"] for row, _ in checks} == {row["codec"] for row in rows[1:]}
    assert seen[3:] == [(i + 1, len(checks)) for i in range(len(checks))]
    for row, check in checks:
        assert check["clock"] == clock
        assert check["turns"] >= LEAST
        # The frames of a codec of varying length differ by some bytes.
        least = 0.9 if row["codec"] == "dithering" else 1 - 1e-9
        assert check["measured"] >= least * 8 * row["frame_bytes"] / check["rate"]
        assert check["plain"] >= 8 * (4 * D + HEADER_BYTES) / check["rate"] * (1 - 1e-9)
        assert check["ratio"] == check["measured"] / check["plain"]


def test_without_checks_nothing_crosses_a_link():
    (row,) = break_even.measure(Case([Item("sign")], D, 3, 1.0), "none")[2:]
    assert (row["codec"], row["checks"]) == ("sign", [])


def made_up():
    """Return rows of three kinds of verdicts, with a check."""
    case = Case((Item("sign"), Item("natural")), 1000)
    found = [told(turns(0.01, 0.003, 1500, wait=0.01)), told(turns(0.0005, 0.001, 1000, wait=0.1))]
    for row in found:
        row["float32"]["wait"] = row["float64"]["wait"] = [1e-3] * 5
    rows = break_even.rows_of(case, found)
    trade = {"codec": turns(0.01, 0.003, 1500, wait=0.024), BASE: turns(0.001, 0.002, 4000)}
    rows[2]["checks"].append({**break_even.checked(rows[2], 5e5, trade), "clock": "real"})
    facts = {"d": 1000, "machine": "a machine", "load": 3.0, "mpi": "an MPI"}
    return [{**row, **facts} for row in rows]


def test_the_tables_show_parts_links_speeds_and_checks():
    parts, whole, speeds, checks, notes = break_even_tables.render(made_up()).renderables
    assert [t.row_count for t in (parts, whole, speeds, checks)] == [4, 4, 4, 1]
    assert list(parts.columns[1].cells) == ["4 kB", "8 kB", "1.5 kB", "1 kB"]
    assert list(parts.columns[3].cells)[2] == "10 ms ±0%"
    assert list(speeds.columns[1].cells) == ["-", "never", "below 2 Mbit/s", "always"]
    assert list(checks.columns[-1].cells) == ["no"], "0.037 s against 0.003 s of a wrong trade"
    assert "The machine was busy" in notes
    verdicts = {"slow_pays": "below", "slow_rate": 9e8, "quick_pays": "always", "quick_rate": None}
    assert break_even_tables.between(verdicts) == "below 900 Mbit/s to always"
    two = {"slow_pays": "above", "slow_rate": 2e9, "quick_pays": "above", "quick_rate": 9e8}
    assert break_even_tables.between(two) == "900 Mbit/s to 2 Gbit/s"


def test_the_command_shows_writes_and_draws(tmp_path, monkeypatch, capsys):
    rows = made_up()
    monkeypatch.setattr(break_even, "measure", lambda case, clock, watch: rows)
    files = [tmp_path / name for name in ("rows.json", "a.png", "b.png")]
    for figure in files[1:]:
        assert not run("--json", str(files[0]), "--plot", str(figure))
    assert json.loads(files[0].read_text()) == rows
    assert files[1].read_bytes() == files[2].read_bytes()
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("d = 1,000 numbers", "below 2 Mbit/s", "all at 100 Mbit/s", "an MPI", "±0%"):
        assert words in shown


def test_what_is_not_given_is_a_million_numbers_and_all_codecs():
    case = case_of(1e6, (), None, False)
    assert (case.d, case.repeats, case.limit) == (10**6, 15, 6.0)
    assert len(case.items) == len(codecs_of(()))
    quick = case_of(500.0, ("sign",), None, True)
    assert (quick.d, quick.items) == (500, (Item("sign"),))
    assert quick.repeats < case.repeats
    assert quick.limit < case.limit
    assert case_of(1.0, ("sign",), "2 min", True).limit == 120.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--codec", "qsdg"], "--codec.id: no codec is called 'qsdg'; did you mean 'qsgd'?"),
        (["--codec", "{id: qsgd, level: 7}"], "--codec.level: qsgd has no option 'level'"),
        (["--codec", "7"], "--codec: expected a codec"),
        (["--codec", "per-tensor: 7"], "--codec: a codec needs an 'id'"),
        (["--d", "0"], "--d: expected a whole number of coordinates, 1 to 1e+08, got 0"),
        (["--d", "1.5"], "--d: expected a whole number of coordinates, 1 to 1e+08, got 1.5"),
        (["--d", "nan"], "--d: expected a whole number of coordinates, 1 to 1e+08, got nan"),
        (["--d", "1e10"], "1 to 1e+08, got 1e+10"),
        (["--limit", "-1 s"], "--limit: expected a time"),
        (["--json", "/no/such/folder/rows.json"], "cannot write '/no/such/folder/rows.json'"),
        (["--plot", "figure"], "--plot: 'figure' must end in .png, .pdf, .svg, got no suffix"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_mpi_starts(words, said, monkeypatch, capsys):
    monkeypatch.setattr(break_even, "printed_by", lambda *told: pytest.fail("started"))
    assert run(*words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("netopt: error: ")
    assert said in lines[0]


def test_both_agents_decode_what_the_other_has_sent():
    """The trade in one process: x is not the same at both ends, and the largest entry is 1."""
    from netopt.agent import Agent
    from netopt.network.lockstep import Lockstep

    experiment = experiment_of(Item({"id": "raw", "dtype": "float64"}), 50)
    network, seen = Lockstep(experiment), []
    decode = Agent.decode

    def watched(self, message, out=None):
        seen.append((self.rank, message.header.sender, decode(self, message, out).copy()))
        return out

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Agent, "decode", watched)
        network.play(0)
    x = network.estimates()
    assert np.abs(x).max(axis=1).tolist() == [1.0, 1.0]
    assert not np.array_equal(x[0], x[1])
    assert [(rank, sender) for rank, sender, _ in seen] == [(0, 1), (1, 0)]
    for _, sender, got in seen:
        np.testing.assert_array_equal(got, x[sender])
