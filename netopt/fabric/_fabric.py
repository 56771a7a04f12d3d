"""A fabric is a topology built in the kernel: it can be counted, entered, and taken away again."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from netopt.errors import ConfigError
from netopt.fabric import _counters, _enter, _kernel, _mpi, _namespaces, _requirements, _state
from netopt.fabric._counters import Counters
from netopt.fabric._plan import Plan, hub, namespace, plan
from netopt.fabric._signals import undisturbed
from netopt.links import Link
from netopt.topologies import Topology


class Fabric:
    """A topology in the kernel, made by ``build``.

    ``notes`` tell what the kernel does not do of what the links say; ``latency`` is whether it
    delays packets by the links' latencies.
    """

    def __init__(self, plan: Plan, state: _state.Record, latency: bool) -> None:
        self.plan, self.latency = plan, latency
        self._state = state

    @property
    def name(self) -> str:
        """The fabric's name, with which the names of its namespaces begin."""
        return self.plan.name

    @property
    def notes(self) -> tuple[str, ...]:
        """What the kernel does not do of what the links say, one line each."""
        return self.plan.notes

    def counters(self) -> Counters:
        """Return what the kernel has counted until now."""
        return _counters.read(self.plan)

    def inside(self, namespace: str, words: Sequence[str]) -> list[str]:
        """Return the command that runs ``words`` in one of the fabric's namespaces."""
        return [*_ENTER, namespace, *map(shlex.quote, words)]

    def command(
        self, program: Sequence[str], options: Sequence[str] = ()
    ) -> tuple[list[str], dict[str, str]]:
        """Return the command that runs ``program`` once an agent under MPI, and its variables.

        ``options`` are more words for the MPI launcher.
        Raises ConfigError if there is no MPI launcher.
        """
        words, variables = _mpi.command(self.plan, str(self._state.script), program, options)
        variables |= {"NETOPT_FABRIC": "1"}
        if self.latency:
            variables |= {"NETOPT_FABRIC_LATENCY": "1"}
        return self.inside(self.plan.hub, words), variables

    def keep(self) -> None:
        """Let the fabric outlive this process; ``down`` removes it."""
        self._state = self._state._replace(owner=None)
        _state.update(self._state)

    def close(self) -> None:
        """Remove all of it, and end what runs in it."""
        remove(self._state)


_ENTER = (sys.executable, "-I", "-S", _enter.__file__)
"""What enters a namespace, without the time that site-packages take."""


@contextlib.contextmanager
def build(topology: Topology, name: str | None = None) -> Iterator[Fabric]:
    """Give a topology built in the kernel, and remove it whatever happens; needs root and Linux.

    Raises ConfigError that says what is missing and what works instead.
    """
    fabric = raise_(topology, name)
    try:
        yield fabric
    finally:
        fabric.close()


def raise_(topology: Topology, name: str | None = None) -> Fabric:
    """Return a fabric that somebody has to close; nothing is left of one that cannot be built."""
    draft, abilities = prepare(topology)
    edges = tuple((e.agent, e.peer, e.shape and e.shape.rate) for e in draft.ends if e.edge)
    made = datetime.now(timezone.utc).isoformat(timespec="seconds")
    state = _state.claim(topology.size, made, edges, name, _foreign())
    finished = draft._replace(name=state.name)
    try:
        _write_script(state.script)
        _kernel.build(finished, abilities.netem)
    except BaseException as error:
        remove(state)
        if isinstance(error, Exception) and not isinstance(error, ConfigError):
            raise ConfigError(f"the kernel refuses the fabric: {_kernel.reason(error)}") from error
        raise
    return Fabric(finished, state, abilities.netem)


def prepare(topology: Topology) -> tuple[Plan, _requirements.Abilities]:
    """Return a plan without a name, and what the kernel can do; ConfigError if not enough."""
    links = [topology.link(*edge) for edge in topology.edges]
    draft = plan("", topology)
    abilities = _requirements.check(any(link.rate is not None for link in links))
    notes = tuple(_notes(links, abilities.netem))
    return draft._replace(notes=notes + draft.notes), abilities


def remove(state: _state.Record) -> None:
    """Take away all that belongs to a fabric, whatever is left of it."""
    with undisturbed():
        _namespaces.remove(members(state))
        _state.release(state)


def members(state: _state.Record) -> list[str]:
    """Return the names of a fabric's namespaces."""
    return [hub(state.name), *(namespace(state.name, agent) for agent in range(state.size))]


def _foreign() -> set[str]:
    """Return the fabrics' names that namespaces have begun with, whoever made them."""
    return {name.rpartition("-")[0] for name in _namespaces.names()}


def _notes(links: Sequence[Link], netem: bool) -> Iterator[str]:
    if not netem and any(link.latency for link in links):
        yield "this kernel has no netem: latency stays netopt's (network: {clock: real})"
    if any(link.jitter or link.loss for link in links):
        yield "jitter and loss stay netopt's: they are a frame's, not a packet's"


def _write_script(file: Path) -> None:
    file.write_text(f'#!/bin/sh\nexec {shlex.join(_ENTER)} "$@"\n', "utf-8")
    file.chmod(0o700)
