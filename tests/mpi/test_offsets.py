"""Offsets between clocks are found within the round trip, and none is looked for on one host."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from netopt import launcher
from netopt.network import offsets

from .conftest import command

PROGRAM = """
import json, os, sys, time
from netopt.mpi import MPI
from netopt.network import offsets

def wait(request):
    while not request.Test():
        os.sched_yield()

comm = MPI.COMM_WORLD.Dup()
rank = comm.Get_rank()
plain = offsets.calibrate(comm, wait)
calls = [0]
# Ranks 0 and 3 are one host, and so are 1 and 4; each host's clock is off by a shift of its own.
shift = (0.0, 1234.5, -777.25)[rank % 3]

def clock():
    calls[0] += 1
    return time.monotonic() + shift

found = offsets.calibrate(comm, wait, bytes([rank % 3]) * 16, clock)
said = comm.gather([rank, plain, found, shift, calls[0]])
if rank == 0:
    print(json.dumps(said))
comm.Free()
"""


def test_shifted_clocks_are_found_within_the_round_trip(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    arguments, variables = launcher.command(5, [])
    done = command([*arguments[: arguments.index("-m")], str(program)], **variables)
    assert done.code == 0, done.err
    said = {rank: rest for rank, *rest in json.loads(done.out)}
    assert sorted(said) == [0, 1, 2, 3, 4]
    for rank, (plain, (seconds, error), shift, asked) in said.items():
        assert plain == [0.0, 0.0], "all are on one host"
        if rank in (0, 3):
            assert (seconds, error) == (0.0, 0.0)
        else:
            assert 0 < error < 1
            # 1e-9: the clocks' own digits are some 1e-12 s, those of the shifts' sums more.
            assert abs(seconds + shift) <= error + 1e-9
        assert asked == (2 * offsets.ROUNDS if rank < 3 else 0), "one rank of a host is asked"
    assert said[1][1] == said[4][1], "the ranks of a host agree"


class Alone:
    """A communicator of ranks that are played one after another, for what all of them say."""

    def __init__(self, rank: int, names: list[bytes]) -> None:
        self._rank, self._names = rank, names

    def Get_rank(self) -> int:
        return self._rank

    def Get_size(self) -> int:
        return len(self._names)

    def Iallgather(self, mine: object, rows: object) -> None:
        del mine
        for row, name in zip(rows, self._names, strict=True):  # type: ignore[call-overload]
            row[:] = list(name)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_on_one_host_nobody_asks(rank: int) -> None:
    def clock() -> float:
        raise AssertionError("nobody has to know the time")

    name = offsets.host()
    found = offsets.calibrate(Alone(rank, [name] * 3), lambda _: None, None, clock)
    assert found == (0.0, 0.0)


def test_a_host_is_the_same_for_all_its_processes() -> None:
    code = "from netopt.network import offsets; print(offsets.host().hex())"
    done = command([sys.executable, "-c", code])
    assert done.out.strip() == offsets.host().hex()
    assert len(offsets.host()) == 16


def test_a_host_has_a_name_where_no_kernel_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = offsets.host()
    monkeypatch.setattr(offsets, "BOOT", tmp_path / "missing")
    monkeypatch.setattr(offsets, "TIME", tmp_path / "missing")
    monkeypatch.setattr(offsets.platform, "node", lambda: "a")
    first = offsets.host()
    monkeypatch.setattr(offsets.platform, "node", lambda: "b")
    assert len({before, first, offsets.host()}) == 3


def test_what_a_namespace_calls_itself_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    if not offsets.BOOT.exists():
        pytest.skip("this system does not tell one start of its kernel from another")
    before = offsets.host()
    monkeypatch.setattr(offsets.platform, "node", lambda: "another")
    assert offsets.host() == before


SHIFTED = """
import os, sys, time
rank = next(int(os.environ[n]) for n in ("PMI_RANK", "OMPI_COMM_WORLD_RANK") if n in os.environ)
steady = time.monotonic
time.monotonic = lambda: steady() + 5000.0 * rank
from netopt import worker
from netopt.network import offsets
offsets.host = lambda: bytes([rank]) * 16
sys.exit(worker.run({file!r}, (), (), {out!r}, debug=False, quiet=True))
"""


def test_a_real_clock_is_right_across_hosts_whose_own_are_not(tmp_path: Path) -> None:
    """Each rank has a host of its own, an hour apart: frames come neither late nor early."""
    file, out = tmp_path / "job.yaml", tmp_path / "run"
    file.write_text(
        """
rounds: 10
problem: {id: quadratic, dimension: 1000}
topology: {id: ring, size: 3, link: {rate: 1 Mbit/s, latency: 5 ms}}
algorithm: dgd
network: {clock: real, timeout: 20}
"""
    )
    program = tmp_path / "program.py"
    program.write_text(SHIFTED.format(file=str(file), out=str(out)), encoding="utf-8")
    arguments, variables = launcher.command(3, [])
    done = command([*arguments[: arguments.index("-m")], str(program)], **variables)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    wanted = 10 * (8 * 8032 / 1e6 + 5e-3)
    # A clock that is ahead by the error lets frames go as much too early.
    assert wanted - 0.1 <= rows[-1]["emulated_seconds"] < 2 * wanted + 1
