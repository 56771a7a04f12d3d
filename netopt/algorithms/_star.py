"""What methods with a parameter server share: agent 0 is the hub, all others are its neighbours.

A round has two exchanges: every worker sends a vector up to the hub, the hub steps and sends its
new iterate down, so that after a round all agents hold the same x (if ``down`` is lossless). A
method says what a worker sends (``message``) and what the hub does with all of it (``serve``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel, Exchange, Message, Vector
from netopt.algorithms import Algorithm, Round, State
from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.topologies import Topology

HUB = 0
Rate = Annotated[float, Meta(gt=0)] | Literal["theory"]
StepSize = Annotated[
    Rate, Meta(description="gamma, step size; theory: from the smoothness and the codec's constant")
]
HubWorks = Annotated[bool, Meta(description="whether the hub has a share f_0 and works as well")]


@dataclass(slots=True)
class Node(State):
    """What every agent of a star keeps: x and an array to ``work`` in, shape (d,), and the rates.

    ``lr`` is the step size at the hub, and NaN elsewhere.
    """

    work: Vector
    lr: float

    @classmethod
    def at(cls, x: Vector, lr: float, *more: Any) -> Any:
        """Return the state at a copy of x, shape (d,), with the fields of a subclass after it."""
        return cls(x.copy(), np.empty_like(x), lr, *more)


class Star(Algorithm):
    """Base of a method with a hub: give ``message`` and ``serve``."""

    channels: ClassVar[tuple[Channel, ...]] = (Channel("up"), Channel("down"))
    doubly_stochastic = False
    hub_works: HubWorks = False
    lr: StepSize = "theory"

    def start(self, me: Agent) -> Any:
        """Return x_0, and the step size at the hub."""
        lr = np.nan
        if me.rank == HUB:
            lr = self.step(me.problem, me.codec("up"), len(me.workers))
        return Node.at(me.problem.start(), lr)

    def step(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return the step size: the number ``lr``, or what ``theory`` says for n workers."""
        return self.theory(problem, codec, n) if isinstance(self.lr, str) else self.lr

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return the step size of theory; ConfigError if a constant that it needs is unknown."""
        raise TypeError(f"algorithm {self.id} does not know its step size")

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Refuse a problem or codec without the constants that theory needs."""
        self.step(problem, codecs[0], problem.agents)
        return ()

    def workers(self, topology: Topology) -> Sequence[int]:
        """Return all agents but the hub, or all."""
        return range(0 if self.hub_works else 1, topology.size)

    def check(self, topology: Topology) -> None:
        """Raise ConfigError unless agent 0 is linked both ways to every other agent."""
        everyone = set(range(1, topology.size))
        if set(topology.successors(HUB)) < everyone or set(topology.predecessors(HUB)) < everyone:
            raise ConfigError(
                f"{self.id} needs a hub: agent 0 linked both ways to all others, which it is not "
                f"in '{topology.name}'; use a star, such as {{id: star, size: {topology.size}}}",
                "$.topology",
            )

    def traffic(self, topology: Topology) -> list[tuple[int, int, int]]:
        """Return a frame up and one down for every agent but the hub."""
        others = range(1, topology.size)
        return [(i, HUB, 0) for i in others] + [(HUB, i, 1) for i in others]

    def message(self, s: Any, me: Agent) -> Message:
        """Return what a worker sends up, from its gradient at the x that all agents hold."""
        raise TypeError(f"algorithm {self.id} does not say what its workers send")

    def serve(self, s: Any, me: Agent, messages: Mapping[int, Message]) -> None:
        """Let the hub step, given the workers' messages by rank, in rank order."""
        raise TypeError(f"algorithm {self.id} does not say what its hub does")

    def round(self, s: Any, me: Agent) -> Round:
        """Send up, step at the hub, send down."""
        if me.rank == HUB:
            messages = {HUB: self.message(s, me)} if me.shard is not None else {}
            messages.update((yield Exchange(sources=me.predecessors)))
            self.serve(s, me, messages)
            yield Exchange(dict.fromkeys(me.successors, me.encode("down", s.x)))
        else:
            yield Exchange({HUB: self.message(s, me)})
            inbox = yield Exchange(sources=(HUB,))
            me.decode(inbox[HUB], s.x)


def mean(me: Agent, messages: Mapping[int, Message], out: Vector) -> Vector:
    """Write (1/n) sum_i of the n messages' vectors to ``out``, shape (d,), in rank order."""
    weight, first = 1.0 / len(messages), True
    for message in messages.values():
        me.add(message, weight, out, first)
        first = False
    return out


def smoothness(problem: Problem) -> float:
    """Return L of F; ConfigError if the problem does not know it."""
    top = problem.top()
    if top is None:
        raise ConfigError(
            f"problem {problem.id} does not know its smoothness; give the algorithm a number as lr",
            "$.algorithm.lr",
        )
    return top


def smoothest(problem: Problem) -> float:
    """Return L_max = max_i L_i over the workers; ConfigError if the problem does not know it."""
    found = [problem.smoothness(rank) for rank in range(problem.agents)]
    known = [value for value in found if value is not None]
    if len(known) < len(found):
        raise ConfigError(
            f"problem {problem.id} does not know its smoothness; give the algorithm a number as lr",
            "$.algorithm.lr",
        )
    return max(known)


def convexity(problem: Problem, method: str) -> float:
    """Return mu of F; ConfigError if F is not known to be strongly convex."""
    mu = problem.strong_convexity()
    if not mu:
        raise ConfigError(
            f"{method} needs a strongly convex problem, and {problem.id} has no mu > 0 that is "
            "known; give it an l2 above 0, or data of full rank",
            "$.problem",
        )
    return mu


def omega_of(codec: Codec, d: int) -> float:
    """Return the codec's omega for d coordinates; ConfigError if it has none."""
    omega = codec.omega(d)
    if omega is None:
        raise ConfigError(
            f"codec {codec.id} has no variance bound omega with these options, so there is no step "
            "size in theory; choose an unbiased codec such as dithering, or give lr a number",
            "$.codecs.up",
        )
    return omega
