"""The command ``netopt audit``; what it does is in ``_program``."""

from __future__ import annotations

import click


@click.command()
@click.argument("file")
@click.option("-n", "ranks", type=int, help="Number of ranks; the topology says it if not given.")
@click.option(
    "--set", "overrides", multiple=True, metavar="A.B=C", help="Override an option of the run file."
)
@click.option("--json", "json", metavar="FILE", help="Write everything per edge to a file.")
@click.option(
    "--fabric/--no-fabric",
    default=None,
    help="Hear the kernel as well, across a fabric (as root); if possible, when not given.",
)
@click.option("--load", multiple=True, metavar="FILE.py", help="Import your own components.")
@click.pass_context
def audit(
    context: click.Context,
    file: str,
    ranks: int | None,
    overrides: tuple[str, ...],
    json: str | None,
    fabric: bool | None,
    load: tuple[str, ...],
) -> int:
    """Play a run once and let witnesses testify to every byte on every edge.

    The ledger, the MPI library's own count and the kernel's interface counters side by side. Exit
    code 1 if one of them disagrees; one that is not available is named with the reason.

    \b
    Examples:
      netopt audit digits-qgd --set rounds=20
      netopt audit digits-qgd --set topology=w1 --no-fabric --json audit.json
    """
    from netopt.audit import _program

    debug = bool(context.find_root().params["debug"])
    return _program.run(_program.Wish(file, overrides, json, fabric, ranks, load, debug))
