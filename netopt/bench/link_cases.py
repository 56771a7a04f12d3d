"""What ``bench link`` measures: edges of a topology, message sizes, tests; without the MPI library.

The tests and their iterations are those of the OSU micro-benchmarks: ``latency`` is half a round
trip, ``bandwidth`` a window of messages that are sent at once and one reply, ``bidirectional`` such
a window each way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from netopt import links, quantities, yamlfile
from netopt.errors import ConfigError
from netopt.links import Link
from netopt.topologies import Topology, load

LATENCY, BANDWIDTH, BIDIRECTIONAL = TESTS = ("latency", "bandwidth", "bidirectional")
WINDOW = 64
"""Messages that are sent at once."""
REPLY = 4
"""Bytes of the reply to a window."""
SIZES = tuple(2**k for k in range(23))
"""1 B to 4 MiB."""
LARGEST = 2**28
LIMIT = 3.0
"""Seconds that a point may take."""
TWO = {"id": "path", "size": 2}
"""The topology if none is named."""
_SIZE = re.compile(r"([0-9]+) *(B|KiB|MiB|kB|MB)?")
_UNITS = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "kB": 10**3, "MB": 10**6}
_EDGE = re.compile(r"([0-9]+) *(?:-|->) *([0-9]+)")


class Pair(NamedTuple):
    """Two neighbours: the options of the links there and back, and the rates of their own ports.

    ``uplinks`` and ``downlinks`` (bit/s, None: no limit) are those of ``first`` and ``second``.
    """

    first: int
    second: int
    there: Mapping[str, Any]
    back: Mapping[str, Any]
    uplinks: Sequence[float | None] = (None, None)
    downlinks: Sequence[float | None] = (None, None)

    @property
    def name(self) -> str:
        """Return the edge as the command line says it."""
        return f"{self.first}-{self.second}"

    def links(self) -> dict[tuple[int, int], Link]:
        """Return the links of both directions."""
        one, two = self.first, self.second
        return {
            (one, two): links.make(self.there, "$.link"),
            (two, one): links.make(self.back, "$.link"),
        }

    @property
    def alike(self) -> bool:
        """Whether a message fares there as it does back."""
        ports = (*self.uplinks, *self.downlinks)
        return self.there == self.back and ports[0] == ports[1] and ports[2] == ports[3]

    def hurried(self) -> Pair:
        """Return the edge without latency and jitter."""
        none = {"latency": 0.0, "jitter": 0.0}
        return self._replace(there={**self.there, **none}, back={**self.back, **none})

    def turned(self) -> Pair:
        """Return the same edge seen from its other end."""
        up, down = self.uplinks[::-1], self.downlinks[::-1]
        return Pair(self.second, self.first, self.back, self.there, up, down)


class Case(NamedTuple):
    """What is measured; ``limit`` is in seconds a point: one size in one test on one edge.

    ``clock`` is 'none' or 'real', ``fabric`` whether the kernel has the links, ``delayed`` whether
    somebody takes care of latencies: not every kernel can.
    """

    ranks: int
    pairs: Sequence[Pair]
    sizes: Sequence[int] = SIZES
    limit: float = LIMIT
    clock: str = "none"
    fabric: bool = False
    delayed: bool = True

    @property
    def emulated(self) -> bool:
        """Whether messages take the time that the configured links say."""
        return self.fabric or self.clock != "none"

    def felt(self, pair: Pair) -> Pair:
        """Return the edge as messages feel it if the links are emulated exactly."""
        return pair if self.delayed else pair.hurried()


class Block(NamedTuple):
    """A test on a pair, led by its first agent: one point for each size."""

    pair: Pair
    test: str


def blocks(case: Case) -> list[Block]:
    """Return the tests in their order; bandwidth also backwards if the edge differs that way."""
    found = []
    for pair in case.pairs:
        found += [Block(pair, test) for test in TESTS]
        if not pair.alike:
            found.append(Block(pair.turned(), BANDWIDTH))
    return found


def topology_of(named: str | None) -> Topology:
    """Return the topology that the user names, by name, file, run file or mapping in YAML.

    Raises ConfigError.
    """
    if named is None:
        return load(TWO)
    if named.lstrip().startswith("{"):
        return load(yamlfile.parse(named, "TOPOLOGY"), "TOPOLOGY")
    if named.endswith((".yaml", ".yml")):
        raw = yamlfile.read(Path(named))
        if "topology" in raw:
            return load(raw["topology"], "$.topology", Path(named).parent)
    return load(named, "TOPOLOGY", ".")


def case_of(
    topology: Topology, edges: Sequence[str], sizes: str | None, limit: str | None, clock: str
) -> Case:
    """Return the case that the command line says; ConfigError for what does not exist."""
    pairs = {(min(edge), max(edge)): None for edge in topology.edges}
    if not pairs:
        raise ConfigError(f"'{topology.name}' has no edge to measure; name a larger topology")
    chosen = [_edge(text, topology.name, list(pairs)) for text in edges] or list(pairs)
    found = tuple(_pair(topology, *edge) for edge in dict.fromkeys(chosen))
    return Case(topology.size, found, sizes_of(sizes), limit_of(limit), clock)


def _pair(topology: Topology, i: int, j: int) -> Pair:
    up, down = (
        tuple(ports.get(rank) for rank in (i, j))
        for ports in (topology.uplinks, topology.downlinks)
    )
    return Pair(i, j, topology.link(i, j).config(), topology.link(j, i).config(), up, down)


def _edge(text: str, name: str, known: list[tuple[int, int]]) -> tuple[int, int]:
    match = _EDGE.fullmatch(text.strip())
    edge = (int(match[1]), int(match[2])) if match else (-1, -1)
    edge = (min(edge), max(edge))
    if edge not in known:
        names = [f"{i}-{j}" for i, j in known]
        some = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise ConfigError(f"--edge: '{name}' has no edge '{text}'; its edges are {some}")
    return edge


def sizes_of(text: str | None) -> tuple[int, ...]:
    """Return the bytes in ``1,64KiB,4MiB``, ascending; ConfigError for what is no size.

    >>> sizes_of("1 KiB, 8")
    (8, 1024)
    """
    if text is None:
        return SIZES
    found = {_size(word.strip()) for word in text.split(",")}
    return tuple(sorted(found))


def _size(word: str) -> int:
    match = _SIZE.fullmatch(word)
    size = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 1 <= size <= LARGEST:
        raise ConfigError(
            f"--sizes: a message has 1 to {LARGEST} bytes, such as 1,64KiB,4MiB; got '{word}'"
        )
    return size


def limit_of(text: str | None, usual: float = LIMIT) -> float:
    """Return the seconds in ``10 s``; ConfigError unless they are more than 0."""
    if text is None:
        return usual
    try:
        seconds = quantities.duration(text)
    except ValueError as error:
        raise ConfigError(f"--limit: {error}") from None
    if seconds <= 0:
        raise ConfigError(f"--limit: expected more than 0 s, got '{text}'")
    return seconds
