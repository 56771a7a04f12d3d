"""The MPI driver: one rank is one agent.

Frames travel by upper-case (buffer) calls on a communicator of their own. Receives are persistent
and always posted ahead: two per neighbour, so one frame can be read while the next arrives. Every
wait is a polled one, so that a neighbour that never answers is named instead of waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from netopt.agent import Agent, Exchange, Message
from netopt.algorithms import Round
from netopt.config import Experiment
from netopt.ledger import Ledger
from netopt.links.queue import Fate, Flight
from netopt.mpi import MPI
from netopt.network import Capture, Matrix, Tap, admit, agents_of, located, receive
from netopt.network.actor import Actor
from netopt.network.average import Mean, pieces, room
from netopt.network.inflow import Inflow, Rules
from netopt.network.posts import Inlet, Requests, Sender
from netopt.network.rank import Rank
from netopt.network.stamps import Stamps
from netopt.network.trace import Trace
from netopt.network.tracers import joined, tracer
from netopt.network.travel import ALL_CERTAIN, Travel, VirtualClock

FRAME_TYPE = MPI.UNSIGNED_CHAR  # what mpi4py takes numpy's uint8 for


class MpiNetwork(Rank):
    """Plays this rank's agent; see ``Network`` for the methods, which all ranks call together."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        self._sender = Sender(self._frames, self.deadline, self.rank)
        (self._agent,) = agents_of(experiment, {self.rank: self._sender})
        size = self._agent.largest_frame
        self._inlets = {
            i: Inlet(self._frames, i, size, MPI.Status()) for i in self._agent.predecessors
        }
        self._taken: list[Inlet] = []
        shift = self._shift() if experiment.options.network.clock == "real" else 0.0
        self._travel = Travel(self._agent, experiment, shift)
        self._tracer = tracer(self._agent, self._travel, experiment)
        self._trace = Trace([], [], [])
        if self._tracer is not None:
            self._tracer.sends_by(self._sender)
        self._clock = self._travel.clock
        if self._clock is not None:
            self._sender.idle = self._clock.skip
        self._stamps = None if self._clock is None else self._stamps_on(self._comms[3])
        self._sent = Ledger((self.rank, j) for j in self._agent.successors)
        self._received = Ledger((j, self.rank) for j in self._agent.predecessors)
        self._captures = Tap(experiment.options.record.frames)
        self._tap = self._captures
        self._algorithm = experiment.algorithm
        try:
            self._state: Any = self._algorithm.start(self._agent)
        except Exception as error:
            raise located(error, self._agent) from error
        self._tick, self._ticks = experiment.tick, 0
        self._inflow = self._flow() if self._algorithm.asynchronous else None

    def _shift(self) -> float:
        """Return how far this host's monotonic clock is behind the root's, in seconds."""
        from netopt.network.offsets import calibrate  # late: few runs have a real clock

        def wait(request: MPI.Request) -> None:
            blame = f"agent {self.rank} waits for others to compare their clocks"
            self.deadline.wait([request], lambda: self._distress_call(blame))

        return calibrate(self._comms[3], wait).seconds

    def _flow(self) -> Inflow:
        """Return the inflow of an asynchronous agent, which is fed whenever this rank waits."""
        assert self._stamps is not None, "an asynchronous method has a clock"

        def play(agent: Agent) -> Round:
            round_ = self._algorithm.round(self._state, agent)
            return round_ if self._tracer is None else self._tracer.follow(round_)

        def size(status: MPI.Status) -> int:
            return int(status.Get_count(FRAME_TYPE))

        virtual = isinstance(self._clock, VirtualClock)
        rules = Rules(self._timeout, self._distress_call, size, virtual)
        actor = Actor(self._agent, self._travel, play)
        return Inflow(actor, self._inlets, self._stamps, self._received, self._post, rules)

    def setup(self) -> None:
        """Play what comes before round 0."""
        self._sent.setup = self._received.setup = True
        self._tap = Tap(0)
        self._run(self._algorithm.setup, 0)
        self._sent.setup = self._received.setup = False
        self._tap = self._captures
        self._travel.begin()
        if self._inflow is not None:
            self.deadline.meanwhile = self._inflow.pump

    def play(self, k: int) -> None:
        """Play round k of this rank's agent; of an asynchronous one, up to the tick k + 1."""
        if self._inflow is None:
            self._run(self._algorithm.round, k)
            return
        assert self._clock is not None
        self._ticks = k + 1
        virtual = isinstance(self._clock, VirtualClock)
        self._inflow.play(self._ticks * self._tick if virtual else self._clock.now + self._tick)

    def _run(self, part: Callable[[Any, Agent], Round], k: int) -> None:
        agent = self._agent
        agent.begin(k)
        try:
            round_ = part(self._state, agent)
            if self._tracer is not None:
                round_ = self._tracer.follow(round_)
            inbox: Mapping[int, Message] | None = None
            while True:
                if self._clock is not None:
                    self._clock.work()
                try:
                    wish = next(round_) if inbox is None else round_.send(inbox)
                except StopIteration:
                    break
                finally:
                    if self._clock is not None:
                        self._clock.rest()
                    while self._taken:
                        self._taken.pop().repost()
                inbox = self._exchange(admit(wish, agent))
                agent.advance()
        except Exception as error:
            raise located(error, agent) from error

    def _exchange(self, wish: Exchange) -> Mapping[int, Message]:
        """Send what goes out, wait for what comes in, and return it by source, in rank order."""
        out = wish.out
        for target in sorted(out) if len(out) > 1 else out:
            self._send(out[target], target)
        self._sender.turn()
        sources = wish.sources
        # Predecessors are in rank order already.
        ordered = sources if sources is self._agent.predecessors else sorted(sources)
        return self._collect(ordered) if sources or self._clock is not None else {}

    def _post(self, message: Message, target: int) -> None:
        """Send a frame of an asynchronous agent: each is an exchange of its own."""
        self._send(message, target)
        self._sender.turn()

    def _send(self, message: Message, target: int) -> None:
        """Send a frame, as often as its link wants it, and what time it is."""
        fate = self._travel.fate(self.rank, target)
        for _ in range(fate.resent):
            self._sender.send(message, target, again=True)
        self._sender.send(message, target)
        self._sent.add((self.rank, target), message.header, fate.resent, fate.lost)
        if self._stamps is not None:
            self._stamps.send(target, self._travel.leave(target, len(message.frame), fate))
        if self._tap.wanting:
            self._tap.see(message.header, target, message.frame)

    def _collect(self, sources: Sequence[int]) -> dict[int, Message]:
        inlets = [self._inlets[source] for source in sources]
        fates = self._travel.fates(sources)
        if fates is not ALL_CERTAIN:
            self._let_pass(inlets, fates)
        self._await(inlets)
        if self._stamps is not None:
            self._arrive(inlets, fates)
        inbox = {}
        for inlet, fate in zip(inlets, fates):  # noqa: B905  # they may be certain, without end
            source = inlet.source
            frame = inlet.take(inlet.status.Get_count(FRAME_TYPE))
            self._taken.append(inlet)
            message = receive(self._agent, frame, source)
            self._received.add((source, self.rank), message.header, fate.resent, fate.lost)
            if not fate.lost:
                inbox[source] = message
        return inbox

    def _let_pass(self, inlets: Sequence[Inlet], fates: Iterable[Fate]) -> None:
        """Take what comes before each inlet's next frame: copies of it, lost on the way."""
        for inlet, fate in zip(inlets, fates, strict=True):
            for _ in range(fate.resent):
                self._await([inlet])
                inlet.take(0)
                inlet.repost()

    def _await(self, inlets: Sequence[Inlet]) -> None:
        """Return when the next frame of each inlet is here."""
        late = [inlet for inlet in inlets if not inlet.request.Test(inlet.status)]
        if late:
            requests: Requests = [inlet.request for inlet in late]
            statuses = [inlet.status for inlet in late]
            self.deadline.wait(requests, lambda: self._stuck(late), statuses)

    def _arrive(self, inlets: Sequence[Inlet], fates: Iterable[Fate]) -> None:
        """Let the clock stand where the links have delivered the frames that are here."""
        assert self._stamps is not None
        stamps = self._stamps.receive([inlet.source for inlet in inlets])
        trio = zip(inlets, stamps, fates)  # noqa: B905  # as above
        self._travel.arrive(
            Flight(i.source, self.rank, i.status.Get_count(FRAME_TYPE), stamp, fate)
            for i, stamp, fate in trio
        )

    def _stamps_on(self, comm: MPI.Comm) -> Stamps:
        def wait(requests: Requests) -> None:
            self.deadline.wait(requests, lambda: self._distress_call(blame()))

        def blame() -> str:
            return f"agent {self.rank} waits for stamps in round {self._agent.round}"

        return Stamps(comm, self._agent.predecessors, wait)

    def _stuck(self, inlets: Sequence[Inlet]) -> str:
        """Return who waits for whom; a receive that is done counts as none."""
        late = [inlet.source for inlet in inlets if not inlet.request.Get_status()]
        names = " and ".join(f"agent {source}" for source in late)
        edges = ", ".join(f"{source} -> {self.rank}" for source in late)
        agent = self._agent
        return self._distress_call(
            f"agent {self.rank} waits for {names} in round {agent.round}, exchange "
            f"{agent.exchange} (edge {edges})"
        )

    def mean(self) -> Mean | None:
        """Gather the estimates at the root, piece by piece, and average them."""
        mine = np.ascontiguousarray(self._state.x, dtype=np.float64)
        d = self._agent.d
        mean = Mean(self.size, room(self._state, d)) if self.root else None
        for piece in pieces(d):
            rows = None if mean is None else mean.rows(piece)
            self._control.gather(mine[piece], "the estimates", rows)
            if mean is not None and rows is not None:
                mean.take(piece, rows)
        return mean

    def estimates(self) -> Matrix | None:
        """Gather the estimates at the root."""
        return self.gather(self._state.x)

    def totals(self) -> tuple[int, int, int]:
        """Sum payload bits, wire bytes and set-up bytes at the root."""
        total = self._control.sum(np.array(self._sent.bits_and_bytes()), "the totals")
        bits, wire, setup = total.tolist()
        return bits, wire, setup

    def emulated(self) -> float | None:
        """Return the largest of the agents' virtual times at the root; None without one."""
        if not isinstance(self._clock, VirtualClock):
            return None
        if self._inflow is not None:
            return self._ticks * self._tick
        return self._control.largest(self._clock.now, "the clocks")

    def books(self) -> tuple[Ledger, Ledger, list[Capture]] | None:
        """Gather both ledgers and the captured frames at the root; let go of the state."""
        if self._inflow is not None:
            self._inflow.finish()
        self._state = None
        self._sender.drain()
        if self._stamps is not None:
            self._stamps.drain()
            self._control.bytes += self._stamps.bytes
        sent, received = self.merged(self._sent), self.merged(self._received)
        frames = self._control.collect(self._tap.frames, Capture, "the captured frames")
        if self._tracer is not None:
            self._trace = self.traces(joined([self._tracer]))
        control = self._control.sum(np.array([self._control.bytes]), "the books")
        self.control_bytes = int(control[0])
        return (sent, received, sorted(frames)[: self._tap.limit]) if self.root else None

    def trace(self) -> Trace:
        """Return what the agents did when, which came with the books, at the root."""
        return self._trace

    def close(self) -> None:
        """Free requests and communicators; called after the books are closed on every rank."""
        self._sender.close()
        for inlet in self._inlets.values():
            inlet.close()
        if self._stamps is not None:
            self._stamps.close()
        for comm in self._comms:
            comm.Free()
