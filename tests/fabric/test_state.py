"""Whose is what: names are claimed once, and only what has lost its owner is given up."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from netopt.errors import ConfigError
from netopt.fabric import _namespaces, _program, _state


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the records of these tests, and the namespaces they remove, apart from the machine's."""
    monkeypatch.setattr(_namespaces, "FOLDER", tmp_path / "namespaces")
    (tmp_path / "namespaces").mkdir()
    monkeypatch.setattr(_state, "FOLDER", tmp_path / "state")
    return tmp_path / "state"


def claim(name: str | None = None, taken: tuple[str, ...] = ()) -> _state.Record:
    return _state.claim(2, "now", ((0, 1, 1e6), (1, 0, None)), name, taken)


def test_claims_at_once_get_a_name_each() -> None:
    with ThreadPoolExecutor(8) as pool:
        names = [record.name for record in pool.map(lambda _: claim(), range(40))]
    assert sorted(names) == sorted(f"netopt-{number}" for number in range(1, 41))
    assert [record.name for record in _state.records()] == [f"netopt-{n}" for n in range(1, 41)]


def test_a_record_is_read_as_it_was_written() -> None:
    made = claim()
    assert _state.records() == [made]
    assert made.alive
    assert not made.left
    _state.update(made._replace(owner=None))
    assert [(record.alive, record.left) for record in _state.records()] == [(False, False)]
    _state.release(made)
    assert _state.records() == []


def test_a_name_that_somebody_has_is_not_given_again(folder: Path) -> None:
    assert claim(taken=("netopt-1",)).name == "netopt-2"
    claim("netopt-mine")
    with pytest.raises(ConfigError, match=r"^the name 'netopt-mine' is taken; 'netopt fabric stat"):
        claim("netopt-mine")
    with pytest.raises(ConfigError, match=r"^a fabric's name is netopt- and 1 to 12 of a-z and 0"):
        claim("../etc")
    assert sorted(file.name for file in folder.iterdir()) == [
        "netopt-2.json",
        "netopt-mine.json",
    ], "no temporary file is left"


def test_a_damaged_record_is_named(folder: Path) -> None:
    made = claim()
    (folder / f"{made.name}.json").write_text('{"size": 2}', "utf-8")
    with pytest.raises(ConfigError, match=r"netopt-1.json' is damaged; remove it, and 'ip netns d"):
        _state.records()


def test_an_owner_is_a_process_and_its_start() -> None:
    """A number comes again: another process that has it is not the owner."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = _state.started(child.pid)
    assert born is not None
    record = _state.Record("netopt-1", 2, (child.pid, born))
    assert record.alive
    assert not record._replace(owner=(child.pid, born - 1)).alive
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert record.left, "a process that has ended but is not yet waited for"
    child.communicate()
    assert record.left


def test_clean_takes_what_lost_its_owner_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_program._requirements, "check", lambda shaped: None)
    alive, gone, up = claim(), claim(), claim()
    _state.update(gone._replace(owner=(gone.owner[0], 1)))
    _state.update(up._replace(owner=None))
    _program.clean(force=False)
    assert capsys.readouterr().out == (
        "netopt-2 is removed\ncleaned; 2 in use or up, see 'netopt fabric status'\n"
    )
    with pytest.raises(ConfigError, match=r"^netopt-1 is of process \d+, which runs; end that"):
        _program.down(["netopt-1"])
    _program.down([])
    assert _state.records() == [alive]
    _program.clean(force=True)
    assert capsys.readouterr().out == "netopt-3 is removed\nnetopt-1 is removed\ncleaned\n"


def test_who_shares_the_machine_s_own_network_is_never_ended() -> None:
    """Whatever a namespace's file leads to: here, to where this very test lives."""
    (_namespaces.FOLDER / "netopt-1-0").symlink_to("/proc/self/ns/net")
    (_namespaces.FOLDER / "netopt-1-1").touch()
    assert _namespaces.inhabitants(["netopt-1-0", "netopt-1-1", "netopt-1-2"]) == []
