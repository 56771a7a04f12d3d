"""Lossy links over MPI: what is sent again does cross the wire, and changes no trajectory.

The draws are seeded; were they not, a sound run would fail with a probability below 1e-6.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binom, nbinom

from . import jobs
from .conftest import command, netopt

ALARM = 1e-9
LOSS = 0.1
PLAIN = {"rate": "10 Mbit/s", "latency": "1 ms"}
TIMES = ("seconds", "emulated_seconds", "wire_bytes")


def job(algorithm: Any, graph: str, rounds: int = 60, **link: Any) -> dict[str, Any]:
    """Return a run file with this link on all edges of a graph of four."""
    return {
        "seed": 2,
        "rounds": rounds,
        "problem": {"id": "quadratic", "dimension": 10},
        "topology": {"id": graph, "size": 4, "link": {**PLAIN, **link}},
        "algorithm": algorithm,
        "network": {"compute": "fixed"},
        "record": {"every": 20, "frames": 5},
    }


METHODS = {
    "dgd": ("dgd", "ring"),
    "choco-sgd": ("choco-sgd", "ring"),
    "diana": ({"id": "diana", "lr": 0.01}, "star"),
}
RUNS = {name: job(*METHODS[name]) for name in METHODS}
RUNS |= {f"{name}-reliable": job(*METHODS[name], loss=LOSS) for name in METHODS}
RUNS |= {"very-lossy": job("dgd", "ring", 9, loss=0.9, resend_after=0)}
RUNS |= {"drop": job("dgd", "ring", loss=LOSS, on_loss="drop")}
RUNS |= {"drop-most": job("consensus", "ring", loss=0.9, on_loss="drop")}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play them all over MPI in one start; return the folder with a run directory for each."""
    folder = tmp_path_factory.mktemp("loss")
    jobs.play(folder, RUNS)
    return folder


@pytest.mark.parametrize("name", RUNS)
def test_lossy_runs_equal_lockstep(name: str, played: Path, tmp_path: Path) -> None:
    """Ledgers as well: the runs' own check says that all that was sent was received."""
    jobs.assert_equals_lockstep(played / name, tmp_path / "lockstep")


def without_times(directory: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in TIMES} for row in jobs.rows(directory)]


@pytest.mark.parametrize("name", METHODS)
def test_a_reliable_loss_changes_no_trajectory(name: str, played: Path) -> None:
    lossy = played / f"{name}-reliable"
    assert without_times(lossy) == without_times(played / name)
    assert (lossy / "frames.jsonl").read_text() == (played / name / "frames.jsonl").read_text()
    late, whole = (jobs.rows(folder)[-1] for folder in (lossy, played / name))
    assert late["emulated_seconds"] > whole["emulated_seconds"]


def sums(directory: Path) -> dict[str, int]:
    table = jobs.edges(directory)
    return {name: sum(row[name] for row in table) for name in table[0]}


@pytest.mark.parametrize("name", METHODS)
def test_what_is_sent_again_is_counted_and_as_much_as_chance_wants(name: str, played: Path) -> None:
    total, plain = sums(played / f"{name}-reliable"), sums(played / name)
    assert {**total, "resent_bytes": 0} == plain
    row = jobs.rows(played / f"{name}-reliable")[-1]
    whole = jobs.rows(played / name)[-1]
    assert row["wire_bytes"] == whole["wire_bytes"] + total["resent_bytes"]
    if name == "dgd":  # whose frames have all one size
        size = (total["payload_bytes"] + total["header_bytes"]) // total["frames"]
        copies, rest = divmod(total["resent_bytes"], size)
        tail = (total["frames"], 1 - LOSS)
        assert rest == 0
        assert nbinom.ppf(ALARM, *tail) <= copies <= nbinom.isf(ALARM, *tail)


def test_dropped_frames_are_counted_and_as_many_as_chance_wants(played: Path) -> None:
    for name, loss in (("drop", LOSS), ("drop-most", 0.9)):
        total = sums(played / name)
        tail = (total["frames"], loss)
        assert binom.ppf(ALARM, *tail) <= total["lost_frames"] <= binom.isf(ALARM, *tail)
        assert total["resent_bytes"] == 0


COUNTED = """
import sys
from netopt import worker

counts = [0, 0]

def run():
    from netopt.network.posts import Inlet, Sender
    send, take = Sender.send, Inlet.take

    def sending(self, message, target, again=False):
        counts[0] += len(message.frame)
        return send(self, message, target, again)

    def taking(self, size):
        counts[1] += self.status.Get_count()
        return take(self, size)

    Sender.send, Inlet.take = sending, taking
    code = worker.run({file!r}, (), (), {out!r}, debug=False, quiet=True)
    # In one piece: unbuffered, each word goes by itself, and those of the ranks mix.
    sys.stdout.write("counted {{}} {{}}\\n".format(*counts))
    sys.stdout.flush()
    return code

sys.exit(run())
"""


def test_what_is_sent_again_travels_over_mpi(tmp_path: Path) -> None:
    """Bytes counted where MPI is called, apart from the ledger."""
    from netopt import launcher

    file, out = tmp_path / "job.yaml", tmp_path / "run"
    file.write_text(json.dumps(RUNS["dgd-reliable"]), encoding="utf-8")
    program = tmp_path / "program.py"
    program.write_text(COUNTED.format(file=str(file), out=str(out)), encoding="utf-8")
    arguments, variables = launcher.command(4, [])
    at = arguments.index("-m")
    done = command([*arguments[:at], str(program)], **variables)
    assert done.code == 0, done.err
    counts = [line.split()[1:] for line in done.out.splitlines() if line.startswith("counted")]
    sent, received = (sum(map(int, column)) for column in zip(*counts, strict=True))
    total = sums(out)
    assert total["resent_bytes"] > 0
    wire = total["payload_bytes"] + total["header_bytes"] + total["resent_bytes"]
    assert sent == received == wire, done.out


def test_who_cannot_live_with_dropped_frames_is_refused(tmp_path: Path) -> None:
    file, out = tmp_path / "job.yaml", tmp_path / "run"
    file.write_text(json.dumps(job("choco-sgd", "ring", loss=0.1, on_loss="drop")))
    done = netopt("run", file, "--out", out)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "drops frames, and choco-sgd cannot do without one" in done.err
    assert not out.exists()
