"""An inflow takes in frames whenever they come, and paces an asynchronous agent that is one rank.

Whoever waits for anything on such a rank keeps taking in: a sender of large frames waits for their
receivers, and would otherwise wait for ever. Requests and stamps are handed in.
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


def promise(moment: float) -> Stamp:
    """Return the stamp that says: no frame of mine leaves before ``moment``."""
    return Stamp(moment, math.nan)


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
        self._news = 0

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
        while True:
            if unknown := self._actor.unknown(horizon):
                self._hear(f"news of {' and '.join(f'agent {j}' for j in unknown)}")
                continue
            moment = self._actor.moment()
            if moment >= horizon:
                break
            self._act(moment)
        for target in self._actor.agent.successors:
            self._stamps.send(target, promise(horizon))

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

    def _hear(self, what: str) -> None:
        """Return when something has come in; StuckError after the timeout."""
        heard, polls, end = self._news, 0, 0.0
        while self._news == heard:
            self.pump()
            os.sched_yield()
            polls += 1
            if polls % POLLS_PER_LOOK == 0:
                now = time.monotonic()
                end = end or now + self._rules.timeout
                if now > end:
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
        said, frames, actor = self._said[source], self._frames[source], self._actor
        while said and (math.isnan(said[0].end) or frames):
            stamp = said.popleft()
            self._news += 1
            if not math.isnan(stamp.end):
                message, fate = frames.popleft()
                flight = Flight(source, actor.agent.rank, len(message.frame), stamp, fate)
                moment = actor.travel.moment(flight)
                actor.put(source, moment, None if fate.lost else message)
            elif math.isinf(stamp.begin):
                self._closed.add(source)
            else:
                actor.know(source, stamp.begin)

    def finish(self) -> None:
        """Take in all that is still on its way, after the last round; nothing is sent after it."""
        for target in self._actor.agent.successors:
            self._stamps.send(target, promise(math.inf))
        while len(self._closed) < len(self._inlets) or any(self._copies.values()):
            if len(self._closed) < len(self._inlets):
                self._hear("the last frames")
            else:
                self.pump()
