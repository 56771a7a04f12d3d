"""What an audit changes of a run file, so that nothing but frames is counted as a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Change(NamedTuple):
    """An option, the value that an audit needs (as YAML), and why."""

    place: str
    value: str
    why: str


CHANGES = (
    Change("network.driver", "mpi", "only MPI moves bytes"),
    Change("network.clock", "none", "a clock's stamps travel beside the frames"),
    Change("network.compute", "null", "it is modelled for a clock"),
    Change("record.frames", "0", "captured frames travel once more"),
    Change("stop.emulated_seconds", "null", "they need a clock"),
)
CLOCK = "$.network.clock"
"""Where a run file that cannot do without a clock is told so."""
_USUAL = {
    "network.driver": "mpi",
    "network.compute": None,
    "record.frames": 0,
    "stop.emulated_seconds": None,
}
"""What an option is if nobody sets it; the clock depends on the links."""


def overrides() -> tuple[str, ...]:
    """Return the changes as ``--set`` takes them."""
    return tuple(f"{change.place}={change.value}" for change in CHANGES)


def told(raw: Mapping[str, Any], links: bool) -> list[str]:
    """Return a line for each change that makes a difference; ``links`` is whether there are any."""
    usual = _USUAL | {"network.clock": "virtual" if links else "none"}
    lines = []
    for change in CHANGES:
        was = _get(raw, change.place)
        was = usual[change.place] if was is None else was
        if was is not None and str(was) != change.value:
            lines.append(f"{change.place}={change.value}, not {was}: {change.why}")
    return lines


def _get(raw: Mapping[str, Any], place: str) -> Any:
    here: Any = raw
    for name in place.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return here
