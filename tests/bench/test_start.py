"""The benchmark of the start: what it runs, what its rows say, and that nothing is left running."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from netopt import __main__ as command_line
from netopt import launcher
from netopt.bench import start
from netopt.errors import ConfigError


def rival(code: str, told=lambda out, said: 0.0) -> start.Rival:
    """Return a single process instead of mpirun."""
    return start.Rival([sys.executable, "-c", code], {"NETOPT_TEST": "7"}, told)


def test_the_rows_say_medians_of_turns_and_what_they_are_measured_against():
    pairs = [(1.0, 2.0), (3.0, 5.0), (2.0, 9.0)]
    ours = [start.Time(*pair) for pair in pairs]
    bare = [start.Time(first / 2, whole / 4) for first, whole in pairs]
    row = start._row("quadratic", 4, ours, bare)
    assert (row["problem"], row["ranks"], row["repeats"]) == ("quadratic", 4, 3)
    assert (row["seconds"], row["bare_seconds"], row["ratio"]) == (2.0, 1.0, 2.0)
    assert (row["whole_seconds"], row["whole_bare_seconds"], row["whole_ratio"]) == (5.0, 1.25, 4.0)
    assert row["spread"] == pytest.approx((3 - 1) / 2)


def test_a_single_turn_has_no_spread():
    assert start._spread([3.0]) == 0


def test_a_turn_gets_its_variables_writes_bytecode_and_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    code = (
        "import os, pathlib, sys, time\n"
        "out = pathlib.Path(os.environ['HERE'], 'out'); out.mkdir()\n"
        "(out / 'metrics.jsonl').write_text('{}'); time.sleep(0.3)\n"
        "assert os.environ['NETOPT_TEST'] == '7' and not sys.dont_write_bytecode"
    )
    monkeypatch.setenv("HERE", str(tmp_path))
    took = start._take_turn(rival(code, start._end_of_first_round), tmp_path)
    assert 0 < took.first < took.whole - 0.2
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_fails_is_told_in_its_own_words():
    with pytest.raises(ConfigError) as caught:
        start._run(rival("import sys; sys.exit('no such thing')"))
    assert str(caught.value) == "mpirun ended with exit code 1: no such thing"


def test_a_command_that_does_not_end_is_ended_with_its_children(monkeypatch, tmp_path):
    """The child would write a file after two seconds."""
    monkeypatch.setattr(start, "TIMEOUT", 0.5)
    late = f"import time, pathlib; time.sleep(2); pathlib.Path({str(tmp_path / 'late')!r}).touch()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {late!r}])"
    with pytest.raises(ConfigError) as caught:
        start._run(rival(code))
    assert str(caught.value) == "mpirun did not end within 0.5 s"
    time.sleep(2)
    assert list(tmp_path.iterdir()) == []


def test_both_sides_are_started_by_the_same_launcher_with_the_same_variables(tmp_path):
    rivals = start._rivals(3, tmp_path)
    assert list(rivals) == ["bare", *start.PROBLEMS]
    words = {name: list(one.words) for name, one in rivals.items()}
    shared = words["bare"].index("-c")
    assert len({tuple(line[:shared]) for line in words.values()}) == 1
    assert len({json.dumps(one.variables) for one in rivals.values()}) == 1
    assert "3" in words["bare"][:shared]


def test_two_ranks_are_measured_and_shown(tmp_path, monkeypatch, capsys):
    """The real thing, once: a start takes longer than nothing, and less than its whole run."""
    try:
        launcher.check()
    except ConfigError as error:
        pytest.skip(str(error))
    seen = []
    rows = start.measure(2, 1, lambda done, of: seen.append((done, of)))
    assert seen == [(0, 1), (1, 1)]
    assert [row["problem"] for row in rows] == list(start.PROBLEMS)
    for row in rows:
        assert 0 < row["seconds"] < row["whole_seconds"] < start.TIMEOUT
        assert row["ratio"] == row["seconds"] / row["bare_seconds"]
    monkeypatch.setattr(start, "measure", lambda watch: rows)
    with pytest.raises(SystemExit) as done:
        command_line.main(["bench", "start", "--json", str(tmp_path / "rows.json")])
    assert not done.value.code
    assert json.loads(Path(tmp_path, "rows.json").read_text()) == rows
    shown = capsys.readouterr().out
    assert all(problem in shown for problem in start.PROBLEMS)


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(monkeypatch, capsys):
    monkeypatch.setattr(start, "measure", lambda **given: pytest.fail("measured"))
    with pytest.raises(SystemExit) as done:
        command_line.main(["bench", "start", "--json", "/no/such/folder/rows.json"])
    assert done.value.code == 2
    assert "cannot write '/no/such/folder/rows.json'" in capsys.readouterr().err
