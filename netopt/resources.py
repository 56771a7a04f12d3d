"""Resources know where netopt's shipped data lies: in an installed wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

import netopt
from netopt.errors import ConfigError

_CHECKOUT = {"topologies": Path("topologies"), "experiments": Path("launch", "experiments")}


def folder(kind: str) -> Path:
    """Return the folder of shipped ``kind``, 'topologies' or 'experiments'.

    Raises ConfigError for another kind, or if this installation came without the data.
    """
    if kind not in _CHECKOUT:
        raise ConfigError(f"nothing is shipped as '{kind}'; choose from {', '.join(_CHECKOUT)}")
    package = Path(netopt.__file__).parent
    for place in (package / "shipped" / kind, package.parent / _CHECKOUT[kind]):
        if place.is_dir():
            return place
    raise ConfigError(f"the shipped {kind} are missing; install netopt again")


def names(kind: str) -> tuple[str, ...]:
    """Return the names of the shipped YAML files of ``kind``, sorted, without their suffix."""
    return tuple(sorted(file.stem for file in folder(kind).glob("*.yaml")))
