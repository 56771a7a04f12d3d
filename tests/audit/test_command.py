"""``netopt audit`` as it is typed, under the MPI library that is installed here."""

from __future__ import annotations

import json

import pytest
from commands import netopt

from netopt import launcher
from netopt.errors import ConfigError
from netopt.fabric import _requirements

pytestmark = pytest.mark.serial
AGENTS = 3
JOB = """\
problem: {id: quadratic, dimension: 2000}
topology: {id: ring, size: 3}
algorithm: dgd
codecs: {mix: {id: qsgd, levels: 15}}
rounds: 10
record: {every: 5, frames: 4}
"""
SMUGGLER = """
import numpy as np
from mpi4py import MPI
from netopt.problems.quadratic import Quadratic

class Smuggler(Quadratic):
    '''A quadratic whose agent 1 sends agent 2 a vector past netopt, once.'''
    id = "smuggler"
    asked = False
    def grad(self, rank, x, key):
        if not self.asked and rank in (1, 2):
            buffer = np.zeros(25)
            world = MPI.COMM_WORLD
            request = world.Isend(buffer, 2) if rank == 1 else world.Irecv(buffer, 1)
            while not request.Test():
                pass
        self.asked = True
        return super().grad(rank, x, key)
"""


@pytest.fixture
def job(tmp_path):
    """Return a run file."""
    file = tmp_path / "job.yaml"
    file.write_text(JOB)
    return file


@pytest.fixture(params=["MPICH", "Open MPI"])
def family(request):
    """Return the family of the MPI library that is installed; skip the test of the other."""
    here = "Open MPI" if launcher.is_open_mpi(launcher.find_mpirun()) else "MPICH"
    if request.param != here:
        pytest.skip(f"{here} is installed here, and two MPI libraries never share an environment")
    return here


@pytest.fixture
def fabric():
    """Skip a test where the kernel cannot build a fabric."""
    try:
        _requirements.check(False)
    except ConfigError as error:
        pytest.skip(str(error))


def seen(file):
    """Return the content of --json after what any audit has to hold."""
    told = json.loads(file.read_text())
    assert len(told["edges"]) == 2 * AGENTS
    for edge in told["edges"]:
        ledger = edge["ledger"]
        assert ledger["frames"] == 10
        assert edge["mpi"] == {"messages": 10, "bytes": ledger["bytes"]}
        assert edge["agree"]
    assert told["agree"]
    return told


@pytest.mark.parametrize(
    ("codec", "frame"),
    [("raw", 32 + 2000 * 8), ("{id: qsgd, levels: 15}", None), ("{id: dithering}", None)],
)
def test_the_library_saw_exactly_the_ledgers_frames(job, tmp_path, codec, frame, family):
    file = tmp_path / "audit.json"
    words = ("audit", job, "--no-fabric", "--json", file, "--set", f"codecs.mix={codec}")
    code, out, err = netopt(*words)
    assert code == 0, err
    told = seen(file)
    assert family.lower() in told["mpi"].lower()
    if frame is not None:
        assert {edge["ledger"]["bytes"] for edge in told["edges"]} == {10 * frame}
    assert all(edge["kernel"] is None for edge in told["edges"])
    assert "kernel: not available: --no-fabric" in out
    assert out.endswith("verdict: ledger and MPI library agree\n")
    assert "netopt: for the audit: record.frames=0, not 4: captured frames travel once more" in err


def test_the_kernel_counted_what_is_explained(job, tmp_path, fabric):
    file = tmp_path / "audit.json"
    code, out, err = netopt("audit", job, "--fabric", "--json", file)
    assert code == 0, out + err
    told = seen(file)
    for line in [*told["edges"], *told["others"]]:
        kernel = line["kernel"]
        assert kernel["packets"] > 0
        assert abs(kernel["off"]) <= max(0.01 * kernel["bytes"], told["framing"]["least_bytes"])
    assert out.endswith("verdict: ledger, MPI library and kernel agree\n")


def test_who_sends_past_the_ledger_is_caught(job, tmp_path):
    """A component that sends 200 bytes of its own on an edge: exit code 1, and the edge named."""
    own = tmp_path / "own.py"
    own.write_text(SMUGGLER)
    file = tmp_path / "audit.json"
    words = ("audit", job, "--no-fabric", "--load", own, "--set", "problem.id=smuggler")
    code, out, err = netopt(*words, "--json", file)
    assert code == 1, out + err
    told = json.loads(file.read_text())
    wrong = [edge for edge in told["edges"] if not edge["agree"]]
    assert [(edge["src"], edge["dst"]) for edge in wrong] == [(1, 2)]
    assert wrong[0]["mpi"] == {"messages": 11, "bytes": wrong[0]["ledger"]["bytes"] + 200}
    assert out.endswith("verdict: ledger and MPI library disagree\n")


def test_resent_frames_and_a_set_up_are_counted_as_they_cross(job, tmp_path):
    file = tmp_path / "audit.json"
    lossy = "topology={id: ring, size: 3, link: {loss: 0.4}}"
    code, out, err = netopt("audit", job, "--no-fabric", "--set", lossy, "--json", file)
    assert code == 0, out + err
    edges = json.loads(file.read_text())["edges"]
    each = {edge["ledger"]["bytes"] // edge["mpi"]["messages"] for edge in edges}
    assert each == {32 + 4 + 2000 * 5 // 8}
    assert sum(edge["ledger"]["more"] for edge in edges) > 0
    assert "messages beyond the frames" in out


def test_a_run_that_fails_gives_its_own_exit_code(job):
    wild = ("--set", "algorithm={id: dgd, lr: 1e200}", "--set", "codecs.mix=raw")
    code, out, err = netopt("audit", job, "--no-fabric", *wild)
    assert code == 3, out + err
    assert "verdict" not in out
