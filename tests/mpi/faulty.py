"""Components that fail in the ways that a run must survive, or are odd; loaded with --load."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from netopt.agent import Exchange
from netopt.algorithms.dgd import Dgd
from netopt.codecs import Codec
from netopt.problems.quadratic import Quadratic

RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK")


class Faulty(Quadratic):
    """A quadratic whose agent 2 misbehaves in round ``at``."""

    id = "faulty"
    how: str = "none"
    at: int = 5

    def prepare(self, agents: int, seed: int) -> None:
        """Fail on rank 1 if asked to."""
        if self.how == "start" and "1" in (os.environ.get(name) for name in RANKS):
            raise RuntimeError("rank 1 has a bad day")
        super().prepare(agents, seed)

    def loss(self, x: Any) -> float:
        """Return F(x), after a while if asked to."""
        if self.how == "think":
            time.sleep(1.0)
        return super().loss(x)

    def grad(self, rank: int, x: Any, key: Any) -> Any:
        """Return the gradient, unless it is time to fail."""
        if key is not None and rank == 2 and key.round == self.at:
            if self.how == "raise":
                raise ValueError("boom")
            if self.how == "nan":
                return np.full(self.d, np.nan)
            if self.how == "sleep":
                time.sleep(600)
            if self.how == "die":
                os._exit(7)
        return super().grad(rank, x, key)


class Personal(Dgd):
    """Each neighbour gets a message of its own, and a trial encoding goes nowhere."""

    id = "personal"

    def round(self, s: Any, me: Any) -> Any:
        """Send x + j to agent j and add up what comes."""
        out = {j: me.encode("mix", s.x + j, to=j) for j in me.successors}
        inbox = yield Exchange(out, me.predecessors)
        me.encode("mix", 100 * s.x)
        s.x = sum(me.decode(inbox[j]) for j in sorted(inbox)) / me.size - me.grad(s.x)


class Deaf(Dgd):
    """DGD whose agent 0 sends to agent 1, which does not listen in round 3."""

    id = "deaf"

    def round(self, s: Any, me: Any) -> Any:
        """Play a round of DGD, but let agent 1 skip the exchange of round 3."""
        if me.rank == 1 and me.round == 3:
            yield Exchange()
        else:
            yield from super().round(s, me)


class Stranger(Dgd):
    """DGD whose agent 0 sends to an agent that is not its neighbour."""

    id = "stranger"

    def round(self, s: Any, me: Any) -> Any:
        """Send to the agent opposite."""
        message = me.encode("mix", s.x)
        yield Exchange(out={me.size // 2: message} if me.rank == 0 else {})


class Short(Codec):
    """Raw float64 up to the last coordinate that is not zero: a length that depends on the data."""

    id = "short"

    def nbits(self, n: int) -> int | None:
        """Return None: the length is the data's."""
        return None

    def max_nbits(self, n: int) -> int:
        """Return the length of a vector without a zero at its end."""
        return 64 * n

    def encode_into(self, x: Any, key: Any, out: Any) -> int:
        """Write the coordinates up to the last that is not zero."""
        size = int(np.flatnonzero(x).max(initial=-1)) + 1
        out[: 8 * size].view("<f8")[:] = x[:size]
        return 64 * size

    def decode_into(self, payload: Any, key: Any, out: Any) -> None:
        """Read what is there, zeros after it."""
        got = payload.view("<f8")
        out[:] = 0.0
        out[: len(got)] = got


class Sparse(Quadratic):
    """A quadratic that starts at zero and whose gradient reaches one coordinate more each round."""

    id = "sparse"

    def grad(self, rank: int, x: Any, key: Any) -> Any:
        """Return the gradient, cut off after as many coordinates as rounds have been played."""
        gradient = super().grad(rank, x, key)
        if key is not None:
            gradient[key.round + rank :] = 0.0
        return gradient
