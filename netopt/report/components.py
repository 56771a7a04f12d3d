"""The catalogue shows every component and preset that netopt has, and one of them in full."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from netopt import links, resources, yamlfile
from netopt.algorithms import Algorithm
from netopt.codecs import Codec
from netopt.compute import Compute
from netopt.errors import ConfigError
from netopt.links.presets import ABOUT, PRESETS
from netopt.mixing import Mixing
from netopt.problems import Problem
from netopt.registry import Component, discover, find, suggest
from netopt.report.options import REQUIRED, Option, options, prose
from netopt.report.samples import example
from netopt.schedules import Schedule
from netopt.topologies import Generator

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

KINDS: dict[str, type[Component]] = {
    base.kind: base for base in (Problem, Generator, Mixing, Algorithm, Codec, Schedule, Compute)
}
LINK = "link"
"""What presets of links are listed and shown as, though they are no components."""


def listing() -> RenderableType:
    """Return every component of every kind with its one-line description, and the shipped files."""
    from rich.console import Group

    parts: list[RenderableType] = []
    for kind, base in KINDS.items():
        table = _two_columns(kind)
        for name, cls in discover(base).items():
            _row(table, name, cls.summary())
        parts.append(table)
    parts.append(_links())
    parts += [_shipped(kind) for kind in ("topologies", "experiments") if _has(kind)]
    return Group(*parts)


def show(kind: str, name: str) -> RenderableType:
    """Return a component's whole description: its text, reference, options and an example.

    A preset of a link has its numbers in place of options.

    Raises ConfigError with a suggestion for an unknown kind or id.
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    if kind == LINK:
        return _link(name)
    cls = _find(kind, name)
    parts: list[RenderableType] = [Text(f"{kind} {name}", style="bold"), Text("")]
    text = "\n".join((prose(cls), *(("", *facts(cls)) if facts(cls) else ())))
    parts.append(Padding(Text(_ticks(text)), (0, 0, 0, 2)))
    found = options(cls)
    parts.append(_options_table(found) if found else Text("\n  It has no options.\n"))
    parts.append(Text("example", style="bold"))
    parts.append(Padding(Text(block(example(cls))), (0, 0, 0, 2)))
    return Group(*parts)


def facts(cls: type[Component]) -> list[str]:
    """Return what else a reader should know of a component, a line each."""
    lines = [f"reference: {cls.reference}"] if cls.reference else []
    if issubclass(cls, Codec):
        lines.append(f"unbiased: {'yes' if cls.unbiased else 'no'}")
    if issubclass(cls, Compute):
        lines.append(f"the same times in every run: {'yes' if cls.modelled else 'no'}")
    if issubclass(cls, Algorithm):
        for channel in cls.channels:
            vectors = f"{channel.vectors} vector{'s' if channel.vectors > 1 else ''} a frame"
            codec = flow(channel.default) if isinstance(channel.default, dict) else channel.default
            said = "always" if channel.telling else "by default"
            lines.append(f"channel {channel.name}: {vectors}, codec {codec} {said}")
        lines.append(f"needs doubly stochastic weights: {'yes' if cls.doubly_stochastic else 'no'}")
    return lines


def block(mapping: Mapping[str, Any]) -> str:
    """Return a mapping as YAML, an option a line, as one would write it by hand."""
    lines = []
    for key, value in mapping.items():
        below = isinstance(value, dict) and bool(value)  # an empty one is {}
        text = "\n" + textwrap.indent(block(value), "  ") if below else f" {flow(value)}"
        lines.append(f"{key}:{text}")
    return "\n".join(lines)


def flow(value: Any) -> str:
    """Return a value as YAML in one line, as a run file would have it."""
    if value is msgspec.NODEFAULT:
        return REQUIRED
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return yamlfile.dump(value).removesuffix("...\n").strip()


def _find(kind: str, name: str) -> type[Component]:
    if kind not in KINDS:
        kinds = (*KINDS, LINK)
        hint = suggest(kind, kinds) or f"; choose from {', '.join(kinds)}"
        raise ConfigError(f"there is no kind of component called '{kind}'{hint}")
    try:
        return find(KINDS[kind], name)
    except ConfigError as error:
        raise ConfigError(error.message) from None


def _two_columns(title: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, show_header=False, title=title, title_justify="left")
    table.title_style = "bold"
    table.add_column(style="cyan", no_wrap=True, min_width=18)
    table.add_column()
    return table


def _row(table: Table, *cells: str) -> None:
    """Add cells as they stand: in rich's markup a docstring's [0, 1] would be a tag."""
    from rich.text import Text

    table.add_row(*(Text(_ticks(cell)) for cell in cells))


def _ticks(text: str) -> str:
    """Return text of a docstring with its code marked by single backticks, as on a terminal."""
    return text.replace("``", "`")


def _shipped(kind: str) -> Table:
    table = _two_columns(f"shipped {kind}")
    for name in resources.names(kind):
        content = yamlfile.read(resources.folder(kind) / f"{name}.yaml")
        _row(table, name, str(content.get("description", "")).strip())
    return table


def _links() -> Table:
    """Return the presets of links, each in one line."""
    table = _two_columns(LINK)
    for name, about in ABOUT.items():
        _row(table, name, f"{about}: {_numbers(links.make(name, LINK).config())}")
    return table


def _numbers(plain: Mapping[str, Any]) -> str:
    """Return what tells one preset from another, of a link's mapping."""
    jitter = "" if plain["jitter"] == "0 s" else f" and up to {plain['jitter']} more"
    parts = [plain["rate"], f"{plain['latency']}{jitter}"]
    parts += [f"{plain['loss']:.3g} of frames lost"] if plain["loss"] else []
    parts += ["half duplex"] if plain["duplex"] == "half" else []
    return ", ".join(parts)


def _link(name: str) -> RenderableType:
    """Return a preset of links in full; ConfigError with a suggestion if there is none."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    if name not in PRESETS:
        hint = suggest(name, PRESETS) or f"; choose from {', '.join(PRESETS)}"
        raise ConfigError(f"no link is called '{name}'{hint}")
    plain = links.make(name, LINK).config()
    table = _table("option", "value", "meaning")
    for option in options(links.Link):
        _row(table, option.name, flow(plain[option.name]), option.description)
    example = {"topology": {"id": "ring", "size": 8, "link": name}}
    return Group(
        Text(f"{LINK} {name}\n", style="bold"),
        Padding(Text(f"{ABOUT[name]}; typical values."), (0, 0, 0, 2)),
        table,
        Text("example", style="bold"),
        Padding(Text(block(example)), (0, 0, 0, 2)),
    )


def _has(kind: str) -> bool:
    """Return whether this installation came with the shipped files of ``kind``."""
    try:
        return bool(resources.names(kind))
    except ConfigError:
        return False


def _options_table(found: list[Option]) -> Table:
    units = any(option.unit for option in found)
    table = _table("option", "type", "default", *(["unit"] if units else []), "meaning")
    for option in found:
        unit = [option.unit] if units else []
        default = flow(option.default)
        _row(table, option.name, option.type, default, *unit, option.description)
    return table


def _table(*names: str) -> Table:
    """Return an empty table with these columns."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for name in names:
        table.add_column(name, no_wrap=name == "option")
    return table
