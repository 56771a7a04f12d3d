"""The loader knows where a topology may come from: a mapping, a file, a shipped name, an id."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netopt import resources, yamlfile
from netopt.errors import ConfigError
from netopt.registry import build, discover, find, suggest
from netopt.topologies._generator import Generator
from netopt.topologies._topology import Topology


def load(spec: object, path: str = "$.topology", folder: str | Path | None = None) -> Topology:
    """Return the topology that ``spec`` describes.

    ``spec`` is a mapping such as ``{id: ring, size: 8, weights: metropolis}``, a path to a YAML
    file with such a mapping (it ends in .yaml and is relative to ``folder``), the name of a shipped
    topology such as ``ring-8``, or a generator's id, with its defaults. Raises ConfigError.
    """
    if not isinstance(spec, str):
        return _finish(spec, path)
    if spec.endswith((".yaml", ".yml")):
        return load_file(Path(folder or "", spec), path)
    if spec in resources.names("topologies"):
        return load_file(shipped(spec), path)
    _refuse_unknown(spec, path)
    return _finish({"id": spec}, path)


def shipped(name: str) -> Path:
    """Return the file of the shipped topology ``name``."""
    return resources.folder("topologies") / f"{name}.yaml"


def load_file(file: Path, path: str = "") -> Topology:
    """Return the topology that a YAML file describes, named like the file; ConfigError if none."""
    spec = read(file, path)
    spec.pop("description", None)
    return _finish(spec, f"{file.name}: $", file.stem)


def read(file: Path, path: str = "") -> dict[Any, Any]:
    """Return the mapping in a topology file; ConfigError at ``path`` names file and line."""
    try:
        return yamlfile.read(file)
    except ConfigError as error:
        raise ConfigError(error.message, path) from None


def _refuse_unknown(name: str, path: str) -> None:
    try:
        find(Generator, name, path)
    except ConfigError:
        known = [*discover(Generator), *resources.names("topologies")]
        hint = suggest(name, known) or f"; choose from {', '.join(known)}, or give a .yaml file"
        raise ConfigError(f"no topology is called '{name}'{hint}", path) from None


def _finish(spec: object, path: str, name: str = "") -> Topology:
    if not isinstance(spec, Mapping):
        raise ConfigError(f"a topology is a name or a mapping with 'id', got {spec!r}", path)
    generator = build(Generator, spec, path)
    try:
        return generator.build_topology(name)
    except ConfigError as error:
        raise error.under(path) from None
