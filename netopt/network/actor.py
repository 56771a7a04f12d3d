"""An actor plays an asynchronous agent: it goes on with what has arrived, up to a horizon.

What an exchange waits for is decided here from arrival times alone, so that both drivers decide
alike. A driver that has not heard everything yet asks first of whom more must be known: the rule is
that of conservative simulation (Chandy and Misra, 1979).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from netopt.agent import Agent, Exchange, Message
from netopt.algorithms import Round
from netopt.errors import ExchangeError
from netopt.network import admit, located
from netopt.network.travel import Travel

STANDSTILL = 100_000
"""Steps without any time passing after which an agent is said to go round in circles."""


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
        self._still = 0
        self.turn = 0
        self.queues: dict[int, deque[Arrived]] = {j: deque() for j in agent.predecessors}
        self.bounds = dict.fromkeys(agent.predecessors, 0.0)

    @property
    def now(self) -> float:
        """Return the agent's time."""
        assert self.travel.clock is not None
        return self.travel.clock.now

    def put(self, source: int, moment: float, message: Message | None) -> None:
        """Take in a frame that arrives at ``moment``; None if the link lost it."""
        self.know(source, moment)
        if message is not None:
            self.queues[source].append(Arrived(moment, message))

    def know(self, source: int, bound: float) -> None:
        """Say that no further frame of ``source`` arrives before ``bound``."""
        self.bounds[source] = max(self.bounds[source], bound)

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
        before = clock.now
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
            self._wish = admit(wish, agent)
        except StopIteration:
            self._round = self._wish = None
            self.turn += 1
        except Exception as error:
            raise located(error, agent) from error
        finally:
            clock.rest()
        self._still = 0 if clock.now > before else self._still + 1
        if self._still > STANDSTILL:
            raise ExchangeError(
                f"agent {agent.rank} has gone on {STANDSTILL} times and no time has passed; give "
                "network.compute seconds above 0"
            )
        return self._wish

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
