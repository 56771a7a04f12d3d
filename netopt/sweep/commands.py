"""The command ``netopt sweep``; what it does is in ``_program``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("file")
@click.option(
    "--set",
    "words",
    multiple=True,
    metavar="A.B=VALUES",
    help="An option and its values: a,b,c or a..b or a..b..step; one value overrides as in run.",
)
@click.option(
    "--driver",
    type=click.Choice(["lockstep", "mpi"]),
    default="lockstep",
    show_default=True,
    help="One process a core that plays whole runs, or one mpirun after the other.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes in lockstep; one a core.")
@click.option("--out", metavar="DIR", help="Folder; sweeps/FILE if not given.")
@click.option(
    "--load",
    multiple=True,
    metavar="FILE.py",
    help="Import your own components from a Python file.",
)
@click.option(
    "--over",
    multiple=True,
    default=["seed"],
    show_default=True,
    metavar="A.B",
    help="Average over this axis; none averages over nothing.",
)
@click.option(
    "-y", "y", default="loss", show_default=True, metavar="NAME", help="Column of the figure."
)
@click.option("--yes", is_flag=True, help="Play also more than 10000 runs.")
def sweep(
    file: str,
    words: tuple[str, ...],
    driver: str,
    jobs: int | None,
    out: str | None,
    load: tuple[str, ...],
    over: tuple[str, ...],
    y: str,
    yes: bool,
) -> int:
    """Play a run file over a grid of options and seeds, on all cores.

    Every combination is checked before one is played. Runs that are complete are kept: the same
    command goes on where it was interrupted, and more values add runs. DIR gets runs/, table.csv
    (a line a run), summary.csv (mean, deviation and 95 % confidence interval over the seeds),
    sweep.png and sweep.pdf.

    \b
    Examples:
      netopt sweep saddle-escape --set seed=0..49
      netopt sweep saddle-escape --set seed=0..9 --set codecs.mix.levels=2,10,32 -y distance
      netopt sweep saddle-escape --set seed=0..9 --set 'codecs.mix={id: qsgd, levels: 8},natural'
      netopt sweep digits-qgd --set rounds=20 --set codecs.mix.levels=2..8..2 --driver mpi
    """
    from netopt.sweep import _program

    wish = _program.Wish(file, words, driver, jobs, Path(out) if out else None, load, over, y, yes)
    return _program.run(wish)
