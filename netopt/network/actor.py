"""An actor plays an asynchronous agent: it goes on with what has arrived, up to a horizon.

What an exchange waits for is decided here from arrival times alone, so that both drivers decide
alike. A driver that has not heard everything yet asks first of whom more must be known: the rule is
that of conservative simulation (Chandy and Misra, 1979).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from netopt.agent import Agent, Exchange, Message
from netopt.algorithms import Round
from netopt.errors import ExchangeError
from netopt.frame import HEADER_BYTES
from netopt.links.queue import Flight
from netopt.network import admit, located
from netopt.network.travel import Travel

STANDSTILL = 10_000
"""Steps without any time passing after which an agent is said to go round in circles."""

INSTANT = 1e-9
"""Seconds that are no time: an agent whose steps take less stands still."""


class Arrived(NamedTuple):
    """A frame's message, and when it is whole at its receiver."""

    moment: float
    message: Message


class Actor:
    """One agent's generator, what has arrived for it, and up to when each source is known.

    ``bounds`` say that no unknown frame of a source arrives before. ``turn`` is the agent's own
    round. A frame that has arrived is taken in only by an exchange that listens to its source.
    """

    def __init__(self, agent: Agent, travel: Travel, play: Callable[[Agent], Round]) -> None:
        self.agent, self.travel = agent, travel
        self._play = play
        self._round: Round | None = None
        self._wish: Exchange | None = None
        self._still, self._since = 0, 0.0
        self.turn = 0
        self.queues: dict[int, deque[Arrived]] = {j: deque() for j in agent.predecessors}
        self.bounds = dict.fromkeys(agent.predecessors, 0.0)

    @property
    def now(self) -> float:
        """Return the agent's time."""
        assert self.travel.clock is not None
        return self.travel.clock.now

    @property
    def wish(self) -> Exchange | None:
        """Return the exchange that the agent is in; None between rounds."""
        return self._wish

    def put(self, flight: Flight, message: Message) -> None:
        """Take in a frame, unless its link lost it; the frames of a source come in their order.

        It arrives after it has left, be it by the last bit of a number: else what an agent has
        heard when it goes on would depend on who is asked first of those who go on at that moment.
        """
        later = math.nextafter(flight.stamp.begin, math.inf)
        moment = max(self.travel.moment(flight), later)
        self.know(flight.source, moment)
        if not flight.fate.lost:
            self.queues[flight.source].append(Arrived(moment, message))

    def know(self, source: int, bound: float) -> None:
        """Say that no further frame of ``source`` arrives before ``bound``."""
        self.bounds[source] = max(self.bounds[source], bound)

    def foresee(self, source: int, begin: float) -> None:
        """Say that no further frame of ``source`` leaves before ``begin``: a link takes its time.

        In the order of sums in which the link itself adds up the time of a frame.
        """
        link = self.travel.link(source, self.agent.rank)
        self.know(source, begin + link.seconds(HEADER_BYTES) + float(link.latency))

    def moment(self) -> float:
        """Return when the agent goes on as far as is known; infinity if it waits for the unknown.

        An agent that takes what there is goes on at once. One that waits for any goes on with the
        first, and one that waits for all with the last.
        """
        wish = self._wish
        if wish is None or wish.wait == "none" or not wish.sources:
            return self.now
        heads = [self.queues[j][0].moment for j in wish.sources if self.queues[j]]
        if wish.wait == "any":
            return max(self.now, min(heads, default=math.inf))
        return max(self.now, *heads) if len(heads) == len(wish.sources) else math.inf

    def earliest(self) -> float:
        """Return a moment before which the agent does not go on, whatever is still unknown."""
        wish = self._wish
        if wish is None or wish.wait == "none" or not wish.sources:
            return self.now
        known = [q[0].moment if (q := self.queues[j]) else self.bounds[j] for j in wish.sources]
        return max(self.now, min(known) if wish.wait == "any" else max(known))

    def unknown(self, horizon: float) -> list[int]:
        """Return the sources of which more must be known before it is sure what happens next.

        Nothing after ``horizon`` matters yet.
        """
        wish, moment = self._wish, self.moment()
        if wish is None or not wish.sources:
            return []
        if wish.wait == "none":
            return [j for j in wish.sources if self.bounds[j] < moment < horizon]
        silent = [j for j in wish.sources if not self.queues[j] and self.bounds[j] < horizon]
        return silent if wish.wait == "all" else [j for j in silent if self.bounds[j] <= moment]

    def act(self, moment: float) -> Exchange | None:
        """Go on at ``moment``; return the exchange that the agent now wishes, None between rounds.

        What it sends leaves now.
        """
        clock, agent = self.travel.clock, self.agent
        assert clock is not None
        clock.until(moment)
        inbox = None if self._wish is None else self._take(self._wish, moment)
        if self._round is None:
            agent.begin(self.turn)
            self._round = self._play(agent)
        elif inbox is not None:
            agent.advance()
        clock.work()
        try:
            wish = next(self._round) if inbox is None else self._round.send(inbox)
            self._wish = admit(wish, agent, ("all", "any", "none"))
        except StopIteration:
            self._round = self._wish = None
            self.turn += 1
        except Exception as error:
            raise located(error, agent) from error
        finally:
            clock.rest()
        self._progress(clock.now)
        return self._wish

    def _progress(self, now: float) -> None:
        """Raise ExchangeError if the agent goes on and on and its time does not."""
        self._still += 1
        if now > self._since + INSTANT:
            self._still, self._since = 0, now
        if self._still > STANDSTILL:
            raise ExchangeError(
                f"agent {self.agent.rank} has gone on {STANDSTILL} times and no time has passed; "
                "give network.compute seconds above 0"
            )

    def wakes(self, alive: Collection[int]) -> bool:
        """Return whether what the agent waits for can come if only those ``alive`` send."""
        wish = self._wish
        assert wish is not None
        silent = [j for j in wish.sources if not self.queues[j]]
        some = any if wish.wait == "any" else all
        return some(j in alive for j in silent)

    def waits(self) -> str:
        """Return whom the agent waits for, and where, in words."""
        wish, agent = self._wish, self.agent
        assert wish is not None
        silent = [f"agent {j}" for j in sorted(wish.sources) if not self.queues[j]]
        names = (" or " if wish.wait == "any" else " and ").join(silent)
        place = f"in round {agent.round}, exchange {agent.exchange} of its own"
        return f"agent {agent.rank} waits for {names} {place}"

    def _take(self, wish: Exchange, moment: float) -> dict[int, Any]:
        """Return what the exchange gets, by source, oldest first.

        It is all that has arrived before now if nothing is waited for, else one frame a source.
        """
        heard: dict[int, Any] = {}
        for j in sorted(wish.sources):
            queue = self.queues[j]
            if wish.wait == "none":
                taken = []
                while queue and queue[0].moment < moment:
                    taken.append(queue.popleft().message)
                if taken:
                    heard[j] = taken
            elif queue and queue[0].moment <= moment:
                heard[j] = [queue.popleft().message]
        return heard
