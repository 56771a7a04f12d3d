"""Runs across hosts that a hostfile names: the hosts are network namespaces, ssh is a script."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from netopt.launcher import find_mpirun, is_open_mpi

from .conftest import LAUNCH, Done, begin, environment, finish, left
from .hosts import Hosts, forget_the_dead, ip, wanting

pytest.importorskip("mpi4py")
pytestmark = pytest.mark.serial
PYTHON = sys.executable


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    """Yield two hosts that are removed afterwards, also if they could not be made completely."""
    lacking = wanting()
    if lacking:
        pytest.skip(lacking)
    if is_open_mpi(find_mpirun()):
        pytest.skip("the hosts are reached by options of MPICH's launcher, and this is Open MPI's")
    pair = Hosts(tmp_path_factory.mktemp("hosts"))
    try:
        pair.make()
        yield pair
    finally:
        pair.remove()
        assert not set(os.listdir("/sys/class/net")) & {pair.wire, *pair.names}
        assert not [name for name in pair.names if Path("/run/netns", name).exists()]


@pytest.fixture
def hostfile(hosts, tmp_path):
    """Return a file in the form of the example, for two ranks on each host."""
    file = tmp_path / "hostfile"
    lines = (LAUNCH / "hostfile.example").read_text().replace("node", hosts.names[0][:-1])
    file.write_text(lines)
    return file


def across(hosts: Hosts) -> dict[str, str]:
    """Return the variables by which MPICH reaches the hosts and talks over their cables."""
    return environment(
        HYDRA_LAUNCHER="ssh",
        HYDRA_LAUNCHER_EXEC=str(hosts.ssh),
        HYDRA_IFACE=hosts.wire,
        MPIR_CVAR_CH4_NETMOD="ofi",
        FI_PROVIDER="tcp",
        FI_TCP_IFACE=hosts.wire,
    )


def start(hosts: Hosts, hostfile: Path, folder: Path, *words: str | Path) -> Done:
    """Run four ranks of a command on the hosts of a file, as the README says."""
    arguments = [find_mpirun(), "-f", hostfile, "-n", "4", *words]
    return finish(begin(arguments, across(hosts), folder))


def crossing(directory: Path) -> int:
    """Return the bytes that ranks 0 and 1 sent to ranks 2 and 3, by the run's edges."""
    with open(directory / "edges.csv", newline="") as file:
        return sum(
            int(row["payload_bytes"]) + int(row["header_bytes"])
            for row in csv.DictReader(file)
            if int(row["src"]) < 2 <= int(row["dst"])
        )


def test_two_ranks_on_each_of_two_hosts(hosts, hostfile, tmp_path):
    code = "import os; print(os.uname().nodename + '\\n', end='')"  # in one piece: ranks would mix
    done = start(hosts, hostfile, tmp_path, PYTHON, "-c", code)
    assert done.code == 0, done.err
    assert sorted(done.out.split()) == sorted(2 * hosts.names)


def test_a_run_across_hosts_equals_lockstep(hosts, hostfile, job, tmp_path, expected):
    before = hosts.sent(hosts.names[0])
    words = [PYTHON, "-m", "netopt", "run", job, "--out", "run"]
    done = start(hosts, hostfile, tmp_path, *words)
    assert done.code == 0, done.err
    assert left(tmp_path / "run") == expected
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text("utf-8"))
    assert manifest["hosts"] == {hosts.names[0]: [0, 1], hosts.names[1]: [2, 3]}
    assert hosts.sent(hosts.names[0]) - before > crossing(tmp_path / "run") > 0


def test_a_mistake_is_told_once(hosts, hostfile, job, tmp_path):
    words = [PYTHON, "-m", "netopt", "run", job, "--out", "run", "--set", "topology.size=5"]
    done = start(hosts, hostfile, tmp_path, *words)
    told = "netopt: error: the topology has 5 nodes, but mpirun started 4 ranks; use mpirun -n 5\n"
    assert (done.code, done.err) == (2, told)
    assert not (tmp_path / "run").exists()


def test_what_was_made_is_removed_if_the_rest_cannot_be(hosts, tmp_path):
    other = Hosts(tmp_path)
    other.wire = f"{hosts.wire}x"
    other.names = [f"{hosts.names[0]}x", "nc" + 16 * "x"]  # no interface has so long a name
    with pytest.raises(RuntimeError, match=r"^ip link add ncx"):
        other.make()
    made = {other.wire, other.names[0]}
    assert made <= set(os.listdir("/sys/class/net"))
    other.remove()
    assert not made & set(os.listdir("/sys/class/net"))
    assert not [name for name in other.names if Path("/run/netns", name).exists()]


def test_netopt_run_takes_a_hostfile(hosts, hostfile, job, tmp_path, expected):
    before = hosts.sent(hosts.names[0])
    words = [PYTHON, "-m", "netopt", "run", job, "--out", "run", "--hostfile", hostfile]
    done = finish(begin(words, across(hosts), tmp_path))
    assert done.code == 0, done.err
    assert f" -n 4 -f {hostfile} " in done.err
    assert left(tmp_path / "run") == expected
    assert hosts.sent(hosts.names[0]) - before > crossing(tmp_path / "run") > 0


def test_the_command_of_the_manifest_as_its_operator_starts_it(hosts, tmp_path):
    """Kubernetes' MPI Operator tells MPICH the workers by variables; netopt adds nothing."""
    spec = yaml.safe_load((LAUNCH / "mpijob.yaml").read_text())["spec"]
    (launcher,) = spec["mpiReplicaSpecs"]["Launcher"]["template"]["spec"]["containers"]
    words = [word.replace("/runs/$(POD)", "pod") for word in launcher["args"]]
    (tmp_path / "workers").write_text("".join(f"{name}:4\n" for name in hosts.names))
    told = {
        "HYDRA_HOST_FILE": str(tmp_path / "workers"),
        "HYDRA_LAUNCH_EXTRA_ARGS": "-o ConnectionAttempts=10",
        "PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}",
    }
    words = [*launcher["command"], *words, "--set", "rounds=2"]
    before = hosts.sent(hosts.names[1])
    done = finish(begin(words, across(hosts) | told, tmp_path))
    assert done.code == 0, done.err
    assert "run directory: pod" in done.out
    assert hosts.sent(hosts.names[1]) > before + 1000


def test_what_a_killed_test_has_left_is_removed_by_the_next(hosts):
    done = subprocess.Popen([PYTHON, "-c", ""])
    done.wait()
    name = f"nc{done.pid}h1"
    ip("netns", "add", name)
    forget_the_dead()
    assert not Path("/run/netns", name).exists()
    assert Path("/run/netns", hosts.names[0]).exists()
