"""The command line of fabrics, ``netopt fabric up | status | down | clean``."""

from __future__ import annotations

import click


@click.group()
def fabric() -> None:
    """Build topologies in the Linux kernel (as root): namespaces, shaped cables, real packets."""


@fabric.command()
@click.argument("file")
@click.option(
    "--set", "overrides", multiple=True, metavar="A.B=C", help="Override an option of the run file."
)
@click.option("--load", multiple=True, metavar="FILE.py", help="Import your own components.")
@click.option("--name", help="netopt- and 1 to 12 of a-z and 0-9; numbered if not given.")
def up(file: str, overrides: tuple[str, ...], load: tuple[str, ...], name: str | None) -> None:
    """Build the topology of a run file, until 'netopt fabric down'."""
    from netopt.fabric import _program

    _program.up(file, overrides, load, name)


@fabric.command()
def status() -> None:
    """List the fabrics that exist: agents, owner, and each edge's rate and counters."""
    from netopt.fabric import _program

    _program.status()


@fabric.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
def down(names: tuple[str, ...]) -> None:
    """Remove the fabrics that 'up' has made, or those named."""
    from netopt.fabric import _program

    _program.down(names)


@fabric.command()
@click.option("--force", is_flag=True, help="Also what 'up' has made, and what runs still use.")
def clean(force: bool) -> None:
    """Remove what crashed or killed runs have left, and nothing else."""
    from netopt.fabric import _program

    _program.clean(force)
