"""Bad input: one line that names the place, exit code 2, nothing written, no traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from netopt import __main__ as command_line

GOOD = """\
rounds: 4
problem: {id: quadratic, dimension: 3}
topology: {id: ring, size: 3}
algorithm: dgd
network: {driver: lockstep}
"""


def netopt(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Run the command line in this process; return its exit code and what it said."""
    with pytest.raises(SystemExit) as end:
        command_line.main(list(words))
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


def refused(text: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a file that must be refused; return the error line."""
    file, out = tmp_path / "job.yaml", tmp_path / "out"
    file.write_text(text, encoding="utf-8")
    code, _, err = netopt("run", str(file), "--out", str(out), *words, capsys=capsys)
    assert code == 2
    assert not out.exists(), "nothing is written"
    (line,) = err.splitlines()
    return line.removeprefix("netopt: error: ").replace(str(tmp_path), "TMP")


LIBSVM = "$.problem.data: 'TMP/rows.txt', line 2: "
CASES = {
    "unknown key": (
        "codec: {}\n",
        [],
        "$.codec: a run file has no option 'codec'; did you mean 'codecs'?",
    ),
    "unknown nested key": (
        "",
        ["--set", "problem.dimensions=3"],
        "$.problem.dimensions: quadratic has no option 'dimensions'; did you mean 'dimension'?",
    ),
    "unknown codec option": (
        "",
        ["--set", "codecs.mix.id=qsgd", "--set", "codecs.mix.level=3"],
        "$.codecs.mix.level: qsgd has no option 'level'; did you mean 'levels'?",
    ),
    "wrong type": (
        "",
        ["--set", "rounds=many"],
        "$.rounds: expected int, got str; the value is 'many'",
    ),
    "zero rounds": ("", ["--set", "rounds=0"], "$.rounds: expected int >= 1; the value is 0"),
    "unknown id": (
        "",
        ["--set", "algorithm=dgdd"],
        "$.algorithm.id: no algorithm is called 'dgdd'; did you mean 'dgd'?",
    ),
    "zero agents": (
        "",
        ["--set", "topology.size=0"],
        "$.topology.size: expected int >= 1; the value is 0",
    ),
    "one agent": (
        "",
        ["--set", "topology.size=1"],
        "$.topology: a run needs at least two agents, and this graph has one; give a larger size",
    ),
    "wrong number of ranks": (
        "",
        ["-n", "4"],
        "the topology has 3 nodes, but -n says 4; use -n 3",
    ),
    "weights that connect nobody": (
        "",
        ["--set", "topology.weights={id: explicit, rows: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}"],
        "$.topology: the graph is not connected: no path leads from agent 0 to agent 1; "
        "add edges until every agent reaches every other",
    ),
    "too large a problem": (
        "",
        ["--set", "problem.dimension=10000000000"],
        "$.problem.dimension: expected int <= 2147483648; the value is 10000000000",
    ),
    "disconnected graph": (
        "",
        ["--set", "topology={id: edges, size: 4, edges: [[0, 1], [2, 3]]}"],
        "$.topology: the graph is not connected: no path leads from agent 0 to agent 2; "
        "add edges until every agent reaches every other",
    ),
    "weights that are not stochastic": (
        "",
        ["--set", "topology={id: explicit, matrix: [[0.5, 0.4], [0.5, 0.5]]}"],
        "$.topology.matrix: row 0 sums to 0.9 instead of 1; set row 0, column 0 to 0.6",
    ),
    "malformed override": ("", ["--set", "rounds"], "--set takes a.b=c, got 'rounds'"),
    "missing component file": (
        "",
        ["--load", "nowhere.py"],
        "no file 'nowhere.py' to load components from",
    ),
    "unknown channel": (
        "",
        ["--set", "codecs.mixx=raw"],
        "$.codecs.mixx: dgd has no channel 'mixx'; did you mean 'mix'?",
    ),
    "wrong choice": (
        "",
        ["--set", "network.driver=udp"],
        "$.network.driver: expected one of mpi, lockstep; the value is 'udp'",
    ),
    "a component without an id": (
        "",
        ["--set", "algorithm={lr: 0.1}"],
        "$.algorithm: an algorithm needs an 'id', got {'lr': 0.1}",
    ),
    "bad unit": (
        "",
        ["--set", "stop.bits=10 Mbits"],
        "$.stop.bits: expected bits such as '10 Mbit' or '2 kB', got '10 Mbits'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_named_with_its_place(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, words, message = CASES[case]
    assert refused(GOOD + more, words, tmp_path, capsys) == message


def test_malformed_yaml_names_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(GOOD + "stop: {loss: 1\nseed: 2\n", [], tmp_path, capsys)
    assert line.startswith("'TMP/job.yaml' line 7: ")


def test_yaml_merge_keys_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "job.yaml"
    merged = "algorithm:\n  <<: &d {id: dgd, lr: 0.01}\n  lr: 0.02\n"
    file.write_text(GOOD.replace("algorithm: dgd\n", merged))
    code, _, err = netopt("run", str(file), "--out", str(tmp_path / "o"), capsys=capsys)
    assert (code, err) == (0, "")
    assert "lr: 0.02" in (tmp_path / "o" / "run.yaml").read_text()


def test_a_nul_byte_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused("seed: \0", [], tmp_path, capsys).startswith("'TMP/job.yaml'")


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = netopt("run", str(tmp_path / "no.yaml"), capsys=capsys)
    assert (code, err) == (2, f"netopt: error: no file '{tmp_path / 'no.yaml'}'\n")


def test_a_number_written_as_1e_3_is_a_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(GOOD.replace("algorithm: dgd", "algorithm: {id: dgd, lr: 1e-3}"))
    code, _, err = netopt("run", str(file), "--out", str(tmp_path / "o"), capsys=capsys)
    assert (code, err) == (0, "")
    assert "lr: 0.001" in (tmp_path / "o" / "run.yaml").read_text()


def test_a_malformed_libsvm_line_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.txt").write_text("1 1:0.5\n-1 x:2\n")
    words = ["--set", f"problem={{id: logistic, data: 'libsvm:{tmp_path}/rows.txt'}}"]
    line = refused(GOOD, words, tmp_path, capsys)
    assert "rows.txt" in line
    assert "line 2" in line
    assert "x:2" in line


def test_an_output_directory_that_is_not_empty_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.yaml").write_text(GOOD)
    code, _, err = netopt("run", str(tmp_path / "job.yaml"), "--out", str(tmp_path), capsys=capsys)
    assert code == 2
    assert err == (
        f"netopt: error: the output directory '{tmp_path}' exists and is not empty; "
        "choose another with --out\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.yaml"]


def test_no_permission_to_write_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job.yaml").write_text(GOOD)
    locked = tmp_path / "locked"
    locked.mkdir()
    # Root may write anywhere, so what the operating system would answer a user is put in its place.
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda p, m: Path(p) != locked and allowed(p, m))
    out = locked / "run"
    code, _, err = netopt("run", str(tmp_path / "job.yaml"), "--out", str(out), capsys=capsys)
    assert code == 2
    assert err == (
        f"netopt: error: no permission to write in '{locked}', where the run directory '{out}' "
        "would be; choose another with --out\n"
    )


def test_a_vector_outside_the_codecs_range_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(GOOD + "codecs: {mix: {id: uniform, range: 1.0e-6}}\n")
    code, _, err = netopt("run", str(file), "--out", str(tmp_path / "o"), capsys=capsys)
    assert code == 2
    assert err.startswith("netopt: error: agent 0, round 1, exchange 0: uniform: a coordinate of ")
    assert err.endswith("is outside [-1e-06, 1e-06]; give a larger range\n")


def test_debug_shows_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = netopt("run", str(tmp_path / "no.yaml"), "--debug", capsys=capsys)
    assert code == 2
    assert "Traceback (most recent call last):" in err
    assert err.endswith(f"netopt: error: no file '{tmp_path / 'no.yaml'}'\n")


def test_a_folder_that_may_not_be_searched_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refuse)
    code, _, err = netopt("run", str(tmp_path / "job.yaml"), capsys=capsys)
    assert (code, err) == (2, f"netopt: error: Permission denied: '{tmp_path / 'job.yaml'}'\n")


def test_empty_sections_are_as_if_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.yaml").write_text(GOOD + "codecs:\nstop:\nrecord:\n")
    words = ["run", str(tmp_path / "job.yaml"), "--out", str(tmp_path / "o")]
    assert netopt(*words, capsys=capsys)[0] == 0


def test_unknown_commands_and_options_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert netopt("rnu", capsys=capsys)[0] == 2
    assert netopt("run", "x", "--sett", "a=1", capsys=capsys)[0] == 2


def test_help_names_every_command() -> None:
    text = CliRunner().invoke(command_line.cli, ["--help"]).output
    for name in (
        "run",
        "plan",
        "list",
        "show",
        "inspect",
        "plot",
        "doctor",
        "bench",
        "sweep",
        "reproduce",
    ):
        assert f"\n  {name} " in text
