"""Playing knows which runs are still to be made, and makes them side by side.

Each case is a run directory OUT/runs/NAME, played from OUT/cases/NAME.yaml. It is complete if it
holds a summary and the same resolved run file; whatever else lies there is replaced.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from netopt import config, launcher, recorder, yamlfile
from netopt.algorithms import Algorithm
from netopt.engine import REASONS
from netopt.errors import ConfigError, NetoptError
from netopt.options import RunOptions, settle
from netopt.problems import Problem
from netopt.registry import build, fill
from netopt.report import reading
from netopt.reproduce._cases import Case
from netopt.topologies import load

BATCH = 40
"""Most runs that share one start of mpirun."""
BLINK = 0.05
FINISHED = tuple(REASONS.values())


class Job(NamedTuple):
    """A case that is to be played by ``driver``: its run file, its directory, how much it is."""

    case: Case
    file: Path
    out: Path
    driver: str
    ranks: int
    rounds: int

    @property
    def processes(self) -> int:
        """Return how many processes play it."""
        return 1 if self.driver == "lockstep" else self.ranks


class Plan(NamedTuple):
    """What is to be done in ``out``: ``done`` cases are there, ``jobs`` are to be played."""

    out: Path
    driver: str
    done: int
    jobs: list[Job]


def plan(cases: Sequence[Case], out: Path, driver: str) -> Plan:
    """Return what is still to be played; nothing is written yet.

    Raises ConfigError for a case that is not a valid run, two of one name, and a file or folder in
    the way that is none of ours.
    """
    jobs: list[Job] = []
    names: set[str] = set()
    tried: set[tuple[str, str]] = set()
    for case in cases:
        if case.name in names:
            raise ConfigError(f"two cases are called '{case.name}'; the study must tell them apart")
        names.add(case.name)
        raw, directory = with_driver(case, driver), out / "runs" / case.name
        resolved = resolve(raw)
        if complete(directory, resolved):
            continue
        check_ours(directory)
        if (case.group, case.series) not in tried:  # the others differ by seed and bits alone
            tried.add((case.group, case.series))
            config.make(raw)
        file = out / "cases" / f"{case.name}.yaml"
        size, played = size_of(case), str(raw["network"]["driver"])
        jobs.append(Job(case, file, directory, played, size, int(resolved["rounds"])))
    return Plan(out, driver, len(cases) - len(jobs), jobs)


def resolve(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run file that says every option, without preparing the problem's data."""
    options = fill(RunOptions, raw, "$", "a run file")
    topology = load(options.topology, "$.topology")
    algorithm = build(Algorithm, options.algorithm, "$.algorithm")
    settle(options, topology, algorithm)
    problem = build(Problem, options.problem, "$.problem")
    codecs = config.codecs_of(algorithm, options.codecs)
    return config.said(options, topology, problem, algorithm, codecs)


def with_driver(case: Case, driver: str) -> dict[str, Any]:
    """Return the run file of a case that is played by ``driver``, unless it has one of its own."""
    network = {**case.run.get("network", {}), "driver": case.driver or driver}
    return {**case.run, "network": network}


def size_of(case: Case) -> int:
    """Return how many agents a case has."""
    return _size(json.dumps(case.run["topology"]))


@cache
def _size(topology: str) -> int:
    return load(json.loads(topology), "$.topology").size


def complete(directory: Path, resolved: Mapping[str, Any]) -> bool:
    """Return whether a run directory holds the finished run of this resolved run file."""
    if not (directory / "summary.json").is_file():
        return False
    try:
        files = reading.load(directory)
    except ConfigError:
        return False
    stopped = (files.summary or {}).get("stopped_by")
    # As the file says it: YAML has lists where an option is a tuple.
    written = yamlfile.parse(yamlfile.dump(dict(resolved)), "run.yaml")
    return stopped in FINISHED and files.config == written


def check_ours(directory: Path) -> None:
    """Raise ConfigError if ``directory`` is there and is no run directory: it would be replaced."""
    if not directory.exists():
        return
    names = {item.name for item in directory.iterdir()} if directory.is_dir() else {"a file"}
    if names and "metrics.jsonl" not in names:
        raise ConfigError(f"'{directory}' is in the way and is no run; move it, or choose --out")


