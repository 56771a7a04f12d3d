"""The lockstep driver: all agents in one process, one exchange after the other.

It is the debugger (an agent that talks to one who does not listen is named), the notebook mode, and
the oracle that an MPI run must equal bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from netopt.agent import Agent, Exchange, Message
from netopt.algorithms import Round
from netopt.codecs import Bytes
from netopt.config import Experiment
from netopt.errors import ExchangeError
from netopt.ledger import Ledger
from netopt.links.queue import Flight, Stamp
from netopt.network import Capture, Matrix, Tap, admit, agents_of, located, receive
from netopt.network.actor import Actor
from netopt.network.average import Mean, pieces, room
from netopt.network.crowd import Crowd
from netopt.network.trace import Trace
from netopt.network.tracers import joined, tracer
from netopt.network.travel import Travel

NEVER = Stamp(0.0, 0.0)
"""The stamp of a frame in a run without a clock."""
Part = Callable[[Any, Agent], Round]


class Buffers:
    """A new send buffer for every message: receivers read it in place, whenever they come to it."""

    def buffer(self, channel: int, receiver: int, size: int) -> Bytes:
        """Return ``size`` bytes that nobody else holds."""
        return np.empty(size, np.uint8)


class Lockstep:
    """Plays the agents' generators side by side; see ``Network`` for the methods."""

    root = True
    control_bytes = 0

    def __init__(self, experiment: Experiment) -> None:
        self._algorithm = experiment.algorithm
        self._agents = agents_of(
            experiment, {i: Buffers() for i in range(experiment.topology.size)}
        )
        self._travels = [Travel(agent, experiment) for agent in self._agents]
        pairs = zip(self._agents, self._travels, strict=True)
        self._tracers = [tracer(agent, travel, experiment) for agent, travel in pairs]
        edges = experiment.topology.edges
        self._sent, self._received = Ledger(edges), Ledger(edges)
        self._captures = Tap(experiment.options.record.frames)
        self._tap = self._captures
        # Agents that go on at their own pace: the first frames of each, as over MPI.
        self._taps = [Tap(self._captures.limit) for _ in self._agents]
        self._states = [self._start(agent) for agent in self._agents]
        self._tick = experiment.tick
        self._ticks = 0
        self._crowd = self._gather() if self._algorithm.asynchronous else None

    def _start(self, agent: Agent) -> object:
        try:
            return self._algorithm.start(agent)
        except Exception as error:
            raise located(error, agent) from error

    def setup(self) -> None:
        """Play what comes before round 0."""
        self._sent.setup = self._received.setup = True
        self._tap = Tap(0)
        self._run(self._algorithm.setup, 0)
        self._sent.setup = self._received.setup = False
        self._tap = self._captures
        for travel in self._travels:
            travel.begin()

    def play(self, k: int) -> None:
        """Play round k: advance all agents to their next yield, deliver, repeat.

        Asynchronous agents go on until the clock has ticked k + 1 times.
        """
        if self._crowd is None:
            self._run(self._algorithm.round, k)
        else:
            self._ticks = k + 1
            self._crowd.play(self._ticks * self._tick)

    def _gather(self) -> Crowd:
        """Return the agents as a crowd."""

        def play(agent: Agent) -> Round:
            return self._algorithm.round(self._states[agent.rank], agent)

        pairs = zip(self._agents, self._travels, strict=True)
        return Crowd([Actor(agent, travel, play) for agent, travel in pairs], self._told)

    def _told(self, target: int, message: Message, flight: Flight) -> None:
        """Count a frame where it leaves and where it arrives."""
        for ledger in (self._sent, self._received):
            ledger.add((flight.source, target), message.header, *flight.fate[:2])
        self._taps[flight.source].see(message.header, target, message.frame)

    def _run(self, part: Part, k: int) -> None:
        running = {agent.rank: self._open(part, agent, k) for agent in self._agents}
        inboxes: dict[int, Mapping[int, Message]] = {}
        while running:
            wishes: dict[int, Exchange] = {}
            for rank in list(running):
                wish = self._advance(running[rank], inboxes.get(rank), self._agents[rank])
                if wish is None:
                    del running[rank]
                else:
                    wishes[rank] = wish
            inboxes = self._deliver(wishes)

    def _open(self, part: Part, agent: Agent, k: int) -> Round:
        """Return the generator of an agent's round k."""
        agent.begin(k)
        traced = self._tracers[agent.rank]
        try:
            round_ = part(self._states[agent.rank], agent)
            return round_ if traced is None else traced.follow(round_)
        except Exception as error:
            raise located(error, agent) from error

    def _advance(
        self, round_: Round, inbox: Mapping[int, Message] | None, agent: Agent
    ) -> Exchange | None:
        """Run one agent to its next yield; None if its round is over."""
        clock = self._travels[agent.rank].clock
        try:
            if clock is None:
                return admit(next(round_) if inbox is None else round_.send(inbox), agent)
            clock.work()
            try:
                return admit(next(round_) if inbox is None else round_.send(inbox), agent)
            finally:
                clock.rest()
        except StopIteration:
            return None
        except Exception as error:
            raise located(error, agent) from error

    def _deliver(self, wishes: Mapping[int, Exchange]) -> dict[int, Mapping[int, Message]]:
        """Check that messages and listeners match, and hand the messages over."""
        self._check(wishes)
        flights: dict[int, list[Flight]] = {rank: [] for rank in wishes}
        for rank, wish in wishes.items():
            for target in sorted(wish.out):
                message = wish.out[target]
                flight = self._depart(message, rank, target)
                flights[target].append(flight)
                self._sent.add((rank, target), message.header, *flight.fate[:2])
                if self._tap.wanting:
                    self._tap.see(message.header, target, message.frame)
        inboxes = {rank: self._arrive(rank, sorted(flights[rank]), wishes) for rank in wishes}
        for rank in wishes:
            self._agents[rank].advance()
        return inboxes

    def _depart(self, message: Message, rank: int, target: int) -> Flight:
        """Return the flight of a frame that leaves now."""
        travel = self._travels[rank]
        fate, size = travel.fate(rank, target), len(message.frame)
        stamp = NEVER if travel.clock is None else travel.leave(target, size, fate)
        return Flight(rank, target, size, stamp, fate)

    def _arrive(
        self, rank: int, flights: Sequence[Flight], wishes: Mapping[int, Exchange]
    ) -> Mapping[int, Message]:
        """Return what an agent gets of the frames that were sent to it, in rank order."""
        inbox = {}
        for flight in flights:
            frame = wishes[flight.source].out[rank].frame
            message = receive(self._agents[rank], frame, flight.source)
            self._received.add((flight.source, rank), message.header, *flight.fate[:2])
            if not flight.fate.lost:
                inbox[flight.source] = message
        if self._travels[rank].clock is not None:
            self._travels[rank].arrive(flights)
        return inbox

    def _check(self, wishes: Mapping[int, Exchange]) -> None:
        for rank, wish in wishes.items():
            agent = self._agents[rank]
            place = f"round {agent.round}, exchange {agent.exchange}"
            for target in wish.out:
                if target not in wishes or rank not in wishes[target].sources:
                    raise ExchangeError(
                        f"agent {rank} sends to agent {target} in {place}, which does not listen"
                    )
            for source in wish.sources:
                if source not in wishes or rank not in wishes[source].out:
                    raise ExchangeError(
                        f"agent {rank} waits for agent {source} in {place}, which sends nothing"
                    )

    def settle(self) -> None:
        """Do nothing: all agents have finished."""

    def mean(self) -> Mean:
        """Return the network mean."""
        vectors = [state.x for state in self._states]  # type: ignore[attr-defined]
        d = self._agents[0].d
        mean = Mean(len(vectors), room(self._states[0], d))
        for piece in pieces(d):
            rows = mean.rows(piece)
            for row, x in zip(rows, vectors, strict=True):
                row[:] = x[piece]
            mean.take(piece, rows)
        return mean

    def estimates(self) -> Matrix:
        """Return all estimates as rows."""
        return np.stack([state.x for state in self._states])  # type: ignore[attr-defined]

    def totals(self) -> tuple[int, int, int]:
        """Return payload bits, wire bytes and set-up bytes sent so far by all agents."""
        return self._sent.bits_and_bytes()

    def emulated(self) -> float | None:
        """Return the time of the agent that is the furthest, in seconds; None without a clock.

        Asynchronous agents have all come to the same tick.
        """
        if self._crowd is not None:
            return self._ticks * self._tick
        clocks = [travel.clock for travel in self._travels if travel.clock is not None]
        return max(clock.now for clock in clocks) if clocks else None

    def agree(self, verdict: int) -> int:
        """Return the verdict: there is nobody to tell."""
        return verdict

    def books(self) -> tuple[Ledger, Ledger, list[Capture]]:
        """Return sent and received ledgers and captured frames."""
        frames = sum((tap.frames for tap in self._taps), self._tap.frames)
        return self._sent, self._received, sorted(frames)[: self._tap.limit]

    def trace(self) -> Trace:
        """Return what the agents did when; empty if it was not traced."""
        return joined(self._tracers)

    def close(self) -> None:
        """Do nothing: no resource outlives the object."""
