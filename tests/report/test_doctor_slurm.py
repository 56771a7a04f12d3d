"""Ranks that srun started, and those that it left alone."""

from __future__ import annotations

import pytest

from netopt import launcher, speech
from netopt.errors import ConfigError
from netopt.report import doctor, mpi, slurm
from netopt.report.finding import Finding

from .conftest import SIZES

GET_ONE = "pip install 'netopt[mpich]', or run in one process with --driver lockstep"


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
