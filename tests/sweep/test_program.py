"""A whole sweep: its runs are those of ``netopt run``, its tables add up, and it goes on."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from netopt import __main__ as command_line
from netopt import config, yamlfile
from netopt.engine import lockstep
from netopt.errors import ConfigError
from netopt.sweep import _figure, _playing, _program
from netopt.sweep.commands import sweep as sweep_command

from .conftest import TINY

GRID = ("seed=0..2", "codecs.mix.levels=2,8")
KILLER = """
import os, signal
from netopt.problems.quadratic import Quadratic

class Killer(Quadratic):
    '''A quadratic whose gradient ends the process.'''
    id = "killer"
    def grad(self, rank, x, key):
        os.kill(os.getpid(), signal.SIGKILL)

class Buggy(Quadratic):
    '''A quadratic with a mistake.'''
    id = "buggy"
    def grad(self, rank, x, key):
        print("this is no answer")
        return 1 / 0
"""


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def timeless(rows):
    return [{**row, "seconds": 0} for row in rows]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A sweep of three seeds and two codecs, which several tests look at."""
    folder = tmp_path_factory.mktemp("played")

    (folder / "tiny.yaml").write_text(TINY)
    wish = _program.Wish(str(folder / "tiny.yaml"), GRID, out=folder / "out")
    assert _program.run(wish) == 0
    return folder


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out the figure, which takes longer than all the runs."""
    monkeypatch.setattr(_figure, "paint", lambda *everything: None)


def test_a_run_of_a_sweep_is_that_of_netopt_run(played, tmp_path, capsys):
    words = ["--set", "seed=1", "--set", "codecs.mix.levels=8", "--driver", "lockstep"]
    with pytest.raises(SystemExit) as end:
        command_line.main(
            ["run", str(played / "tiny.yaml"), *words, "--out", str(tmp_path / "run")]
        )
    assert end.value.code in (0, None)
    ours = played / "out" / "runs" / "seed=1,levels=8"
    assert sorted(p.name for p in ours.iterdir()) == sorted(
        p.name for p in (tmp_path / "run").iterdir()
    )
    for name in ("run.yaml", "edges.csv"):
        assert (ours / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
    one, other = (
        timeless(map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()))
        for folder in (ours, tmp_path / "run")
    )
    assert one == other
    assert len(one) == 4


def test_the_table_has_the_last_row_of_every_run(played):
    """The oracle plays each run here."""
    rows = table(played / "out" / "table.csv")
    assert [(row["seed"], row["codecs.mix.levels"]) for row in rows] == [
        (str(seed), levels) for seed in range(3) for levels in ("2", "8")
    ]
    for row in rows:
        words = [f"seed={row['seed']}", f"codecs.mix.levels={row['codecs.mix.levels']}"]
        last = lockstep(config.make(config.read(played / "tiny.yaml", words)), None).rows[-1]
        for name in set(last) - {"seconds", "emulated_seconds"}:
            assert float(row[name]) == last[name]
        assert (row["stopped_by"], row["error"], float(row["seconds"]) > 0) == ("rounds", "", True)


def test_the_summary_averages_over_the_seeds(played):
    rows = table(played / "out" / "table.csv")
    means = table(played / "out" / "summary.csv")
    for levels in ("2", "8"):
        some = [float(row["loss"]) for row in rows if row["codecs.mix.levels"] == levels]
        (one,) = [
            row for row in means if (row["metric"], row["codecs.mix.levels"]) == ("loss", levels)
        ]
        assert (one["n"], one["failed"], "seed" in one) == ("3", "0", False)
        assert float(one["mean"]) == pytest.approx(np.mean(some))
        assert float(one["sd"]) == pytest.approx(np.std(some, ddof=1))
        half = 4.302652729911275 * np.std(some, ddof=1) / np.sqrt(3)  # t of 2 degrees at 97.5 %
        assert float(one["high"]) - float(one["mean"]) == pytest.approx(half)
        assert float(one["mean"]) - float(one["low"]) == pytest.approx(half)


def test_the_figure_and_what_was_asked_for_lie_beside(played):
    out = played / "out"
    assert (out / "sweep.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "sweep.pdf").read_bytes().startswith(b"%PDF")
    said = yamlfile.read(out / "sweep.yaml")
    assert said["axes"] == {"seed": "0..2", "codecs.mix.levels": "2,8"}
    assert (said["over"], said["base"]["rounds"]) == (["seed"], 6)


def test_the_same_command_plays_nothing_and_more_values_add_runs(played, undrawn, capsys):
    made = (played / "out" / "runs" / "seed=0,levels=2" / "metrics.jsonl").stat().st_mtime_ns
    wish = _program.Wish(str(played / "tiny.yaml"), GRID, out=played / "out")
    before = (played / "out" / "table.csv").read_bytes()
    assert _program.run(wish) == 0
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "netopt: runs: 6 (3 seed x 2 levels); all are checked first",
        "netopt: to play: 0, already there: 6",
    ]
    assert (played / "out" / "table.csv").read_bytes() == before
    assert _program.run(wish._replace(words=("seed=0..3", GRID[1]), over=("none",))) == 0
    said = capsys.readouterr()
    assert "netopt: to play: 2, already there: 6" in said.err
    assert len(table(played / "out" / "table.csv")) == 8
    assert {row["n"] for row in table(played / "out" / "summary.csv")} == {"1", "0"}
    assert (
        played / "out" / "runs" / "seed=0,levels=2" / "metrics.jsonl"
    ).stat().st_mtime_ns == made


def test_a_finished_run_is_not_replaced_by_another(played):
    wish = _program.Wish(str(played / "tiny.yaml"), (*GRID, "rounds=8"), out=played / "out")
    with pytest.raises(ConfigError) as refused:
        _program.run(wish)
    assert str(refused.value) == (
        f"'{played / 'out' / 'runs' / 'seed=0,levels=2'}' is complete, but with another 'rounds' "
        "than now; choose another --out, or delete it"
    )


def test_two_sweeps_do_not_share_a_folder(played):
    with open(played / "out" / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match=r"^another sweep is being played in "):
            _program.run(_program.Wish(str(played / "tiny.yaml"), GRID, out=played / "out"))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_runs_that_fail_are_named_and_the_others_go_on(sweep, undrawn, tmp_path, capfd):
    """One diverges, one has a mistake, one takes its process with it; the fourth is played."""
    (tmp_path / "mine.py").write_text(KILLER)
    words = ("problem.id=killer,buggy,quadratic", "codecs.mix=raw", "algorithm.lr=0.05,1e200")
    assert sweep(*words, jobs=1, load=[str(tmp_path / "mine.py")]) == 1
    rows = {(r["problem.id"], r["algorithm.lr"]): r for r in table(tmp_path / "out" / "table.csv")}
    assert rows["killer", "0.05"]["error"] == "its process ended with signal 9"
    assert rows["buggy", "0.05"]["error"] == "ZeroDivisionError('division by zero')"
    assert rows["quadratic", "1e200"]["error"].startswith("round ")
    assert rows["quadratic", "0.05"]["stopped_by"] == "rounds"
    said = capfd.readouterr().err
    assert "netopt: error: problem=killer, lr=0.05: its process ended with signal 9\n" in said
    assert said.splitlines()[-1].startswith("netopt: 5 of 6 runs failed: problem=killer,lr=0.05, ")
    failed = {
        (row["problem.id"], row["algorithm.lr"]): (row["n"], row["failed"])
        for row in table(tmp_path / "out" / "summary.csv")
        if row["metric"] == "loss"
    }
    assert failed["quadratic", "1e200"] == ("0", "1")
    assert failed["quadratic", "0.05"] == ("1", "0")


@contextmanager
def endless(file, out):
    """Give a sweep that is in its second run, which never ends, and the pid of who plays it."""
    command = [sys.executable, "-m", "netopt", "sweep", str(file), "--jobs", "1"]
    command += ["--set", "rounds=6,100000000", "--out", str(out)]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background job ignores the signal, and so would this process.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    player = 0
    try:
        deadline = time.monotonic() + 60
        late = out / "runs" / "rounds=100000000" / "manifest.json"
        while not late.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        player = json.loads((late).read_text())["pid"]
        yield process, player
    finally:
        for group in filter(None, (process.pid, player)):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        process.wait()
        process.stderr.close()


def test_a_sweep_that_is_killed_leaves_no_process_behind(file, tmp_path):
    with endless(file, tmp_path / "out") as (process, player):
        assert player != process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)  # waits until nobody holds the pipe, the player neither


def test_ctrl_c_ends_at_once_keeps_what_is_complete_and_goes_on(file, tmp_path):
    out = tmp_path / "out"
    with endless(file, out) as (process, player):
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert said.splitlines()[-1] == (
        f"netopt: interrupted; the runs that are complete stay in {out / 'runs'}, and the same "
        "command goes on with the others"
    )
    with pytest.raises(ProcessLookupError):
        os.kill(player, 0)
    grid = _program.Grid(file, ["rounds=6,100000000"], "lockstep")
    plan = _playing.plan(grid, grid.check()[0], out, ())
    assert [cell.name for cell in plan.done] == ["rounds=6"]
    assert [cell.name for cell in plan.waiting] == ["rounds=100000000"]


REFUSED = {
    "no driver for jobs": (
        {"driver": "mpi", "jobs": 2},
        "--jobs: over MPI one run follows the other; leave it out",
    ),
    "a file in the way": (
        {"out": Path("FILE")},
        "'FILE' is a file; choose another folder with --out",
    ),
    "a folder in the way": (
        {"out": Path("FOLDER")},
        "'FOLDER' is in the way and is no sweep; choose another with --out",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_before_anything_is_written(case, sweep, tmp_path, monkeypatch):
    options, message = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    Path("FILE").touch()
    Path("FOLDER").mkdir()
    Path("FOLDER", "mine").touch()
    with pytest.raises(ConfigError) as refused:
        sweep("seed=0,1", **options)
    assert str(refused.value) == message
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["FILE", "FOLDER", "tiny.yaml"]


def test_a_column_that_nobody_knows_is_named_after_the_tables_are_written(played):
    wish = _program.Wish(str(played / "tiny.yaml"), GRID, out=played / "out", y="los")
    with pytest.raises(ConfigError) as refused:
        _program.run(wish)
    assert str(refused.value) == "-y los: no run of the sweep knows it; did you mean 'loss'?"


@pytest.mark.serial
def test_over_mpi_the_rows_are_the_same(played, undrawn, sweep, tmp_path):
    assert sweep("seed=1,2", "codecs.mix.levels=8", driver="mpi") == 0
    for seed in (1, 2):
        one, other = (
            timeless(map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()))
            for folder in (
                tmp_path / "out" / "runs" / f"seed={seed}",
                played / "out" / "runs" / f"seed={seed},levels=8",
            )
        )
        assert one == other


def test_the_examples_of_the_help_can_be_played():
    lines = [
        line.split("netopt ")[1]
        for line in (sweep_command.help or "").splitlines()
        if "netopt sweep " in line
    ]
    assert len(lines) == 4
    for line in lines:
        file, *_ = words = shlex.split(line)[1:]
        given = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
        cells, _ = _program.Grid(config.locate(file), given, "lockstep").check()
        assert len(cells) >= 4
