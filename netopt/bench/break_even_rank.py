"""What each rank of ``bench break-even`` runs: a codec and plain numbers take turns, item by item.

``python -m netopt.bench.break_even_rank CASE`` with CASE a JSON list, a ``Case``; the root prints a
JSON line for each item.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from netopt.bench import rank
from netopt.bench.break_even_cases import (
    BASE,
    LEAST,
    PARTS,
    PLAIN,
    Case,
    Item,
    Spec,
    Trade,
    experiment_of,
)
from netopt.bench.rank import Row
from netopt.network import mpi, ranks


class Contestant:
    """A codec's trades over a network of their own."""

    def __init__(self, item: Item, d: int) -> None:
        self.trade = Trade()
        self.network = mpi.MpiNetwork(experiment_of(item, d)._replace(algorithm=self.trade))
        self.network.setup()
        self._virtual = item.clock == "virtual"
        self._emulated: list[float] = []
        self._frames: list[int] = []

    def play(self) -> None:
        """Play the next round when both agents are here."""
        self.network.settle()
        began = self.network.emulated() or 0.0
        self.network.play(len(self._frames))
        self._emulated.append((self.network.emulated() or 0.0) - began)
        self._frames.append(self.trade.frame_bytes)

    def told(self) -> Row | None:
        """Return at the root the seconds of each round but the first, the mean of both agents'.

        The ``total`` of a virtual clock is that clock's.
        """
        mine = np.array(self.trade.times[1:]).ravel()
        both = self.network.gather(mine)
        sizes = self.network.gather(np.array(self._frames[1:]))
        if both is None or sizes is None:
            return None
        times = both.mean(axis=0).reshape(-1, len(PARTS)).T
        found: Row = dict(zip(PARTS, times.tolist(), strict=True))
        if self._virtual:
            found["total"] = self._emulated[1:]
        return {**found, "frame_bytes": float(sizes.mean())}

    def close(self) -> None:
        """Let go of the network."""
        self.network.books()
        self.network.close()


def race(item: Item, case: Case) -> Row | None:
    """Let a codec and plain numbers take turns; return at the root what each took.

    Over a link of a rate only the plain numbers that count are played.
    """
    plain: Mapping[str, Spec] = PLAIN if item.rate is None else {BASE: PLAIN[BASE]}
    field = {name: Contestant(item._replace(codec=spec), case.d) for name, spec in plain.items()}
    field["codec"] = Contestant(item, case.d)
    network = field["codec"].network
    began = perf_counter()
    _turn(field)
    fit = int(case.limit / max(perf_counter() - began, 1e-9))
    for _ in range(network.agree(min(case.repeats, max(LEAST, fit)))):
        _turn(field)
    told = {name: contestant.told() for name, contestant in field.items()}
    for contestant in field.values():
        contestant.close()
    return {"rate": item.rate, **told} if network.root else None


def _turn(field: Mapping[str, Contestant]) -> None:
    for contestant in field.values():
        contestant.play()


def measure(told: list[Any]) -> Iterator[Row]:
    """Measure all items; yield the row of each at the root."""
    rank.pin(ranks.world()[0])
    case = Case(*told)
    gc.collect()
    gc.freeze()
    for words in case.items:
        row = race(Item(*words), case)
        if row is not None:
            yield row


if __name__ == "__main__":
    rank.play(measure)
