"""The batch scripts of launch/, submitted as they are to a real Slurm of one node."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from .conftest import LAUNCH, begin, environment, finish, left
from .slurm import Slurm, missing
from .test_singletons import TOLD

pytest.importorskip("mpi4py")
NEEDS = "Debian and Ubuntu: apt-get install slurmctld slurmd slurm-client munge"
pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(bool(missing()), reason=f"no {', '.join(missing())}; {NEEDS}"),
    pytest.mark.skipif(
        not Path(sys.prefix, "bin", "activate").exists(), reason="no virtual environment to name"
    ),
]
TEMPLATES = ["mpirun", "srun"]


@pytest.fixture(scope="module")
def slurm():
    """Yield a Slurm whose node takes jobs."""
    cluster = Slurm()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def submit(slurm, tmp_path):
    """Return a function that submits a template in ``tmp_path`` and returns the job's number."""

    def send(template: str, *words: str, tasks: int = 4, **more: str) -> str:
        env = environment(NETOPT_VENV=sys.prefix, **more, **slurm.variables)
        options = ["--parsable", "--output=job.out", f"--ntasks={tasks}"]
        script = LAUNCH / f"{template}.sbatch"
        done = finish(begin(["sbatch", *options, script, *words], env, tmp_path))
        assert done.code == 0, done.err
        return done.out.strip()

    return send


def ended(slurm: Slurm, number: str) -> int:
    """Wait for a job's end and return its exit code; 'sbatch --wait' looks every 10 s only."""
    wait(lambda: not slurm.ask("squeue", "-h", "-j", number), f"the end of job {number}")
    told = slurm.ask("scontrol", "show", "job", number)
    return int(re.search(r" ExitCode=(\d+):", told)[1])


def wait(happened, what: str, seconds: float = 60.0) -> None:
    """Return when something has happened; fail if it does not in time."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, f"not in {seconds:g} s: {what}"
        time.sleep(0.1)


def protocol(slurm) -> str:
    """Return the protocol that the template takes here; skip if Slurm cannot load its part."""
    from netopt.mpi import MPI

    name = "pmix" if "Open MPI" in MPI.Get_library_version() else "pmi2"
    env = environment(**slurm.variables)
    done = finish(begin(["srun", f"--mpi={name}", "-n", "1", "true"], env, slurm.folder))
    if done.code:
        pytest.skip(f"this Slurm cannot start with --mpi={name}: {done.err.splitlines()[0]}")
    return name


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_job_leaves_what_lockstep_leaves(slurm, submit, job, tmp_path, expected, template):
    if template == "srun":
        protocol(slurm)
    code = ended(slurm, submit(template, "job.yaml"))
    said = (tmp_path / "job.out").read_text()
    assert code == 0, said
    (directory,) = (tmp_path / "runs").iterdir()
    assert directory.name.startswith("netopt-")
    assert left(directory) == expected
    assert f"run directory: {directory}" in said


@pytest.mark.parametrize("template", TEMPLATES)
def test_options_and_the_place_of_runs(slurm, submit, job, tmp_path, template):
    if template == "srun":
        protocol(slurm)
    place = tmp_path / "shared"
    number = submit(template, "job.yaml", "--set", "rounds=2", NETOPT_RUNS=str(place))
    assert ended(slurm, number) == 0, (tmp_path / "job.out").read_text()
    (directory,) = place.iterdir()
    assert "rounds: 2\n" in (directory / "run.yaml").read_text()


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_exit_code_is_kept(slurm, submit, job, tmp_path, template):
    if template == "srun":
        protocol(slurm)
    assert ended(slurm, submit(template, "job.yaml", tasks=3)) == 2
    said = (tmp_path / "job.out").read_text()
    assert said.count("netopt: error: the topology has 4 nodes, but ") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_job_that_is_asked_to_end_keeps_what_it_has(slurm, submit, job, tmp_path, template):
    if template == "srun":
        protocol(slurm)
    endless = ["--set", "rounds=100000000", "--set", "record.every=5"]
    number = submit(template, "job.yaml", *endless)
    directory = tmp_path / "runs" / f"netopt-{number}"
    wait(lambda: left_rows(directory) > 1, "two rows")
    slurm.ask("scancel", "--signal=INT", *(["--batch"] if template == "mpirun" else []), number)
    assert ended(slurm, number) in (130, 137)  # srun kills the ranks that the root leaves behind
    assert (directory / "summary.json").exists(), (tmp_path / "job.out").read_text()


def left_rows(directory: Path) -> int:
    """Return how many rows a run has recorded so far."""
    file = directory / "metrics.jsonl"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_srun_without_a_protocol_is_told_of_once(slurm, submit, job, tmp_path):
    code = ended(slurm, submit("srun", "job.yaml", NETOPT_PMI="none"))
    said = (tmp_path / "job.out").read_text()
    assert code == 2, said
    assert [line for line in said.splitlines(True) if "netopt" in line] == [TOLD.format(4)]
    assert not (tmp_path / "runs").exists()


def test_doctor_under_srun(slurm, tmp_path):
    words = [sys.executable, "-m", "netopt", "doctor"]
    env = environment(**slurm.variables)
    lost = finish(begin(["srun", "--mpi=none", "-n", "2", *words], env, tmp_path))
    assert lost.code == 2
    assert lost.out.count("each of them is a world of size 1") == 1
    assert lost.out.count("C extension") == 1
    name = protocol(slurm)
    good = finish(begin(["srun", f"--mpi={name}", "-n", "2", *words], env, tmp_path))
    assert "2 ranks know of each other" in good.out
    assert good.code == 0, good.out
