"""The loader knows where a topology may come from: a mapping, a file, a shipped name, an id."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netopt import resources
from netopt.errors import ConfigError
from netopt.registry import build, discover, find, suggest
from netopt.topologies._generator import Generator
from netopt.topologies._topology import Topology

NONE: Mapping[str, Any] = {}


def load(
    spec: object,
    path: str = "$.topology",
    folder: str | Path | None = None,
    parsed: Mapping[str, Mapping[Any, Any]] = NONE,
) -> Topology:
    """Return the topology that ``spec`` describes.

    ``spec`` is a mapping such as ``{id: ring, size: 8, weights: metropolis}``, a path to a YAML
    file with such a mapping (it ends in .yaml and is relative to ``folder``), the name of a shipped
    topology such as ``ring-8``, or a generator's id, with its defaults. A mapping's ``id`` may be
    such a path or name too; its other options are then put over the file's. A file whose mapping is
    ``parsed``, by its path, is not read again. Raises ConfigError.
    """
    file = file_of(spec, folder)
    if file is not None:
        changes = (
            {k: v for k, v in spec.items() if k != "id"} if isinstance(spec, Mapping) else NONE
        )
        return _from_file(file, parsed.get(str(file)) or read(file, path), changes, path)
    if not isinstance(spec, str):
        return _finish(spec, path)
    _refuse_unknown(spec, path)
    return _finish({"id": spec}, path)


def shipped(name: str) -> Path:
    """Return the file of the shipped topology ``name``."""
    return resources.folder("topologies") / f"{name}.yaml"


def file_of(spec: object, folder: str | Path | None = None) -> Path | None:
    """Return the file that ``spec`` names, as in ``load``, or None if it names none."""
    if isinstance(spec, Mapping):
        spec = spec.get("id")
    if not isinstance(spec, str):
        return None
    if spec.endswith((".yaml", ".yml")):
        return Path(folder or "", spec)
    return shipped(spec) if spec in resources.names("topologies") else None


def load_file(file: Path, path: str = "") -> Topology:
    """Return the topology that a YAML file describes, named like the file; ConfigError if none."""
    return _from_file(file, read(file, path))


def _from_file(
    file: Path, spec: Mapping[Any, Any], changes: Mapping[Any, Any] = NONE, path: str = ""
) -> Topology:
    spec = {name: value for name, value in spec.items() if name != "description"}
    return _finish({**spec, **changes}, path if changes else f"{file.name}: $", file.stem)


def read(file: Path, path: str = "") -> dict[Any, Any]:
    """Return the mapping in a topology file; ConfigError at ``path`` names file and line."""
    from netopt import yamlfile  # late: PyYAML is not for ranks that are told what it says

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
