"""``netopt run`` from outside MPI: check everything, say what happens, play, show the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from netopt import config, engine, launcher, worker
from netopt.errors import ConfigError
from netopt.progress import Progress
from netopt.recorder import check_writable
from netopt.registry import load_file
from netopt.report import slurm
from netopt.speech import say
from netopt.topologies import Topology
from netopt.worker import show

Play = Callable[[Topology, Sequence[str], Path, Progress], int]
"""Plays a topology's workers, told in words, into a directory; returns the exit code."""
START = "nothing was recorded yet"


def run(
    file: str,
    overrides: Sequence[str],
    load: Sequence[str],
    out: str | None,
    ranks: int | None,
    debug: bool,
    fabric: bool = False,
    hostfile: str | None = None,
) -> int:
    """Play a run file with the driver that it names, over a ``fabric``; return the exit code.

    A ``hostfile`` names the hosts of the ranks.

    Everything that can be wrong with the input is found here, before a process or a file is made.
    """
    for path in load:
        load_file(path)
    source = config.locate(file)
    with engine.single_threaded():  # constants of theory have the bits that ranks give them
        experiment = config.make(config.read(source, overrides), source.parent)
    check_ranks(ranks, experiment.topology.size)
    lockstep = experiment.options.network.driver == "lockstep"
    if not lockstep:
        launcher.check()
        if slurm.tasks() > 1:  # srun has started the ranks already, and this is one of them
            return worker.run(file, overrides, load, out or "", debug, ranks)
    if fabric:
        _check_fabric(experiment)
    if hostfile:
        _check_hostfile(Path(hostfile), lockstep, fabric)
    if out:
        check_writable(Path(out))
    for warning in experiment.warnings:
        say(f"netopt: warning: {warning}")
    directory = Path(out) if out else config.new_directory(source)
    progress = Progress(experiment.rounds)
    try:
        if lockstep:
            engine.lockstep(experiment, directory, progress.see)
            code = 0
        else:
            told = words(source, overrides, load, directory, debug)
            play = _over_fabric if fabric else _over_mpi(hostfile)
            code = play(experiment.topology, told, directory, progress)
    except KeyboardInterrupt:
        progress.close()
        kept = (directory / "summary.json").exists()
        say(f"netopt: interrupted; {f'what was recorded is in {directory}' if kept else START}")
        return 130
    finally:
        progress.close()
    if code == 0:
        show(directory)
    return code


def check_ranks(ranks: int | None, nodes: int) -> None:
    """Raise ConfigError unless ``ranks``, if given, are as many as a topology has nodes."""
    if ranks is not None and ranks != nodes:
        raise ConfigError(f"the topology has {nodes} nodes, but -n says {ranks}; use -n {nodes}")


def _check_fabric(experiment: config.Experiment) -> None:
    from netopt.fabric import _run

    if experiment.options.network.driver == "lockstep":
        raise ConfigError(
            "lockstep plays all agents in one process, which no fabric connects; use --driver mpi",
            "$.network.driver",
        )
    _run.check(experiment.topology)
    if experiment.options.network.clock == "virtual":
        say(
            "netopt: fabric: the clock is virtual, so emulated_seconds are the model's, not the "
            "kernel's; --set network.clock=real --set network.compute=null has them measured"
        )


def words(
    source: Path, overrides: Sequence[str], load: Sequence[str], directory: Path, debug: bool
) -> list[str]:
    """Return what the workers are told."""
    told = [str(source), "--quiet", "--out", str(directory)]
    told += [word for item in overrides for word in ("--set", item)]
    told += [word for item in load for word in ("--load", item)]
    return told + (["--debug"] if debug else [])


def _check_hostfile(file: Path, lockstep: bool, fabric: bool) -> None:
    if lockstep or fabric:
        what = "lockstep plays all agents" if lockstep else "a fabric has all agents"
        raise ConfigError(f"{what} on this host; leave --hostfile out")
    launcher.check_hostfile(file, launcher.is_open_mpi(launcher.find_mpirun()))


def _over_mpi(hostfile: str | None) -> Play:
    """Return what starts mpirun, on the hosts of a file if there is one."""

    def play(topology: Topology, words: Sequence[str], directory: Path, progress: Progress) -> int:
        hosts = Path(hostfile) if hostfile else None
        arguments, variables = launcher.command(topology.size, words, hosts)
        say(launcher.written(arguments, variables))
        return launcher.launch(arguments, variables, directory, progress.see)

    return play


def _over_fabric(
    topology: Topology, words: Sequence[str], directory: Path, progress: Progress
) -> int:
    from netopt.fabric import _run  # late: few machines can build one

    return _run.run(topology, words, directory, progress.see)
