"""Networks carry frames between agents and play rounds; they never look into a payload.

Two drivers play the same generators: ``lockstep`` holds all agents in one process (the debugger,
the notebook, the oracle), ``mpi`` one agent a rank. Both give the same bits and the same ledger.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from netopt.agent import Agent, Exchange, Message
from netopt.config import Experiment
from netopt.errors import ExchangeError, FrameError, NetoptError, StuckError
from netopt.frame import MOST_EXCHANGES, Header
from netopt.keys import BROADCAST
from netopt.ledger import Ledger
from netopt.network.average import Mean

if TYPE_CHECKING:
    from netopt.network.trace import Trace

_ROUND, _AFTER_SENDER = Header._fields.index("round"), Header._fields.index("sender") + 1
Matrix = npt.NDArray[np.float64]
Capture = tuple[int, int, int, int, bytes]
"""A captured frame: round, exchange, source, destination, bytes."""


class Network(Protocol):
    """What a run needs of a driver; the methods are collective, in the same order on all ranks."""

    root: bool
    control_bytes: int

    def setup(self) -> None:
        """Play what comes before round 0; the ledger counts it apart, and no frame is captured."""

    def play(self, k: int) -> None:
        """Play round k on every agent of this process."""

    def settle(self) -> None:
        """Return when all agents have finished their round."""

    def mean(self) -> Mean | None:
        """Return the network mean at the root, else None; it is valid until the next round."""

    def totals(self) -> tuple[int, int, int]:
        """Return payload bits, wire bytes and set-up bytes sent so far: of all at the root."""

    def emulated(self) -> float | None:
        """Return the clock's seconds since round 0 of the agent that is the furthest, at the root.

        None without a clock of netopt's own, and for a real one: its seconds pass on the wall.
        """

    def agree(self, verdict: int) -> int:
        """Return the root's verdict on every rank."""

    def books(self) -> tuple[Ledger, Ledger, list[Capture]] | None:
        """Return sent and received ledgers and captured frames at the root, else None.

        No round can follow: a rank of many lets go of its agent's state.
        """

    def trace(self) -> Trace:
        """Return at the root, once the books are closed, what the agents did when, if traced."""

    def close(self) -> None:
        """Release what the driver holds."""


class Tap:
    """Keeps the first ``limit`` frames that it sees; ``wanting`` says whether it has room."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.wanting = limit > 0
        self.frames: list[Capture] = []

    def see(self, header: Header, target: int, frame: npt.NDArray[np.uint8]) -> None:
        """Keep a copy of a frame to ``target`` while there is room."""
        if self.wanting:
            place = (header.round, header.exchange, header.sender, target)
            self.frames.append((*place, frame.tobytes()))
            self.wanting = len(self.frames) < self.limit


def agents_of(experiment: Experiment, wires: dict[int, object]) -> list[Agent]:
    """Return the agents of the ranks in ``wires``, each writing to its wire."""
    workers = experiment.algorithm.workers(experiment.topology)
    return [
        Agent(
            rank,
            experiment.topology,
            experiment.problem,
            experiment.algorithm.channels,
            experiment.codecs,
            experiment.options.seed,
            wire,  # type: ignore[arg-type]
            experiment.options.network.checksum == "frame",
            workers,
        )
        for rank, wire in wires.items()
    ]


def located(error: BaseException, agent: Agent) -> NetoptError:
    """Return ``error`` as a netopt error that says at which agent, round and exchange it arose."""
    place = f"agent {agent.rank}, round {agent.round}, exchange {agent.exchange}"
    if isinstance(error, NetoptError):
        if isinstance(error, StuckError) or str(error).startswith(("agent ", "edge ")):
            return error
        return type(error)(f"{place}: {error}")
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(last.filename)}:{last.lineno}"
    edges = ", ".join(f"{agent.rank} -> {j}" for j in agent.successors[:4])
    more = ", ..." if len(agent.successors) > 4 else ""
    text = f"{place} (edges {edges}{more}): {type(error).__name__}: {error} ({where})"
    found = NetoptError(text)
    found.__cause__ = error
    return found


def admit(wish: object, agent: Agent, waits: Sequence[str] = ("all",)) -> Exchange:
    """Return what an agent's generator has yielded, if it is an exchange that this agent may have.

    ``waits`` are what it can wait for. Raises TypeError for anything else, ExchangeError for a
    partner that is no neighbour and for a message that was not encoded here and now.
    """
    if not isinstance(wish, Exchange):
        raise TypeError(f"a round yields Exchange(...), and agent {agent.rank}'s yielded {wish!r}")
    here = (agent.round, agent.exchange, agent.rank)
    known: object = None
    for target, message in wish.out.items():
        if target not in agent.successors:
            raise _refusal(agent, f"sends to agent {target}, but there is no such edge")
        if message is known:  # the same for several neighbours, and checked once
            continue
        header, _, receiver, _ = message
        if receiver not in (BROADCAST, target):
            raise _refusal(agent, f"sends agent {target} a message that was encoded for {receiver}")
        known = message if receiver == BROADCAST else None
        if header[_ROUND:_AFTER_SENDER] != here:
            raise _refusal(
                agent,
                f"sends agent {target} a message that agent {header.sender} encoded in round "
                f"{header.round}, exchange {header.exchange}; decode it and encode it anew",
            )
    if wish.sources is not agent.predecessors:
        _check_sources(wish.sources, agent)
    if wish.wait not in waits:
        can = " or ".join(waits)
        raise _refusal(agent, f"waits for {wish.wait!r}, and can wait for {can} here")
    if agent.exchange > MOST_EXCHANGES:
        raise _refusal(agent, f"a round has at most {MOST_EXCHANGES} exchanges")
    return wish


def _check_sources(sources: Sequence[int], agent: Agent) -> None:
    for place, source in enumerate(sources):
        if source not in agent.predecessors:
            raise _refusal(agent, f"listens to agent {source}, but there is no such edge")
        if source in sources[:place]:
            raise _refusal(agent, f"listens to agent {source} twice in one exchange")


def receive(agent: Agent, frame: npt.NDArray[np.uint8], source: int) -> Message:
    """Return the message in a frame from ``source``; FrameError names edge and place."""
    try:
        return agent.accept(frame, source)
    except FrameError as error:
        place = f"round {agent.round}, exchange {agent.exchange}"
        raise FrameError(f"edge {source} -> {agent.rank}, {place}: {error}") from None


def _refusal(agent: Agent, reason: str) -> ExchangeError:
    place = f"agent {agent.rank}, round {agent.round}, exchange {agent.exchange}"
    return ExchangeError(f"{place}: {reason}")
