"""What ``bench break-even`` measures: two agents trade a vector by a codec, over links of a rate.

Nothing here needs the MPI library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter, thread_time
from typing import Any, NamedTuple

import numpy as np

from netopt import config, yamlfile
from netopt.agent import Agent, Channel, Vector
from netopt.algorithms import Algorithm, Round, State
from netopt.bench.link_cases import limit_of
from netopt.codecs import Codec
from netopt.config import Experiment
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.registry import build, discover

D, MOST = 10**6, 1e8
REPEATS, QUICK_REPEATS = 15, 5
LEAST = 3
"""Turns of a codec for which there is time for no more."""
LIMIT, QUICK_LIMIT = 6.0, 1.5
"""Seconds that all turns of a codec on one link may take."""
Spec = str | Mapping[str, Any]
PLAIN: dict[str, Spec] = {
    "float32": {"id": "raw", "dtype": "float32"},
    "float64": {"id": "raw", "dtype": "float64"},
}
"""What codecs are compared with; the first one counts."""
BASE = "float32"
MORE: tuple[Spec, ...] = ({"id": "raw", "dtype": "float16"},)
"""Codecs beside those of all ids with their defaults."""
PARTS = ("encode", "wait", "decode", "total")


class Item(NamedTuple):
    """A codec as a run file says it, and the link's rate in bit/s by a clock's seconds.

    Without a rate there is no link: a message is as quick as MPI is.
    """

    codec: Spec
    rate: float | None = None
    clock: str = "none"


class Case(NamedTuple):
    """What is measured, in JSON; ``limit`` is in seconds an item."""

    items: Sequence[Item]
    d: int = D
    repeats: int = REPEATS
    limit: float = LIMIT


class Trade(Algorithm):
    """Both agents send their x and decode the other's; ``times`` has (4,) seconds a round.

    They are those of ``PARTS``. Encoding and decoding count the thread's own time, as other
    programs have nothing to do with it. Looking at a frame that has come, its checksum included,
    counts as decoding.
    """

    channels = (Channel("mix"),)

    def start(self, me: Agent) -> State:
        """Return an x of this agent's own: normal, and scaled so that the largest is 1."""
        x = Key(1, Purpose.DATA, sender=me.rank).generator().standard_normal(me.d)
        self.times: list[list[float]] = []
        self.frame_bytes = 0
        self.out: Vector = np.zeros(me.d)
        self._own = self._wall = 0.0
        accept = me.accept

        def watched(*arguments: Any, **options: Any) -> Any:
            own, wall = thread_time(), perf_counter()
            message = accept(*arguments, **options)
            self._own, self._wall = thread_time() - own, perf_counter() - wall
            return message

        me.accept = watched  # type: ignore[method-assign]
        return State(x / np.max(np.abs(x)))

    def round(self, s: State, me: Agent) -> Round:
        """Trade once."""
        began, own = perf_counter(), thread_time()
        message = me.encode("mix", s.x)
        encode, encoded = thread_time() - own, perf_counter()
        inbox = yield me.share(message)
        wait, own = perf_counter() - encoded - self._wall, thread_time()
        for other in inbox.values():
            me.decode(other, self.out)
        decode = thread_time() - own + self._own
        self.times.append([encode, wait, decode, perf_counter() - began])
        self.frame_bytes = message.header.frame_bytes


def experiment_of(item: Item, d: int) -> Experiment:
    """Return the trade of d coordinates as an experiment of two agents; ConfigError as a run's."""
    wire: dict[str, Any] = {"id": "path", "size": 2}
    if item.rate is not None:
        wire["link"] = {"rate": item.rate}
    made = config.make(
        {
            "problem": {"id": "strict-saddle", "dimension": d},
            "topology": wire,
            "algorithm": "consensus",
            "codecs": {"mix": item.codec},
            "network": {"clock": item.clock},
        }
    )
    return made._replace(algorithm=Trade())


def codecs_of(texts: Sequence[str]) -> list[Spec]:
    """Return the codecs that the command line names, by id or as YAML; all if it names none.

    Raises ConfigError for what is no codec.
    """
    if texts:
        found = [yamlfile.parse(text, "--codec") for text in texts]
        for spec in found:
            build(Codec, spec, "--codec")
        return found
    return [*MORE, *(name for name in discover(Codec) if name != "raw" and _by_itself(name))]


def _by_itself(name: str) -> bool:
    try:
        build(Codec, name)
    except ConfigError:  # it needs an option
        return False
    return True


def label(spec: Spec) -> str:
    """Return a codec's id and the options that a run file gives.

    >>> label({"id": "qsgd", "levels": 7}), label("sign")
    ('qsgd levels=7', 'sign')
    """
    if isinstance(spec, str):
        return spec
    return " ".join([spec["id"], *(f"{k}={v}" for k, v in spec.items() if k != "id")])


def case_of(d: float, codecs: Sequence[str], limit: str | None, quick: bool) -> Case:
    """Return the case that the command line says; ConfigError for what cannot be."""
    if not (1 <= d <= MOST and d.is_integer()):
        raise ConfigError(f"--d: expected a whole number of coordinates, 1 to {MOST:g}, got {d:g}")
    usual = QUICK_LIMIT if quick else LIMIT
    items = tuple(Item(spec) for spec in codecs_of(codecs))
    return Case(items, int(d), QUICK_REPEATS if quick else REPEATS, limit_of(limit, usual))
