"""Where an algorithm lives in a test: the first of a few small graphs that it accepts."""

from __future__ import annotations

from typing import Any

from netopt.algorithms import Algorithm
from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.registry import build, find
from netopt.topologies import load

GRAPHS = ("w1", {"id": "star", "size": 4}, {"id": "star", "size": 2})


def home(name: str, graphs: Any = GRAPHS) -> Any:
    """Return the first of ``graphs`` (topologies of a run file) on which the algorithm runs."""
    return homes(name, graphs)[0]


def homes(name: str, graphs: Any = GRAPHS) -> list[Any]:
    """Return the ``graphs`` on which the algorithm runs; one at least."""
    found = [graph for graph in graphs if _accepts(build(Algorithm, name), graph)]
    assert found, f"{name} accepts none of the graphs that tests use"
    return found


def _accepts(algorithm: Algorithm, graph: Any) -> bool:
    try:
        algorithm.check(load(graph))
    except ConfigError:
        return False
    return True


def channels(name: str) -> list[str]:
    """Return the names of the channels for which a run file chooses a codec."""
    return [c.name for c in build(Algorithm, name).channels if not c.telling]


def wide(codec: str) -> dict[str, Any]:
    """Return a codec's mapping, with a range of 1000 if it has one: enough for all these tests."""
    fields = find(Codec, codec).__struct_fields__
    return {"id": codec, **({"range": 1000.0} if "range" in fields else {})}
