"""Hostfiles that cannot be used: one line that names place and cure, and nothing half-written."""

from __future__ import annotations

import re
import sys

import pytest

from netopt import launcher
from netopt.errors import ConfigError

from .conftest import LAUNCH, begin, environment, finish

OTHERS = [  # of Open MPI?, what it does not read, its name
    (False, "node1 slots=2", "MPICH"),
    (True, "node1:2", "Open MPI"),
]


def netopt(folder, *words, **variables):
    """Run netopt in a folder."""
    command = [sys.executable, "-m", "netopt", *words]
    return finish(begin(command, environment(**variables), folder))


@pytest.mark.parametrize("open_mpi", [False, True])
def test_the_example_serves_both_libraries(open_mpi):
    launcher.check_hostfile(LAUNCH / "hostfile.example", open_mpi)


@pytest.mark.parametrize(("open_mpi", "line", "library"), OTHERS)
def test_the_form_of_the_other_library(tmp_path, open_mpi, line, library):
    file = tmp_path / "hosts"
    file.write_text(f"# hosts: a:2 slots=2\n{line}  # two\n")
    launcher.check_hostfile(file, not open_mpi)
    told = (
        f"line 2 of the hostfile '{file}' says '{line}', which {library} does not read; name the "
        "host alone, on one line for each of its ranks"
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(told)}$"):
        launcher.check_hostfile(file, open_mpi)


def test_what_is_no_hostfile(tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for file, why in (
        (tmp_path / "none", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (binary, "it is no text"),
    ):
        told = f"cannot read the hostfile '{file}': {why}"
        with pytest.raises(ConfigError, match=f"^{re.escape(told)}$"):
            launcher.check_hostfile(file, open_mpi=False)


def test_a_file_without_hosts(tmp_path):
    file = tmp_path / "hosts"
    file.write_text("# node1\n\n")
    with pytest.raises(ConfigError, match=r"names no host; name one on each line$"):
        launcher.check_hostfile(file, open_mpi=False)


def test_an_address_of_ipv6_is_a_host(tmp_path):
    file = tmp_path / "hosts"
    file.write_text("fd00::2\n")
    launcher.check_hostfile(file, open_mpi=True)


@pytest.mark.parametrize("open_mpi", [False, True])
def test_the_command_names_the_file(tmp_path, monkeypatch, open_mpi):
    file = tmp_path / "hosts"
    file.write_text("a\nb\n")
    monkeypatch.setattr(launcher, "find_mpirun", lambda: "/opt/mpirun")
    monkeypatch.setattr(launcher, "is_open_mpi", lambda _: open_mpi)
    monkeypatch.setattr(launcher, "usable_cores", lambda: 1)
    words, _ = launcher.command(2, ["job.yaml"], file)
    option = "--hostfile" if open_mpi else "-f"
    assert words[:5] == ["/opt/mpirun", "-n", "2", option, str(file)]
    assert "--oversubscribe" not in words  # the file says how many ranks a host takes


@pytest.mark.parametrize(
    ("words", "variables", "told"),
    [
        (["--driver", "lockstep"], {}, "lockstep plays all agents on this host; leave --hostfile"),
        ([], {"PMI_RANK": "0"}, "--hostfile starts mpirun itself; use it without mpirun"),
        ([], {}, "cannot read the hostfile 'hosts': No such file or directory"),
    ],
)
def test_nothing_is_written(job, tmp_path, words, variables, told):
    pytest.importorskip("mpi4py")
    words = ["run", job, "--out", tmp_path / "run", "--hostfile", "hosts", *words]
    done = netopt(tmp_path, *words, **variables)
    assert done.code == 2
    assert done.err.startswith(f"netopt: error: {told}")
    assert done.err.count("\n") == 1
    assert not (tmp_path / "run").exists()