def play(plan: Plan, jobs: int | None, watch: Callable[[Job, int], None]) -> None:
    """Play what is planned; ``watch`` hears of each job how many rounds it has played so far.

    ``jobs`` is how many mpiruns (or processes) run side by side; None: as the cores allow. Raises
    NetoptError that names the case if one fails. KeyboardInterrupt ends what runs and goes on.
    """
    for job in plan.jobs:
        if job.out.exists():
            shutil.rmtree(job.out)
        job.file.parent.mkdir(parents=True, exist_ok=True)
        job.out.parent.mkdir(parents=True, exist_ok=True)
        recorder.write(job.file, yamlfile.dump(with_driver(job.case, plan.driver)))
    for processes in sorted({job.processes for job in plan.jobs}):
        some = [job for job in plan.jobs if job.processes == processes]
        for driver in sorted({job.driver for job in some}):
            alike = [job for job in some if job.driver == driver]
            beside = jobs or max(1, launcher.usable_cores() // processes)
            _side_by_side(_batches(alike, beside), beside, watch)


def _batches(jobs: Sequence[Job], beside: int) -> list[list[Job]]:
    """Return the jobs dealt into batches of at most BATCH, enough of them to keep all busy."""
    size = max(1, min(BATCH, -(-len(jobs) // beside)))
    return [list(jobs[i : i + size]) for i in range(0, len(jobs), size)]


class _Process:
    """A running batch: its process, what it says, and how far each of its jobs has come."""

    def __init__(self, batch: Sequence[Job]) -> None:
        words = [str(p.absolute()) for job in batch for p in (job.file, job.out)]
        arguments, variables = _command(batch[0], words)
        self.batch = list(batch)
        self.process = subprocess.Popen(
            arguments,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches this process only, which ends the others
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._ears = launcher.Ears(self.process.stderr, sys.stderr)
        self._mouth = launcher.Ears(self.process.stdout, sys.stdout)
        self._tails = [launcher.Tail(job.out / "metrics.jsonl") for job in batch]

    def tell(self, watch: Callable[[Job, int], None]) -> None:
        """Tell how far the jobs have come."""
        for job, tail in zip(self.batch, self._tails, strict=True):
            tail.read(lambda row, job=job: watch(job, int(row["round"])))  # type: ignore[misc]

    def close(self) -> None:
        """Wait for the end; NetoptError names the case that failed, if one did."""
        code = self.process.wait()
        self._ears.join()
        self._mouth.heard = self._mouth.heard or self._ears.heard
        self._mouth.join()
        if code:
            failed = next(
                (j for j in self.batch if not (j.out / "summary.json").exists()), self.batch[-1]
            )
            raise NetoptError(
                f"the run '{failed.case.name}' ended with exit code {code}; see above, and try "
                f"netopt run {failed.file}"
            )

    def end(self) -> None:
        """End the batch at once and keep what it says about that to itself."""
        self._ears.heard = self._mouth.heard = True
        launcher.end_group(self.process)
        self._ears.join()
        self._mouth.join()


def _command(job: Job, words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    if job.driver == "lockstep":
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        return [sys.executable, "-m", "netopt.reproduce._player", "lockstep", *words], one
    arguments, variables = launcher.command(job.ranks, ["mpi", *words])
    return ["netopt.reproduce._player" if w == "netopt.worker" else w for w in arguments], variables


def _side_by_side(
    batches: Sequence[Sequence[Job]], beside: int, watch: Callable[[Job, int], None]
) -> None:
    waiting = list(batches)
    running: list[_Process] = []
    try:
        with _interruptible():
            while waiting or running:
                while waiting and len(running) < beside:
                    running.append(_Process(waiting.pop(0)))
                time.sleep(BLINK)
                for process in list(running):
                    process.tell(watch)
                    if process.process.poll() is not None:
                        process.tell(watch)
                        running.remove(process)
                        process.close()
    finally:
        for process in running:
            process.end()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let the signals that end a program end it as Ctrl-C does, unless they are ignored."""
    words = (signal.SIGTERM, signal.SIGHUP)
    asked = [word for word in words if signal.getsignal(word) is not signal.SIG_IGN]
    previous = [signal.signal(word, _interrupt) for word in asked]
    try:
        yield
    finally:
        for word, handler in zip(asked, previous, strict=True):
            signal.signal(word, handler)


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt
