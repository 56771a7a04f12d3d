"""Splits a rank's time into parts: timers around what an algorithm asks of its agent, and products.

They are put on for some rounds and taken off again, so that other rounds are free of them. What
belongs to a driver is handed in: nothing here needs the MPI library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from types import ModuleType
from typing import Any

from netopt.agent import Agent
from netopt.algorithms import _smooth, diana_plus
from netopt.network.posts import Deadline, Inlet

PARTS = ("gradient", "encode", "decode", "products", "wire", "wait")
"""'products' are with L^(1/2) and L^(-1/2); 'wire' is MPI and headers, 'wait' only for others."""

Place = tuple[str, type, str]
"""A part, a class, and the name of a method whose time belongs to the part."""

PLACES: tuple[Place, ...] = (
    ("gradient", Agent, "grad"),
    ("encode", Agent, "encode"),
    ("decode", Agent, "decode"),
    ("decode", Agent, "add"),
    ("wire", Inlet, "repost"),
    ("wait", Deadline, "wait"),
)
PRODUCTS = (diana_plus, _smooth)
"""The modules whose calls of np.dot are the products."""


class Split:
    """Seconds by part; a call within a timed call counts for its own part only."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._inner = 0.0

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``call`` with its time added to ``part``."""
        seconds = self.seconds

        def watched(*arguments: Any, **options: Any) -> Any:
            outer, self._inner = self._inner, 0.0
            began = perf_counter()
            try:
                return call(*arguments, **options)
            finally:
                took = perf_counter() - began
                seconds[part] += took - self._inner
                self._inner = outer + took

        return watched


@contextmanager
def timers(split: Split, more: Sequence[Place] = ()) -> Iterator[None]:
    """Let ``split`` time what is played inside, at ``more`` places too; then all is as it was."""
    kept = [(owner, name, getattr(owner, name)) for _, owner, name in (*PLACES, *more)]
    modules = [(module, vars(module)["np"]) for module in PRODUCTS]
    try:
        for part, owner, name in (*PLACES, *more):
            setattr(owner, name, split.timed(part, getattr(owner, name)))
        for module, numpy in modules:
            vars(module)["np"] = _with_timed_dot(numpy, split)
        yield
    finally:
        for owner, name, call in kept:
            setattr(owner, name, call)
        for module, numpy in modules:
            vars(module)["np"] = numpy


def _with_timed_dot(numpy: ModuleType, split: Split) -> ModuleType:
    """Return a copy of numpy's namespace: nothing else in it gets slower."""
    copy = ModuleType(numpy.__name__)
    vars(copy).update(vars(numpy))
    vars(copy)["dot"] = split.timed("products", numpy.dot)
    return copy
