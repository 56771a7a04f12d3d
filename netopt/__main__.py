"""The command line: ``netopt run | plan | list | show | inspect | plot | reproduce | ...``.

Every command is a thin call into the part that does the work; heavy imports happen inside them.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

import netopt
from netopt import speech
from netopt.audit.commands import audit
from netopt.bench.commands import bench
from netopt.errors import ConfigError, NetoptError
from netopt.fabric.commands import fabric as fabrics
from netopt.sweep.commands import sweep

F = TypeVar("F", bound=Callable[..., Any])
MPI_WORLD = ("PMI_SIZE", "PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE")
"""Variables that say that an MPI launcher started this process; Slurm's own do not suffice."""

set_option = click.option(
    "--set", "overrides", multiple=True, metavar="A.B=C", help="Override an option of the run file."
)
load_option = click.option(
    "--load",
    multiple=True,
    metavar="FILE.py",
    help="Import your own components from a Python file.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(netopt.__version__, prog_name="netopt")
@click.option("--debug", is_flag=True, help="Show the Python traceback of an error.")
def cli(debug: bool) -> None:
    """Distributed optimization over real, bit-packed, counted messages."""


@cli.command()
@click.argument("file")
@click.option("-n", "ranks", type=int, help="Number of ranks; the topology says it if not given.")
@set_option
@click.option("--driver", type=click.Choice(["mpi", "lockstep"]), help="Override network.driver.")
@click.option("--out", metavar="DIR", help="Run directory; a new one under runs/ if not given.")
@click.option("--hostfile", metavar="FILE", help="Hosts of the ranks, one line a rank.")
@click.option("--fabric", is_flag=True, help="Across namespaces and cables in the kernel, as root.")
@load_option
@click.pass_context
def run(
    context: click.Context,
    file: str,
    ranks: int | None,
    overrides: tuple[str, ...],
    driver: str | None,
    out: str | None,
    hostfile: str | None,
    fabric: bool,
    load: tuple[str, ...],
) -> int:
    """Play a run file: start mpirun, or play it here with --driver lockstep.

    Under mpirun (mpirun -n 8 python -m netopt run FILE) this process is one of the agents.
    """
    if driver:
        overrides = (*overrides, f"network.driver={driver}")
    debug = bool(context.find_root().params["debug"])
    if any(name in os.environ for name in MPI_WORLD):
        from netopt import worker

        for option, given in (("--fabric", fabric), ("--hostfile", hostfile)):
            if given:
                raise ConfigError(f"{option} starts mpirun itself; use it without mpirun")
        return worker.run(file, overrides, load, out or "", debug, ranks)
    from netopt import command

    return command.run(file, overrides, load, out, ranks, debug, fabric, hostfile)


@cli.command()
@click.argument("file")
@set_option
@load_option
def plan(file: str, overrides: tuple[str, ...], load: tuple[str, ...]) -> None:
    """Show the graph and the exact bytes per edge and round, before anything runs."""
    from netopt.report import plan as report

    experiment = experiment_of(file, overrides, load)
    for warning in experiment.warnings:
        speech.say(f"netopt: warning: {warning}")
    speech.show(report.render(report.plan(experiment)))


@cli.command("list")
@load_option
def list_(load: tuple[str, ...]) -> None:
    """Name every component with its one-line description."""
    from netopt.report import components

    load_files(load)
    speech.show(components.listing())


@cli.command()
@click.argument("kind")
@click.argument("id")
@load_option
def show(kind: str, id: str, load: tuple[str, ...]) -> None:
    """Describe one component: its options, units, defaults and reference."""
    from netopt.report import components

    load_files(load)
    speech.show(components.show(kind, id))


@cli.command()
@click.argument("directory", metavar="RUN")
@click.option("--frame", type=int, help="Index of the captured frame to show.")
@click.option("--all", "whole", is_flag=True, help="Show every value, not only the first.")
@load_option
def inspect(directory: str, frame: int | None, whole: bool, load: tuple[str, ...]) -> None:
    """Show a captured frame of a run bit by bit (record: {frames: N} captures the first N)."""
    from netopt.report import inspect as report

    load_files(load)
    if frame is None:
        speech.show(report.frames_list(Path(directory)))
    speech.show(report.frame_view(Path(directory), frame or 0, whole))


@cli.command()
@click.argument("directories", metavar="RUN...", nargs=-1, required=True)
@click.option("--out", default="netopt.png", show_default=True, help="A .png, .pdf or .svg file.")
@click.option(
    "-x", "x", default="bytes", show_default=True, help="bytes, bits, rounds, seconds or emulated."
)
@click.option("-y", "y", default="loss", show_default=True, help="A column of metrics.jsonl.")
@click.option("--title", help="A title over the figure.")
@click.option("--timeline", is_flag=True, help="Draw what each agent does when, from trace.json.")
def plot(
    directories: tuple[str, ...], out: str, x: str, y: str, title: str | None, timeline: bool
) -> None:
    """Draw one or several runs into one figure and print their results.

    With --timeline, one run that has a trace (record: {trace: true}).
    """
    from netopt.report import plot as figure
    from netopt.report import reading, table

    paths = [Path(directory) for directory in directories]
    if timeline:
        from netopt.report import timeline as gantt

        if len(paths) > 1:
            raise ConfigError(f"--timeline draws one run, and {len(paths)} are named")
        click.echo(f"figure: {gantt.timeline(paths[0], Path(out), title=title)}")
        return
    written = figure.plot(paths, Path(out), y=y, x=x, title=title)
    speech.show(table.results([reading.load(path) for path in paths]))
    click.echo(f"figure: {written}")


@cli.command()
def doctor() -> int:
    """Check compiler, extension, MPI, launcher and cores, with a cure for each finding."""
    from netopt.report import doctor as report

    findings = report.findings()
    speech.show(report.render(findings))
    return report.exit_code(findings)


@cli.command()
@click.argument("names", metavar="[STUDY]...", nargs=-1)
@click.option("--list", "listed", is_flag=True, help="What each study shows, needs and takes here.")
@click.option("--all", "whole", is_flag=True, help="All studies, one after another.")
@click.option("--data", metavar="NAME", help="digits, breast-cancer, libsvm:PATH, ...: other data.")
@click.option("--quick", is_flag=True, help="A small version, in less than a minute each.")
@click.option("--out", metavar="DIR", help="Folder; reproductions/STUDY if not given.")
@click.option("--driver", type=click.Choice(["mpi", "lockstep"]), default="mpi", show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), help="Runs side by side; as the cores allow.")
@click.option("--check", is_flag=True, help="Exit code 1 if a claim does not hold.")
def reproduce(
    names: tuple[str, ...],
    listed: bool,
    whole: bool,
    data: str | None,
    quick: bool,
    out: str | None,
    driver: str,
    jobs: int | None,
    check: bool,
) -> int:
    """Play a paper's experiments, draw them over its theory, and judge its claims.

    Complete runs are not played again: the same command goes on where it was interrupted.
    """
    from netopt.reproduce import _program as program
    from netopt.reproduce._cases import Request
    from netopt.reproduce._study import names as known

    request = Request(data, quick)
    if listed:
        speech.show(program.listing(request))
        return 0
    if whole == bool(names):
        raise ConfigError(
            f"name studies, or give --all; the studies are {', '.join(known())}, and --list says "
            "what they show"
        )
    wish = program.Wish(request, Path(out) if out else None, driver, jobs)
    return program.run(tuple(known()) if whole else names, wish, check)


cli.add_command(bench)
cli.add_command(fabrics)
cli.add_command(audit)
cli.add_command(sweep)


def load_files(paths: tuple[str, ...]) -> None:
    """Import users' component files."""
    from netopt.registry import load_file

    for path in paths:
        load_file(path)


def experiment_of(file: str, overrides: tuple[str, ...], load: tuple[str, ...]) -> Any:
    """Return the experiment in a run file."""
    from netopt import config

    load_files(load)
    path = config.locate(file)
    return config.make(config.read(path, overrides), path.parent)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 2 bad input, 3 numbers broke down, 130 Ctrl-C."""
    speech.plain_warnings()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "--debug" in words:  # wherever it stands: nobody remembers where it belongs
        words = ["--debug", *(word for word in words if word != "--debug")]
    try:
        code = cli.main(args=words, prog_name="netopt", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except (NetoptError, OSError) as error:
        if words[:1] == ["--debug"]:
            traceback.print_exc()
        speech.say(f"netopt: error: {speech.told(error)}")
        code = error.exit_code if isinstance(error, NetoptError) else ConfigError.exit_code
    sys.exit(code)


__all__ = ["ConfigError", "main"]

if __name__ == "__main__":
    main()
