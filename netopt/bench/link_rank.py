"""What each rank of ``bench link`` runs: the two ends of an edge measure it, all others sleep.

``python -m netopt.bench.link_rank CASE`` with CASE a JSON list, a ``Case``. The first agent of a
pair leads: it tells the other what comes, takes the time, and prints a JSON line for each point.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from netopt.bench import link_model, rank
from netopt.bench.link_cases import (
    BANDWIDTH,
    BIDIRECTIONAL,
    LATENCY,
    REPLY,
    TESTS,
    WINDOW,
    Block,
    Case,
    Pair,
    blocks,
)
from netopt.bench.link_ends import Edge, Held, Plain
from netopt.bench.link_sampling import Forecast, Sampled, sample, window_of
from netopt.bench.rank import Row
from netopt.mpi import MPI
from netopt.network import ranks

NAP = 0.02
"""Seconds of sleep between two looks of a rank that takes no part."""
STOP = -1

Lane = Plain | Held
Call = Callable[[], None]


class Place:
    """A rank's end of a pair: its communicators, its lanes, its core."""

    def __init__(self, pair: Pair, case: Case, comms: list[Any]) -> None:
        self.rank = ranks.world()[0]
        self.edge = Edge(pair, self.rank)
        self.orders, self._frames, self._stamps = comms
        self._held = case.clock == "real"
        self._lanes: list[Lane] = []
        self._leads = self.rank == pair.first
        rank.pin(0 if self._leads else 1)

    def calls(self, test: str, size: int, count: int) -> Sequence[Call]:
        """Return what this end does in an iteration of a test, one call after the other.

        Windows have ``count`` messages of ``size`` bytes. Calls returned before are no longer good.
        """
        self.close()
        lane, reply = self._lanes = [self._lane(size, count), self._lane(REPLY, 1)]
        if test == LATENCY:
            return (lane.send, lane.receive) if self._leads else (lane.receive, lane.send)
        if test == BANDWIDTH:
            return (lane.send, reply.receive) if self._leads else (lane.receive, reply.send)
        return (lane.swap,)

    def close(self) -> None:
        """Free what the calls need."""
        for lane in self._lanes:
            lane.close()
        self._lanes = []

    def _lane(self, size: int, count: int) -> Lane:
        plain = Plain(self._frames, self.edge.peer, size, count)
        if not self._held:
            return plain
        return Held(plain, self.edge, self._stamps, size, count)

    def order(self, words: list[int]) -> None:
        """Tell the other end what comes, and return when it is ready."""
        self.orders.Send(np.array(words, np.int64), self.edge.peer)
        self.ready()

    def stop(self) -> None:
        """Tell the other end that nothing else comes."""
        self.orders.Send(np.array([STOP, 0, 0, 0], np.int64), self.edge.peer)
        self.close()

    def ready(self) -> None:
        """Return when both ends are here."""
        none = np.zeros(1, np.uint8)
        self.orders.Sendrecv(none, self.edge.peer, 0, np.zeros(1, np.uint8), self.edge.peer)

    def told(self) -> list[int]:
        """Return what the leading end has ordered."""
        words = np.zeros(4, np.int64)
        self.orders.Recv(words, self.edge.peer)
        return [int(word) for word in words]


def run(todo: Sequence[Call], iterations: int) -> None:
    """Play iterations."""
    if len(todo) == 1:
        for _ in range(iterations):
            todo[0]()
        return
    first, second = todo
    for _ in range(iterations):
        first()
        second()


def lead(block: Block, case: Case, place: Place) -> Iterator[Row]:
    """Measure a test at all sizes; yield a row a size, without samples if it would take too long.

    How long is told by the size before, or by the link if it is emulated.
    """
    test, pair = block.test, block.pair
    wanted = 1 if test == LATENCY else WINDOW
    forecast = Forecast()
    for size in case.sizes:
        if case.emulated:
            expected = link_model.seconds(case.felt(pair), test, size, wanted)
        else:
            expected = forecast.seconds(size)
        count = window_of(wanted, expected, case.limit)
        row: Row = {"test": test, "source": pair.first, "target": pair.second, "bytes": size}
        row |= {"window": count or wanted, "expected": expected}
        found = Sampled([], 0)
        if count:
            found = sample(_timer(place, test, size, count), case.limit)
            forecast.see(size, min(found.seconds) * wanted / count)
        yield {**row, **found._asdict()}


def _timer(place: Place, test: str, size: int, count: int) -> Callable[[int], float]:
    todo = place.calls(test, size, count)

    def timer(iterations: int) -> float:
        place.order([TESTS.index(test), size, count, iterations])
        began = perf_counter()
        run(todo, iterations)
        if test == BIDIRECTIONAL:  # the other end's window may still be on its way
            place.ready()
        return perf_counter() - began

    return timer


def follow(place: Place) -> None:
    """Do what the leading end orders until it stops."""
    known: tuple[int, ...] = ()
    todo: Sequence[Call] = ()
    while True:
        number, size, count, iterations = place.told()
        if number == STOP:
            place.close()
            return
        if known != (number, size, count):
            known = (number, size, count)
            todo = place.calls(TESTS[number], size, count)
        place.ready()
        run(todo, iterations)
        if TESTS[number] == BIDIRECTIONAL:
            place.ready()


def measure(told: list[Any]) -> Iterator[Row]:
    """Measure edge by edge; whoever leads yields its rows."""
    case = _case(told)
    comms = [MPI.COMM_WORLD.Dup() for _ in range(3)]
    gc.collect()
    gc.freeze()
    for block in blocks(case):
        if ranks.world()[0] == block.pair.first:
            place = Place(block.pair, case, comms)
            yield from lead(block, case, place)
            place.stop()
        elif ranks.world()[0] == block.pair.second:
            follow(Place(block.pair, case, comms))
        _sleep_until_all_are_here()


def _case(told: list[Any]) -> Case:
    case = Case(*told)
    return case._replace(pairs=tuple(Pair(*words) for words in case.pairs))


def _sleep_until_all_are_here() -> None:
    request = MPI.COMM_WORLD.Ibarrier()
    while not request.Test():
        time.sleep(NAP)


if __name__ == "__main__":
    rank.play(measure)
