"""An inflow takes in frames whenever they come, and paces an asynchronous agent that is one rank.

Whoever waits for anything on such a rank keeps taking in: a sender of large frames waits for their
receivers, and would otherwise wait for ever. Requests and stamps are handed in.

Who is not sure what comes next says until when it sends nothing, and waits. One limit is that of
conservative simulation: agents that wait for any of each other over links that take no time cannot
find out who goes on first, and are named after the timeout. A latency helps, however short it is
against a round, and lockstep has no such limit.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from netopt.agent import Exchange, Message
from netopt.errors import FrameError, StuckError
from netopt.ledger import Ledger
from netopt.links.queue import Fate, Flight, Stamp
from netopt.network.actor import Actor
from netopt.network.posts import NAP, POLLS_PER_LOOK, Inlet
from netopt.network.stamps import Stamps

Post = Callable[[Message, int], None]


class Rules(NamedTuple):
    """How long an agent may wait for news, in seconds, and whose words tell of it; how bytes count.

    ``virtual`` says whether time is logical: it then waits until it knows enough.
    """

    timeout: float
    blame: Callable[[str], str]
    size: Callable[[Any], int]
    virtual: bool


def promise(moment: float, need: float = 0.0) -> Stamp:
    """Return the stamp that says: no frame of mine leaves before ``moment``.

    ``need`` is up to when somebody has to know what others do, 0 if nobody asks: it is told by an
    end before all time.
    """
    return Stamp(moment, -1.0 - need)


class Inflow:
    """Plays one asynchronous agent on its rank; ``post`` sends a frame and its stamp."""

    def __init__(
        self,
        actor: Actor,
        inlets: Mapping[int, Inlet],
        stamps: Stamps,
        received: Ledger,
        post: Post,
        rules: Rules,
    ) -> None:
        self._actor, self._inlets, self._stamps = actor, inlets, stamps
        self._received, self._post, self._rules = received, post, rules
        self._frames: dict[int, deque[tuple[Message, Fate]]] = {j: deque() for j in inlets}
        self._said: dict[int, deque[Stamp]] = {j: deque() for j in inlets}
        self._copies = dict.fromkeys(inlets, 0)
        self._closed: set[int] = set()
        self._told = dict.fromkeys(actor.agent.successors, 0.0)
        self._need, self._horizon = 0.0, 0.0
        self._news, self._end = 0, 0.0

    def play(self, horizon: float) -> None:
        """Let the agent go on until its next step would be at ``horizon`` or later.

        On the wall, that is ``horizon`` seconds of its clock.
        """
        if self._rules.virtual:
            self._foresee(horizon)
        else:
            self._live(horizon)

    def _foresee(self, horizon: float) -> None:
        """Play in logical time: wait, however long it takes, until it is sure what comes next."""
        self._horizon = horizon
        while True:
            if unknown := self._actor.unknown(horizon):
                self._hear(f"news of {' and '.join(f'agent {j}' for j in unknown)}")
                continue
            moment = self._actor.moment()
            if moment >= horizon:
                break
            self._act(moment)
        self._end = 0.0
        for target in self._told:
            self._promise(target, horizon)

    def _live(self, horizon: float) -> None:
        """Play on the wall: take what is there."""
        polls = 0
        while self._actor.now < horizon:
            self.pump()
            moment = self._actor.moment()
            if moment <= self._actor.now:
                self._act(moment)
                polls = 0
                continue
            polls += 1
            if polls < POLLS_PER_LOOK:
                os.sched_yield()
            else:
                time.sleep(NAP)

    def _act(self, moment: float) -> None:
        wish: Exchange | None = self._actor.act(moment)
        for target in sorted(wish.out) if wish is not None else ():
            self._post(wish.out[target], target)  # type: ignore[union-attr]
            self._told[target] = self._actor.now
        self._end = 0.0

    def _promise(self, target: int, moment: float, need: float = 0.0) -> None:
        self._stamps.send(target, promise(moment, need))
        self._told[target] = moment

    def _foretell(self) -> None:
        """Tell who may wait for it that nothing is sent for a while, as far as somebody asks.

        Agents that wait for news of each other thus find out who goes on first. Those who can no
        more go on ask nothing: else they would tell each other of ever later times.
        """
        moment, earliest = self._actor.moment(), self._actor.earliest()
        if moment < self._horizon:
            self._need = max(self._need, moment)
        if not self._need:
            return
        for target, told in self._told.items():
            if told <= self._need and told < earliest:
                self._promise(target, earliest, self._need)

    def _hear(self, what: str) -> None:
        """Return when something has come in; StuckError after the timeout.

        That someone else has to wait as well is no news that would make the wait longer.
        """
        heard, polls = self._news, 0
        while self._news == heard:
            self.pump()
            os.sched_yield()
            polls += 1
            if polls % POLLS_PER_LOOK == 0:
                self._foretell()
                now = time.monotonic()
                self._end = self._end or now + self._rules.timeout
                if now > self._end:
                    agent = self._actor.agent
                    place = f"in round {agent.round}, exchange {agent.exchange} of its own"
                    raise StuckError(
                        self._rules.blame(f"agent {agent.rank} waits for {what} {place}")
                    )

    def pump(self) -> None:
        """Take in all that has come, without waiting."""
        for source, inlet in self._inlets.items():
            while inlet.request.Test(inlet.status):
                self._frame(source, inlet)
            while (stamp := self._stamps.poll(source)) is not None:
                self._said[source].append(stamp)
            self._match(source)

    def _frame(self, source: int, inlet: Inlet) -> None:
        """Take in a frame; it is copied, since it may wait for long until the agent takes it."""
        frame = inlet.take(self._rules.size(inlet.status)).copy()
        inlet.repost()
        if self._copies[source]:
            self._copies[source] -= 1
            return
        agent = self._actor.agent
        try:
            message = agent.accept(frame, source, anywhere=True)
        except FrameError as error:
            raise FrameError(f"edge {source} -> {agent.rank}: {error}") from None
        place = message.header.round, message.header.exchange
        fate = self._actor.travel.fate(source, agent.rank, place)
        self._copies[source] = fate.resent
        self._received.add((source, agent.rank), message.header, fate.resent, fate.lost)
        self._frames[source].append((message, fate))

    def _match(self, source: int) -> None:
        """Hand on what a source's stamps say, in their order; a frame waits for its stamp."""
        said, frames = self._said[source], self._frames[source]
        while said and (said[0].end < 0 or frames):
            stamp = said.popleft()
            self._news += 1
            if stamp.end >= 0:
                message, fate = frames.popleft()
                rank = self._actor.agent.rank
                self._actor.put(Flight(source, rank, len(message.frame), stamp, fate), message)
                self._end = 0.0
            else:
                self._keep(source, stamp)

    def _keep(self, source: int, stamp: Stamp) -> None:
        """Keep a promise in mind."""
        need = -1.0 - stamp.end
        self._need = max(self._need, need)
        if not need:
            self._end = 0.0
        if math.isinf(stamp.begin):
            self._closed.add(source)
        else:
            self._actor.foresee(source, stamp.begin)

    def finish(self) -> None:
        """Take in all that is still on its way, after the last round; nothing is sent after it."""
        for target in self._told:
            self._promise(target, math.inf)
        while len(self._closed) < len(self._inlets) or any(self._copies.values()):
            if len(self._closed) < len(self._inlets):
                self._hear("the last frames")
            else:
                self.pump()
