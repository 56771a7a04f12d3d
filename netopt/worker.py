"""What each MPI rank runs: one agent of one run file, without the command line.

``python -m netopt.worker FILE`` under mpirun; ``netopt run`` starts it. Mistakes that all ranks see
are told by the lowest one; a rank that fails alone ends all of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from netopt import config
from netopt.errors import ConfigError, NetoptError
from netopt.network import say
from netopt.registry import load_file

STAGGER = 0.2
"""Seconds by which a rank waits for lower ranks to speak first about a failure that all see."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play this rank's part; return the exit code."""
    parser = argparse.ArgumentParser(prog="netopt.worker", allow_abbrev=False)
    parser.add_argument("file")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--load", action="append", default=[])
    parser.add_argument("--out", default="")
    parser.add_argument("--debug", action="store_true")
    given = parser.parse_args(arguments)
    return run(given.file, given.overrides, given.load, given.out, given.debug)


def run(file: str, overrides: Sequence[str], load: Sequence[str], out: str, debug: bool) -> int:
    """Build the experiment, play it over MPI and write to ``out``; return the exit code."""
    from netopt.network import mpi

    rank, size = mpi.world()
    problem: ConfigError | None = None
    try:
        experiment = prepare(file, overrides, load, size)
    except ConfigError as error:
        problem = error
    codes = mpi.agree_on_failure(problem.exit_code if problem else 0)
    if any(codes):
        if problem and not any(codes[:rank]):
            say(f"netopt: error: {problem}")
        return max(codes)
    try:
        return _play(experiment, Path(out), rank == 0)
    except KeyboardInterrupt:
        mpi.abort(130)
    except NetoptError as error:
        _fail(error, rank, debug)
        mpi.abort(error.exit_code)
    except BaseException as error:
        _fail(error, rank, True)
        mpi.abort(1)
    return 1


def prepare(file: str, overrides: Sequence[str], load: Sequence[str], size: int) -> config.Experiment:
    """Return the experiment; ConfigError if it is not one for ``size`` ranks."""
    for path in load:
        load_file(path)
    experiment = config.make(config.read(file, overrides), Path(file).parent)
    nodes = experiment.topology.size
    if nodes != size:
        raise ConfigError(
            f"the topology has {nodes} nodes, but mpirun started {size} "
            f"rank{'s' if size > 1 else ''}; use mpirun -n {nodes}"
        )
    return experiment


def _play(experiment: config.Experiment, out: Path, root: bool) -> int:
    from netopt.network import mpi
    from netopt.recorder import Recorder, manifest
    from netopt.run import play, single_threaded

    with single_threaded():
        network = mpi.MpiNetwork(experiment)
        recorder = Recorder(out) if root else None
        if recorder is not None:
            facts = manifest(
                experiment.options.seed, "mpi", mpi.library(), experiment.topology.size
            )
            recorder.open(experiment.resolved, facts)
        play(experiment, network, recorder)
        network.close()
    return 0


def _fail(error: BaseException, rank: int, debug: bool) -> None:
    """Say what went wrong, once: a failure that several ranks see is left to the lowest of them."""
    from netopt.errors import ExchangeError

    if isinstance(error, ExchangeError):
        time.sleep(STAGGER * rank)
    if debug:
        import traceback

        say("".join(traceback.format_exception(error)).rstrip())
    say(f"netopt: error: {error}" if isinstance(error, NetoptError) else f"netopt: error: {error!r}")


if __name__ == "__main__":
    sys.exit(main())
