"""What the commands do: ``up`` makes a fabric that stays, the others look at all that there are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from netopt import config
from netopt.errors import ConfigError
from netopt.fabric import _counters, _requirements, _state
from netopt.fabric._fabric import raise_, remove
from netopt.fabric._plan import namespace
from netopt.fabric._signals import ended_by_signals
from netopt.registry import load_file
from netopt.speech import say, show


def up(file: str, overrides: Sequence[str], load: Sequence[str], name: str | None) -> None:
    """Build the topology of a run file and say how to use it."""
    for path in load:
        load_file(path)
    source = config.locate(file)
    topology = config.make(config.read(source, overrides), source.parent).topology
    with ended_by_signals():
        built = raise_(topology, name)
        built.keep()
    for note in built.notes:
        say(f"netopt: fabric: {note}")
    click.echo(
        f"{built.name} is up: {topology.size} agents, {len(built.plan.cables)} cables\n"
        f"a shell at agent 0: ip netns exec {namespace(built.name, 0)} bash\n"
        f"its end: netopt fabric down {built.name}"
    )


def status() -> None:
    """Show all fabrics."""
    records = _state.records()
    if not records:
        click.echo("no fabrics")
        return
    for record in records:
        click.echo(f"{record.name}: {record.size} agents, made {record.made}, {owner(record)}")
    if os.geteuid() != 0:
        say("netopt: fabric: the counters are for root alone to read")
        return
    for record in records:
        show(table(record))


def owner(record: _state.Record) -> str:
    """Return who owns a fabric, in words."""
    if record.owner is None:
        return f"by 'netopt fabric up'; netopt fabric down {record.name} removes it"
    if record.alive:
        return f"of process {record.owner[0]}, which runs"
    return f"of process {record.owner[0]}, which is gone; netopt fabric clean removes it"


def table(record: _state.Record) -> Any:
    """Return a fabric's edges with their counters, as a rich table."""
    from rich.table import Table

    from netopt.quantities import written_rate

    shown = Table(title=record.name, title_justify="left")
    for column in ("edge", "rate", "packets", "bytes", "dropped"):
        shown.add_column(column, justify="left" if column == "edge" else "right")
    found = _counters.of_edges(record.name, record.size, [edge[:2] for edge in record.edges])
    for source, target, rate in record.edges:
        count = found.get((source, target))
        said = (count.tx_packets, count.tx_bytes, count.drops) if count else ("gone", "", "")
        limit = "no limit" if rate is None else written_rate(rate)
        shown.add_row(f"{source}->{target}", limit, *map(str, said))
    return shown


def down(names: Sequence[str]) -> None:
    """Remove the fabrics named, or all that have no owner; ConfigError if one is in use."""
    records = {record.name: record for record in _state.records()}
    for name in names:
        if name not in records:
            known = f"there are {', '.join(records)}" if records else "there is none"
            raise ConfigError(f"no fabric '{name}'; {known}")
        if records[name].alive:
            raise ConfigError(
                f"{name} is {owner(records[name])}; end that first, or netopt fabric clean --force"
            )
    chosen = [records[name] for name in names] if names else _without_owner(records.values())
    _remove(chosen)
    if not chosen:
        click.echo("nothing is up")


def clean(force: bool) -> None:
    """Remove what has lost its owner; all if ``force``."""
    records = _state.records()
    chosen = [record for record in records if force or record.left]
    _remove(chosen)
    kept = len(records) - len(chosen)
    rest = f"; {kept} in use or up, see 'netopt fabric status'" if kept else ""
    click.echo(f"{'cleaned' if chosen else 'nothing to clean'}{rest}")


def _without_owner(records: Any) -> list[_state.Record]:
    return [record for record in records if record.owner is None]


def _remove(records: Sequence[_state.Record]) -> None:
    if records:
        _requirements.check(False)
    for record in records:
        remove(record)
        click.echo(f"{record.name} is removed")
