"""What each MPI rank runs: one agent of one run file, without the command line.

``python -m netopt.worker FILE`` under mpirun; ``netopt run`` starts it. Mistakes that all ranks see
are told by the lowest one; a rank that fails alone ends all of them.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from netopt import config
from netopt.engine import play, single_threaded
from netopt.errors import ConfigError, NetoptError, StuckError
from netopt.recorder import Recorder, manifest
from netopt.registry import load_file
from netopt.speech import plain_warnings, say, told

STAGGER = 0.2
"""Seconds by which a rank waits for lower ranks to speak first about a failure that all see."""

COURTESY = 3.0
"""Seconds that the root has to write its summary after a Ctrl-C that reached every rank."""

LAST_WORDS = 0.05
"""Seconds between a message and the abort, which could otherwise cut it off on its way."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play this rank's part; return the exit code."""
    parser = argparse.ArgumentParser(prog="netopt.worker", allow_abbrev=False)
    parser.add_argument("file")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--load", action="append", default=[])
    parser.add_argument("--out", default="")
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    given = parser.parse_args(arguments)
    return run(given.file, given.overrides, given.load, given.out, given.debug, quiet=given.quiet)


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
    try:
        from netopt.network import mpi
    except (ImportError, RuntimeError) as error:  # no mpi4py, or no MPI library that it can load
        say(f"netopt: error: MPI does not load: {error}; 'netopt doctor' says more")
        return ConfigError.exit_code
    # A shell that puts a job into the background makes it ignore SIGINT; the launcher relies on it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rank, size = mpi.world()
    job: tuple[config.Experiment, Recorder | None] | None = None
    told = ""
    try:
        if ranks is not None and ranks != size:
            raise ConfigError(f"-n says {ranks} ranks, but mpirun started {size}")
        experiment = prepare(file, overrides, load, size)
        job = experiment, _open(experiment, file, out) if rank == 0 else None
    except ConfigError as error:
        told = f"netopt: error: {error}"
    except BaseException as error:  # the others would wait for this rank's word for ever
        code = _fail(error, rank, debug)
        mpi.abort(code)
        return code
    codes = mpi.agree_on_failure(0 if job else ConfigError.exit_code)
    if job is None or any(codes):
        if told and not any(codes[:rank]):
            say(told)
        return max(codes)
    try:
        _play(*job)
        if job[1] is not None and not quiet:
            show(job[1].directory)
        return 0
    except BaseException as error:
        code = _fail(error, rank, debug)
        mpi.abort(code)
        return code


def prepare(
    file: str, overrides: Sequence[str], load: Sequence[str], size: int
) -> config.Experiment:
    """Return the experiment; ConfigError if it is not one for ``size`` ranks."""
    for path in load:
        load_file(path)
    source = config.locate(file)
    experiment = config.make(config.read(source, overrides), source.parent)
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


def _open(experiment: config.Experiment, file: str, out: str) -> Recorder:
    """Return the root's recorder, its directory made; ConfigError if that cannot be."""
    from netopt.network import mpi

    recorder = Recorder(Path(out) if out else config.new_directory(Path(file)))
    agents, seed = experiment.topology.size, experiment.options.seed
    recorder.open(experiment.resolved, manifest(seed, "mpi", mpi.library(), agents))
    return recorder


def _play(experiment: config.Experiment, recorder: Recorder | None) -> None:
    from netopt.network import mpi

    with single_threaded():
        network = mpi.MpiNetwork(experiment)
        play(experiment, network, recorder)
        network.close()


def show(directory: Path) -> None:
    """Print the result of a finished run."""
    from netopt.report import reading, table

    sys.stdout.write(table.results_text([reading.load(directory)]))
    sys.stdout.write(f"run directory: {directory}\n")
    sys.stdout.flush()


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
        say("".join(traceback.format_exception(error)).rstrip())
    say(f"netopt: error: {told(error)}")
    time.sleep(LAST_WORDS)
    return error.exit_code if isinstance(error, NetoptError) else 1


if __name__ == "__main__":
    sys.exit(main())
