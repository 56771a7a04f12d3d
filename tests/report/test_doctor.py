"""The doctor on healthy and on broken installations; the broken ones are faked."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys

import pytest

from netopt import launcher
from netopt.core import packing
from netopt.report import doctor, machine
from netopt.report.finding import Finding
from netopt.report.text import plain

REINSTALL = "install a C compiler (gcc or clang) and reinstall netopt"


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
