"""The grid knows every run of a sweep, and finds what is wrong with any before one is played."""

from __future__ import annotations

import itertools
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from netopt import config, yamlfile
from netopt.engine import single_threaded
from netopt.errors import ConfigError
from netopt.options import RunOptions
from netopt.registry import fill, suggest
from netopt.sweep import _axes
from netopt.sweep._axes import Axis

MANY, MOST = 10_000, 1_000_000
"""More runs than the first need ``--yes``; more than the second are refused."""
LONGEST = 150
"""Letters of a run directory's name; file systems allow 255 bytes."""
SEED = "seed"


class Cell(NamedTuple):
    """One run: the text of its value on each axis, what is set for it, and its directory's name.

    ``told`` names it for the reader, as in 'seed=3, levels=2', '' if there is no axis. ``resolved``
    is its run file as run.yaml says it, ``ranks`` its number of agents.
    """

    texts: tuple[str, ...]
    overrides: tuple[str, ...]
    name: str
    told: str
    resolved: dict[str, Any] = {}  # noqa: RUF012 - never written to
    ranks: int = 0


class Grid:
    """All combinations of the axes over the run file ``source``; the last axis varies fastest.

    Raises ConfigError for a word of ``--set`` that is wrong, a driver among them, too many runs,
    and an axis in ``over`` that there is not.
    """

    def __init__(
        self, source: Path, words: Sequence[str], driver: str, over: Sequence[str] = (SEED,)
    ) -> None:
        self.source, self.driver = source, driver
        self.settings = _axes.parse(words)
        if any(axis.place in ("network", "network.driver") for axis in self.settings):
            raise ConfigError("--set network.driver: choose the driver of a sweep with --driver")
        self.axes = [axis for axis in self.settings if axis.varied]
        self.labels = _axes.labels([axis.place for axis in self.axes])
        self.over = self._averaged(over)

    @property
    def size(self) -> int:
        """Return the number of runs."""
        return math.prod(axis.size for axis in self.axes)

    def limit(self, agreed: bool) -> None:
        """Raise ConfigError for more runs than one may want by mistake, unless that is agreed."""
        if self.size > (MOST if agreed else MANY):
            cure = f"at most {MOST} are possible" if agreed else "give --yes if you mean it"
            raise ConfigError(f"that makes {self.size} runs ({self.product()}); {cure}")

    def product(self) -> str:
        """Return how the number of runs comes about, such as '4 levels x 50 seed'."""
        parts = [f"{axis.size} {name}" for axis, name in zip(self.axes, self.labels, strict=True)]
        return " x ".join(parts) or "no axis"

    def group(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return the values of a run on the axes that are not averaged over."""
        return tuple(text for i, text in enumerate(texts) if i not in self.over)

    def kept(self, names: Sequence[str]) -> list[str]:
        """Return what belongs to the axes that are not averaged over; one name an axis."""
        return [name for i, name in enumerate(names) if i not in self.over]

    def cells(self) -> Iterator[Cell]:
        """Yield every run, not checked yet."""
        slugs = [_slugs(axis) for axis in self.axes]
        for texts in itertools.product(*(list(axis.texts()) for axis in self.axes)):
            yield self._cell(texts, slugs)

    def check(self) -> tuple[list[Cell], list[str]]:
        """Return every run with its run file resolved, and the warnings, each with its run.

        Every combination is built with one seed, since data do not fail by their seed. Raises
        ConfigError that names the combination, and two combinations that are one run.
        """
        base = config.read(self.source)
        checked: list[Cell] = []
        known: dict[tuple[str, ...], Cell] = {}
        runs: dict[bytes, Cell] = {}
        warnings: dict[str, str] = {}
        for cell in self.cells():
            key = tuple(t for t, a in zip(cell.texts, self.axes, strict=True) if a.place != SEED)
            try:
                made = self._resolve(cell, base, known.get(key), warnings)
            except ConfigError as error:
                raise ConfigError(f"{cell.told}: {error}" if cell.told else str(error)) from None
            known.setdefault(key, made)
            twin = runs.setdefault(msgspec.json.encode(made.resolved), made)
            if twin is not made:
                raise ConfigError(
                    f"{twin.told} and {made.told} are the same run; give each value once, and set "
                    "a whole component before its options"
                )
            checked.append(made)
        return checked, [f"{told}: {text}" if told else text for text, told in warnings.items()]

    def _averaged(self, over: Sequence[str]) -> set[int]:
        """Return the indices of the axes to average over, which are named by place or label."""
        places = [axis.place for axis in self.axes]
        found = set()
        for name in over:
            if name in ("none", SEED) and name not in places:
                continue
            if name not in places and name not in self.labels:
                hint = suggest(name, places) or f"; the axes are {', '.join(places) or 'none'}"
                raise ConfigError(f"--over {name}: no such axis is swept{hint}")
            found.add((places if name in places else self.labels).index(name))
        return found

    def _cell(self, texts: tuple[str, ...], slugs: Sequence[Mapping[str, str]]) -> Cell:
        values = iter(texts)
        words = [
            f"{axis.place}={next(values) if axis.varied else axis.pieces[0]}"
            for axis in self.settings
        ]
        pairs = list(zip(self.labels, texts, slugs, strict=True))
        name = _short(",".join(f"{label}={slug[text]}" for label, text, slug in pairs) or "run")
        told = ", ".join(f"{label}={text}" for label, text, _ in pairs)
        return Cell(texts, (*words, f"network.driver={self.driver}"), name, told)

    def _resolve(
        self, cell: Cell, base: Mapping[str, Any], like: Cell | None, warnings: dict[str, str]
    ) -> Cell:
        """Return a run with its run file resolved; ``like`` differs from it by its seed alone."""
        raw = config.read(base, cell.overrides)
        if like is not None:
            options = fill(RunOptions, raw, "$", "a run file")
            return cell._replace(resolved={**like.resolved, "seed": options.seed}, ranks=like.ranks)
        with single_threaded():
            experiment = config.make(raw, self.source.parent)
        for warning in experiment.warnings:
            warnings.setdefault(warning, cell.told)
        # As run.yaml will say it: YAML has lists where an option is a tuple.
        resolved = yamlfile.parse(yamlfile.dump(experiment.resolved), "run.yaml")
        return cell._replace(resolved=resolved, ranks=experiment.topology.size)


def _slugs(axis: Axis) -> dict[str, str]:
    """Return each value as part of a file name; values that would look alike get a checksum."""
    plain = {text: re.sub(r"[^\w.+-]+", "-", text).rstrip("-") for text in axis.texts()}
    many = Counter(plain.values())
    return {
        text: slug if many[slug] == 1 and slug else f"{slug}-{zlib.crc32(text.encode()):08x}"
        for text, slug in plain.items()
    }


def _short(name: str) -> str:
    """Return a name that file systems take; what is cut off is told by a checksum."""
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}-{zlib.crc32(name.encode()):08x}"
