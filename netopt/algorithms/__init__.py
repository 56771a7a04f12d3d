"""Algorithms read like their papers' boxes: a round is a generator, each yield is one exchange.

An algorithm talks to its ``Agent`` and never sees a byte, a buffer or another agent's state.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from netopt.agent import Agent, Channel, Exchange, Vector
from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.registry import Component
from netopt.topologies import Topology

Round = Generator[Exchange, Any, None]
"""It gets an Inbox for each Exchange; an asynchronous agent's gets what was Heard."""


class Extra(NamedTuple):
    """Frames that not every round has, such as a reset's: ``what`` it is, in one word or two.

    ``times`` says how often it happens in a run, None if that depends on the data. ``frames`` are
    source, destination and channel index; on a channel for telling each has ``count`` numbers.
    """

    what: str
    times: int | None
    frames: Sequence[tuple[int, int, int]]
    count: int = 1  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


@dataclass(slots=True)
class State:
    """What an agent keeps from round to round: at least its estimate x, shape (d,) float64."""

    x: Vector


@dataclass(slots=True)
class Swapping(State):
    """x and a ``spare`` of its size: the next x is written there, then the two change places.

    No round allocates; until it ends, the array of the old x is free once that has been used.
    Nothing is kept in ``spare``: between two rounds the network mean may be written there.
    """

    spare: Vector

    @classmethod
    def at(cls, x: Vector) -> Swapping:
        """Return the state at x, shape (d,), which is not copied."""
        return cls(x, np.empty_like(x))

    def become(self, x: Vector) -> None:
        """Let x, which lies in ``spare``, be the estimate."""
        self.x, self.spare = x, self.x


class Algorithm(Component):
    """Base of every algorithm: ``start`` makes an agent's state, ``round`` plays one round of it.

    ``channels`` declares the messages: in each round, every directed edge carries one frame of each
    channel unless ``traffic`` says otherwise.
    """

    kind: ClassVar[str] = "algorithm"
    package: ClassVar[str] = "netopt.algorithms"
    channels: ClassVar[tuple[Channel, ...]] = (Channel("mix"),)
    doubly_stochastic: ClassVar[bool] = True
    """Whether the method's analysis needs a doubly stochastic mixing matrix."""
    asynchronous: ClassVar[bool] = False
    """Whether agents go on at their own pace: a round of the run is then a tick of the clock."""
    tolerates_loss: ClassVar[bool] = False
    """Whether the method goes on when a neighbour's frame is lost; the inbox then lacks it."""
    dense: ClassVar[bool] = False
    """Whether an agent holds d x d matrices."""

    def start(self, me: Agent) -> State:
        """Return the state before round 0."""
        return State(me.problem.start().copy())

    def round(self, s: Any, me: Agent) -> Round:
        """Play one round: yield exchanges, receive inboxes, update ``s``."""
        raise TypeError(f"algorithm {self.id} does not define a round")

    def setup(self, s: Any, me: Agent) -> Round:
        """Play what comes before round 0, such as telling a smoothness matrix; counted apart."""
        yield from ()

    def setup_traffic(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> list[tuple[int, int, int]]:
        """Return (source, destination, numbers of 32 bits) of every frame of ``setup``."""
        return []

    def workers(self, topology: Topology) -> Sequence[int]:
        """Return the ranks of the agents that have a share f_i of the problem, ascending."""
        return range(topology.size)

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Return warnings about a run with this problem and these codecs, of its channels in order.

        Raises ConfigError if the method cannot run at all. Every rank asks, so it has to be cheap.
        """
        return ()

    def traffic(self, topology: Topology) -> list[tuple[int, int, int]]:
        """Return (source, destination, channel index) of every frame of one round."""
        used = [c for c, channel in enumerate(self.channels) if not channel.telling]
        return [(i, j, c) for c in used for i, j in topology.edges]

    def extras(self, topology: Topology, rounds: int) -> Sequence[Extra]:
        """Return what a run of so many rounds sends besides ``traffic``; nothing for most."""
        return ()

    def check(self, topology: Topology) -> None:
        """Raise ConfigError if the method cannot run on this graph."""
        if not self.doubly_stochastic or topology.doubly_stochastic:
            return
        negative = bool((topology.weights < 0).any())
        wrong = "has a negative weight" if negative else "has columns that do not sum to 1"
        raise ConfigError(
            f"{self.id} needs a doubly stochastic mixing matrix, and that of '{topology.name}' "
            f"{wrong}; use Metropolis weights on an undirected graph, or another matrix",
            "$.topology",
        )
