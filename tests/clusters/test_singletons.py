"""Ranks that srun started as strangers: one line says so, and nothing is played or left behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .conftest import Done, begin, environment, finish

pytest.importorskip("mpi4py")
pytestmark = pytest.mark.serial

TOLD = (
    "netopt: error: srun started {} tasks, but each of them is a world of size 1; use srun "
    "--mpi=pmi2 for MPICH or srun --mpi=pmix for Open MPI ('srun --mpi=list' names what Slurm has),"
    " or mpirun inside the allocation\n"
)
WORKER = ["-m", "netopt.worker"]
RUN = ["-m", "netopt", "run"]
PYTHON = sys.executable


def step(tasks: int, words: list[str | Path], folder: Path, **variables: str) -> list[Done]:
    """Start a command as srun would start its tasks without telling MPI of them."""
    told = {"SLURM_STEP_NUM_TASKS": str(tasks), "SLURM_NTASKS": str(tasks)} | variables
    started = [
        begin([PYTHON, *words], environment(**told, SLURM_PROCID=str(task)), folder)
        for task in range(tasks)
    ]
    return [finish(process) for process in started]


def assert_told_once(ended: list[Done]) -> None:
    """The first task names the cure, the others are silent, and all end with 2."""
    assert [done.code for done in ended] == [2] * len(ended)
    first, *others = ended
    assert (first.out, first.err) == ("", TOLD.format(len(ended)))
    assert {(done.out, done.err) for done in others} == {("", "")}


@pytest.mark.parametrize("start", [WORKER, RUN], ids=["worker", "run"])
@pytest.mark.parametrize("tasks", [2, 4])
def test_tasks_that_do_not_know_of_each_other(job, tmp_path, start, tasks):
    assert_told_once(step(tasks, [*start, job, "--out", tmp_path / "run"], tmp_path))
    assert not (tmp_path / "run").exists()


def test_a_protocol_that_the_library_does_not_speak(job, tmp_path):
    """Slurm's pmi2 says who is who by variables that Open MPI does not read, and MPICH does."""
    from netopt.mpi import MPI

    if "Open MPI" not in MPI.Get_library_version():
        pytest.skip("this MPI library reads Slurm's PMI_SIZE, and would wait for Slurm")
    assert_told_once(step(2, [*RUN, job, "--out", tmp_path / "run"], tmp_path, PMI_SIZE="2"))


def test_a_bad_run_file_is_not_what_is_wrong_first(tmp_path):
    assert_told_once(step(2, [*WORKER, "no-such-file.yaml"], tmp_path))


def test_doctor_tells_once(tmp_path):
    first, other = step(2, ["-m", "netopt", "doctor"], tmp_path)
    assert (first.code, other.code) == (2, 2)
    assert (other.out, other.err) == ("", "")
    words = " ".join(first.out.split())
    assert "srun started 2 tasks, but each of them is a world of size 1 cure: use srun" in words
    assert "two ranks not tried: this is already a rank of an MPI job" in words


def test_each_task_of_a_step_may_play_runs_of_its_own(job, tmp_path):
    """One process plays all agents in lockstep: tasks need not know of each other."""
    words = [*RUN, job, "--driver", "lockstep", "--out"]
    env = environment(SLURM_STEP_NUM_TASKS="2", SLURM_PROCID="1")
    done = finish(begin([PYTHON, *words, tmp_path / "run"], env, tmp_path))
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "run" / "summary.json").exists()
