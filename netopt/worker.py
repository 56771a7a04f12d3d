"""What each MPI rank runs: one agent of one run file, without the command line.

``python -m netopt.worker FILE`` under mpirun; ``netopt run`` starts it. Mistakes that all ranks see
are told by the lowest one; a rank that fails alone ends all of them. Start-up counts (64 ranks may
share two cores): only the root reads YAML, and what few ranks need is imported by those.
"""

from __future__ import annotations

import gc
import os
import platform
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from netopt.errors import ConfigError, NetoptError, StuckError
from netopt.speech import plain_warnings, say, told

if TYPE_CHECKING:
    from netopt.config import Experiment
    from netopt.recorder import Recorder

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
"""Variables that a BLAS library reads when it is loaded."""

STAGGER = 0.2
"""Seconds by which a rank waits for lower ranks to speak first about a failure that all see."""

COURTESY = 3.0
"""Seconds that the root has to write its summary after a Ctrl-C that reached every rank."""

LAST_WORDS = 0.05
"""Seconds between a message and the abort, which could otherwise cut it off on its way."""


class Order(NamedTuple):
    """What a rank is asked for; ``ranks`` is how many of them the user expects."""

    file: str
    overrides: Sequence[str]
    load: Sequence[str]
    out: str
    debug: bool
    ranks: int | None
    quiet: bool


class Job(NamedTuple):
    """What a rank has to play; ``recorder`` is the root's alone."""

    experiment: Experiment
    recorder: Recorder | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Play this rank's part; return the exit code."""
    try:
        order = read_order(sys.argv[1:] if arguments is None else arguments)
    except ConfigError as error:
        say(f"netopt: error: {error}")
        return error.exit_code
    return run(*order)


def read_order(words: Sequence[str]) -> Order:
    """Return what the command line asks for; ConfigError if that cannot be understood.

    By hand: the launcher writes these words, and argparse takes every rank 6 ms to import.
    """
    files: list[str] = []
    values: dict[str, list[str]] = {"--set": [], "--load": [], "--out": [""]}
    flags = {"--debug": False, "--quiet": False}
    rest = iter(words)
    for word in rest:
        name, joined, value = word.partition("=")
        if name in values:
            following = value if joined else next(rest, None)
            if following is None:
                raise ConfigError(f"{name} needs a value")
            values[name].append(following)
        elif word in flags:
            flags[word] = True
        else:
            files.append(word)
    strange = [word for word in files if word.startswith("-")]
    if strange or len(files) != 1:
        said = " ".join(strange or files) or "nothing"
        raise ConfigError(f"netopt.worker takes one run file, and options it knows, got {said}")
    return Order(
        files[0],
        values["--set"],
        values["--load"],
        values["--out"][-1],
        flags["--debug"],
        None,
        flags["--quiet"],
    )


def run(
    file: str,
    overrides: Sequence[str],
    load: Sequence[str],
    out: str,
    debug: bool,
    ranks: int | None = None,
    quiet: bool = False,
) -> int:
    """Build the experiment, play it over MPI and write to ``out``; return the exit code.

    The root shows the result at the end unless ``quiet``; ``ranks`` is what the user expects.
    """
    plain_warnings()
    limited = _limit_threads()
    gc.disable()  # what start-up makes stays: looking through it for garbage is in vain
    try:
        with _one_thread(limited):
            job = _start(Order(file, overrides, load, out, debug, ranks, quiet))
    finally:
        gc.freeze()
        gc.enable()
    if isinstance(job, int):
        return job
    try:
        with _one_thread(limited):
            _play(job)
        if job.recorder is not None and not quiet:
            show(job.recorder.directory)
        return 0
    except BaseException as error:
        return _abort(error, debug)


def _limit_threads() -> bool:
    """Ask the BLAS library for one thread before it is loaded; return False if it is already.

    Later it would have to be found first, among all that the process has loaded: 6 ms.
    """
    if "numpy" in sys.modules:
        return False
    os.environ.update(dict.fromkeys(THREADS, "1"))
    return True


def _one_thread(limited: bool) -> Any:
    """Return a context in which BLAS has one thread; it has anyway if it is ``limited``."""
    if limited:
        return nullcontext()
    from netopt.engine import single_threaded

    return single_threaded()


