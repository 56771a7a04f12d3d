"""The state knows which fabrics exist and who owns them, whatever became of their owners.

A record is a file under ``FOLDER``, there before the first namespace of its fabric and until after
the last, so that whatever a crash leaves can be found. An owner is a process id together with the
time at which that process started: ids come again. A fabric without an owner was made to stay.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from netopt.errors import ConfigError

FOLDER = Path("/run/netopt")
PREFIX = "netopt-"
NAME = re.compile(r"netopt-[a-z0-9]{1,12}")
Edges = tuple[tuple[int, int, "float | None"], ...]


class Record(NamedTuple):
    """What is written down of a fabric; ``owner`` is (process id, start in clock ticks) or None.

    ``edges`` are directed, (source, destination, bit/s or None).
    """

    name: str
    size: int
    owner: tuple[int, int] | None
    made: str = ""
    edges: Edges = ()

    @property
    def alive(self) -> bool:
        """Whether the owner lives."""
        return self.owner is not None and started(self.owner[0]) == self.owner[1]

    @property
    def left(self) -> bool:
        """Whether the owner is gone without having removed it."""
        return self.owner is not None and not self.alive

    @property
    def script(self) -> Path:
        """The file that MPI's launchers call to enter a namespace."""
        return _executable() / f"{self.name}.enter"


def started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since the machine did; None if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def myself() -> tuple[int, int]:
    """Return this process as an owner."""
    pid = os.getpid()
    return pid, started(pid) or 0


def claim(size: int, made: str, edges: Edges, wanted: str | None, taken: Iterable[str]) -> Record:
    """Return a new record that is this process's alone, ``wanted`` or else numbered.

    Names in ``taken`` are somebody else's. ConfigError if the wanted name is not free.
    """
    if wanted is not None and not NAME.fullmatch(wanted):
        raise ConfigError(f"a fabric's name is {PREFIX} and 1 to 12 of a-z and 0-9, got '{wanted}'")
    foreign = set(taken)
    names = [wanted] if wanted else (f"{PREFIX}{number}" for number in range(1, 100_000))
    for name in names:
        record = Record(name, size, myself(), made, edges)
        if name not in foreign and _create(record):
            return record
    raise ConfigError(f"the name '{wanted}' is taken; 'netopt fabric status' lists who has it")


def _create(record: Record) -> bool:
    """Write a record that was not there, as a whole or not at all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    temporary = _write(record)
    try:
        os.link(temporary, _file(record.name))
    except FileExistsError:
        return False
    finally:
        os.unlink(temporary)
    return True


def update(record: Record) -> None:
    """Replace a record."""
    os.replace(_write(record), _file(record.name))


def release(record: Record) -> None:
    """Forget a fabric of which nothing is left."""
    for file in (record.script, _file(record.name)):
        file.unlink(missing_ok=True)


def records() -> list[Record]:
    """Return all records, by name."""
    return sorted(_read(), key=lambda record: (len(record.name), record.name))


def _read() -> Iterator[Record]:
    for file in FOLDER.glob(f"{PREFIX}*.json"):
        with contextlib.suppress(FileNotFoundError):  # it may be gone by now
            yield _parse(file)


def _parse(file: Path) -> Record:
    text = file.read_text("utf-8")
    try:
        told = json.loads(text)
        owner = tuple(told["owner"]) if told["owner"] else None
        edges = tuple((i, j, rate) for i, j, rate in told["edges"])
        return Record(file.stem, told["size"], owner, told["made"], edges)
    except (ValueError, KeyError, TypeError):
        raise ConfigError(
            f"'{file}' is damaged; remove it, and 'ip netns delete' what 'ip netns' shows of it"
        ) from None


def _file(name: str) -> Path:
    return FOLDER / f"{name}.json"


def _write(record: Record) -> str:
    handle, path = tempfile.mkstemp(dir=FOLDER, prefix=".new-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, 0o644)
        json.dump(record._asdict(), file)
    return path


def _executable() -> Path:
    """Return the folder for scripts: ``FOLDER``, or where programs may run if it forbids that."""
    forbids = os.statvfs(FOLDER).f_flag & os.ST_NOEXEC
    return Path(tempfile.gettempdir()) if forbids else FOLDER
