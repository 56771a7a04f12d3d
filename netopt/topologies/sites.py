"""Sites know where agents are on the earth, and which cables run between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from netopt.errors import ConfigError
from netopt.registry import convert, suggest
from netopt.topologies import Adjacency, Generator
from netopt.topologies._cables import Edge
from netopt.topologies._earth import FIBRE, Place, great_circle, route, seconds
from netopt.topologies._graph import link
from netopt.topologies._topology import unreachable


class Cable(NamedTuple):
    """Two agents and the km of cable between them."""

    source: int
    target: int
    length: float


def _cities() -> dict[str, Any]:
    return {"London": [51.51, -0.13], "Paris": [48.86, 2.35], "Frankfurt": [50.11, 8.68]}


class Sites(Generator):
    """Places on the earth and the cables between them; distance makes each cable's latency.

    Agents are numbered in the order of ``sites``. A cable is as long as the great circle between
    its ends times ``detour``, unless it says its own length in km; light takes ``refraction`` times
    as long as in a vacuum. A latency in ``link`` or ``links`` replaces that of the distance.
    """

    id: ClassVar[str] = "sites"
    reference: ClassVar[str] = "ITU-T G.826 (12/2002), routing factors; ITU-T G.652, fibre"

    sites: Annotated[
        dict[str, Any],
        Meta(min_length=1, max_length=4096, description="name: [latitude, longitude] in degrees"),
    ] = msgspec.field(default_factory=_cities)
    cables: Annotated[
        list[Any] | None,
        Meta(description="[site, site] or [site, site, km] each; null: between all sites"),
    ] = None
    detour: Annotated[
        Annotated[float, Meta(ge=1)] | None,
        Meta(
            description="length of a cable over the great circle; null: 1.5 below 1000 km, "
            "1.25 above 1200 km, 1500 km between",
        ),
    ] = None
    refraction: Annotated[
        float, Meta(ge=1, description="speed of light in a vacuum over that in the cable")
    ] = FIBRE

    def adjacency(self) -> Adjacency:
        """Return A, shape (N, N) bool; ConfigError names a site or cable that is none."""
        laid = self.laid()
        sources = np.array([cable.source for cable in laid], dtype=np.int64)
        targets = np.array([cable.target for cable in laid], dtype=np.int64)
        heard = link(len(self.sites), sources, targets)
        apart = unreachable(heard)
        if apart is not None:
            names = list(self.sites)
            raise ConfigError(
                f"no cables lead from {names[apart[0]]} to {names[apart[1]]}; "
                "add some until every site reaches every other",
                "$.cables",
            )
        return heard

    def delays(self) -> Mapping[Edge, float]:
        """Return the latency (s) of both directions of every cable, from its length."""
        found = {}
        for source, target, length in self.laid():
            found[source, target] = found[target, source] = seconds(length, self.refraction)
        return found

    def laid(self) -> list[Cable]:
        """Return the cables with their lengths; ConfigError names one that is wrong."""
        places = {name: _place(at, f"$.sites.{name}") for name, at in self.sites.items()}
        cables = list(combinations(places, 2)) if self.cables is None else self.cables
        number = {name: i for i, name in enumerate(places)}
        found: dict[Edge, Cable] = {}
        for path, (a, b, given) in _ends(cables, places):
            source, target = number[a], number[b]
            edge = (min(source, target), max(source, target))
            if edge in found:
                raise ConfigError(f"the cable {a} - {b} is there already; delete one", path)
            length = route(great_circle(places[a], places[b]), self.detour)
            found[edge] = Cable(source, target, length if given is None else given)
        return list(found.values())


def _place(given: object, path: str) -> Place:
    """Return a site's latitude and longitude; ConfigError if there is no such place."""
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise ConfigError(f"a site is [latitude, longitude] in degrees, got {given!r}", path)
    north, east = (convert(part, float, path) for part in given)
    for name, value, most in (("latitude", north, 90), ("longitude", east, 180)):
        if abs(value) > most:
            raise ConfigError(
                f"a {name} is -{most} to {most} degrees, got {value:g}; a site is "
                "[latitude, longitude]",
                path,
            )
    return north, east


def _ends(
    cables: list[Any], places: Mapping[str, Place]
) -> Iterator[tuple[str, tuple[str, str, float | None]]]:
    """Yield for each cable its path, the names at its ends, and its own length if it has one."""
    for i, given in enumerate(cables):
        path = f"$.cables[{i}]"
        if not isinstance(given, list | tuple) or len(given) not in (2, 3):
            raise ConfigError(f"a cable is [site, site] or [site, site, km], got {given!r}", path)
        a, b = (_known(name, places, path) for name in given[:2])
        if a == b:
            raise ConfigError(f"a cable from {a} to itself carries nothing; name two sites", path)
        length = convert(given[2], float, path) if len(given) == 3 else None
        if length is not None and length <= 0:
            raise ConfigError(f"expected a length of more than 0 km, got {length:g}", path)
        yield path, (a, b, length)


def _known(name: object, places: Mapping[str, Place], path: str) -> str:
    if not isinstance(name, str) or name not in places:
        hint = suggest(str(name), places) or f"; choose from {', '.join(places)}"
        raise ConfigError(f"no site is called {str(name)!r}{hint}", path)
    return name