def _start(order: Order) -> Job | int:
    """Return what is to be played, or the exit code if some rank cannot play.

    MPI starts before the rest is imported: whoever comes there early keeps a core busy.
    """
    try:
        from netopt import mpi as _  # noqa: F401
    except (ImportError, RuntimeError) as error:  # no mpi4py, or no MPI library that it can load
        say(f"netopt: error: MPI does not load: {error}; 'netopt doctor' says more")
        return ConfigError.exit_code
    from netopt.network import ranks

    # A shell that puts a job into the background makes it ignore SIGINT; the launcher relies on it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rank, size = ranks.world()
    if size == 1:  # alone: meant so, or by a mistake that only Slurm's variables show
        from netopt.report import slurm

        if slurm.refuse(size):
            return ConfigError.exit_code
    job: Job | None = None
    told = ""
    try:
        hosts = ranks.hosts(platform.node())
        packed = ranks.tell(_packed(order) if rank == 0 else b"")
        if order.ranks is not None and order.ranks != size:
            raise ConfigError(f"-n says {order.ranks} ranks, but mpirun started {size}")
        experiment = prepare(order, size, packed)
        job = Job(experiment, _open(experiment, order, hosts) if rank == 0 else None)
    except ConfigError as error:
        told = f"netopt: error: {error}"
    except BaseException as error:  # the others would wait for this rank's word for ever
        return _abort(error, order.debug)
    codes = ranks.agree_on_failure(0 if job else ConfigError.exit_code)
    if job is not None and not any(codes):
        if rank == 0 and not order.quiet:
            for warning in job.experiment.warnings:
                say(f"netopt: warning: {warning}")
        return job
    if told and not any(codes[:rank]):
        say(told)
    return max(codes)


def _packed(order: Order) -> bytes:
    """Return the run file for all ranks; empty if each has to read it, and to see what is wrong."""
    from netopt import config

    try:
        return config.pack(config.source(order.file, order.overrides))
    except Exception:
        return b""


def prepare(order: Order, size: int, packed: bytes) -> Experiment:
    """Return the experiment; ConfigError if it is not one for ``size`` ranks."""
    from netopt import config
    from netopt.registry import load_file

    for path in order.load:
        load_file(path)
    source = config.unpack(packed) if packed else config.source(order.file, order.overrides)
    experiment = config.make(source.raw, Path(source.folder), source.parsed)
    nodes = experiment.topology.size
    if experiment.options.network.driver == "lockstep":
        raise ConfigError(
            "lockstep plays all agents in one process, and an MPI launcher started this one; "
            "run it without mpirun, or leave the driver to be mpi",
            "$.network.driver",
        )
    if nodes != size:
        raise ConfigError(
            f"the topology has {nodes} nodes, but mpirun started {size} "
            f"rank{'s' if size > 1 else ''}; use mpirun -n {nodes}"
        )
    return experiment


def _open(experiment: Experiment, order: Order, hosts: Mapping[str, list[int]]) -> Recorder:
    """Return the root's recorder, its directory made; ConfigError if that cannot be."""
    from netopt import config
    from netopt.network import ranks
    from netopt.recorder import Recorder, manifest

    recorder = Recorder(Path(order.out) if order.out else config.new_directory(Path(order.file)))
    agents, seed = experiment.topology.size, experiment.options.seed
    recorder.open(experiment.resolved, manifest(seed, "mpi", ranks.library(), agents, hosts))
    return recorder


def _play(job: Job) -> None:
    from netopt.engine import play
    from netopt.network import mpi

    network = mpi.MpiNetwork(job.experiment)
    play(job.experiment, network, job.recorder)
    network.close()


def show(directory: Path) -> None:
    """Print the result of a finished run."""
    from netopt.report import reading, table

    sys.stdout.write(table.results_text([reading.load(directory)]))
    sys.stdout.write(f"run directory: {directory}\n")
    sys.stdout.flush()


def _abort(error: BaseException, debug: bool) -> int:
    """End all ranks because of what went wrong on this one; return the exit code."""
    from netopt.network import ranks

    code = _fail(error, ranks.world()[0], debug)
    ranks.abort(code)
    return code


def _fail(error: BaseException, rank: int, debug: bool) -> int:
    """Say what went wrong and return the exit code.

    A failure that several ranks see at the same time is left to the lowest of them.
    """
    if isinstance(error, KeyboardInterrupt):
        time.sleep(COURTESY if rank else 0)
        return 130
    if isinstance(error, StuckError):
        time.sleep(min(STAGGER * rank, COURTESY))
    if debug or not isinstance(error, (NetoptError, OSError)):
        import traceback

        say("".join(traceback.format_exception(error)).rstrip())
    say(f"netopt: error: {told(error)}")
    time.sleep(LAST_WORDS)
    return error.exit_code if isinstance(error, NetoptError) else 1


if __name__ == "__main__":
    sys.exit(main())
