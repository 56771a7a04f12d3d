"""The program behind ``netopt audit``: play once, hear the witnesses, show what they say."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from netopt import command, config, engine, launcher, recorder
from netopt.audit import _changes, _libfabric, _playing, _table
from netopt.audit._finding import Finding, Witness, plain
from netopt.audit._ledger import entries
from netopt.audit._playing import Job, Library, Played
from netopt.audit._verdict import judge
from netopt.bench.output import check_writable
from netopt.config import Experiment
from netopt.errors import ConfigError
from netopt.progress import Progress
from netopt.registry import load_file
from netopt.report import reading
from netopt.speech import say, show

LEDGER = "netopt counts each frame where it leaves and where it arrives, and both are equal"


class Wish(NamedTuple):
    """The options of the command; ``fabric`` None takes one if this machine can build it."""

    file: str
    overrides: Sequence[str] = ()
    json: str | None = None
    fabric: bool | None = None
    ranks: int | None = None
    load: Sequence[str] = ()
    debug: bool = False


def run(wish: Wish) -> int:
    """Play and judge a run; return the exit code: 0, 1 if a witness disagrees, or the run's own.

    Raises ConfigError for what is wrong with the input, before anything is played.
    """
    for path in wish.load:
        load_file(path)
    check_writable(wish.json)
    source = config.locate(wish.file)
    experiment = _experiment(source, wish)
    launcher.check()
    library, missing = _playing.library(), _missing(wish.fabric, experiment)
    raw = config.read(source, wish.overrides)
    changes = _changes.told(raw, bool(experiment.topology.links))
    for change in changes:
        say(f"netopt: for the audit: {change}")
    for warning in experiment.warnings:
        say(f"netopt: warning: {warning}")
    with tempfile.TemporaryDirectory(prefix="netopt-audit-") as name:
        folder = Path(name)
        out, overrides = folder / "run", (*wish.overrides, *_changes.overrides())
        words = command.words(source.absolute(), overrides, wish.load, out, wish.debug)
        job = Job(experiment.topology, words, out, folder)
        played = _play(job, experiment, library, bool(missing))
        if played.code:
            _explain(job)
            return played.code
        finding = _hear(job, library, played, missing, source, changes)
    return _publish(finding, wish.json)


def _experiment(source: Path, wish: Wish) -> Experiment:
    """Return what is to be played; ConfigError if it cannot be, or not under audit."""
    given = config.read(source, (*wish.overrides, *_changes.overrides()))
    try:
        with engine.single_threaded():  # constants of theory have the bits that ranks give them
            experiment = config.make(given, source.parent)
    except ConfigError as error:
        if error.path != _changes.CLOCK:
            raise
        told = f"{error.message}, and an audit is played without one; audit another algorithm"
        raise ConfigError(told, error.path) from None
    command.check_ranks(wish.ranks, experiment.topology.size)
    return experiment


def _missing(wanted: bool | None, experiment: Experiment) -> str:
    """Return why there is no fabric, '' if there is; ConfigError if one was asked for."""
    from netopt.fabric import _run

    if wanted is False:
        return "--no-fabric"
    try:
        _run.check(experiment.topology)
    except ConfigError as error:
        if wanted:
            raise
        return str(error)
    return ""


def _play(job: Job, experiment: Experiment, library: Library, bare: bool) -> Played:
    play = _playing.over_mpi if bare else _playing.over_fabric
    progress = Progress(experiment.rounds)
    try:
        return play(job, library.family, progress.see)
    finally:
        progress.close()


def _explain(job: Job) -> None:
    """Say what MPI said if no agent came to speak: it may not have started."""
    if not (job.out / "manifest.json").exists():
        for line in _libfabric.complaints(job.folder):
            say(line)


def _hear(
    job: Job, library: Library, played: Played, missing: str, source: Path, changes: Sequence[str]
) -> Finding:
    """Return what the witnesses of a run say."""
    files = reading.load(job.out)
    heard, absent = _playing.hear(library, job.folder, job.topology.size)
    if not missing and heard is None:
        missing = "control traffic takes the edges too, and only the MPI library knows how much"
    lines = judge(entries(files.edges), heard, played.kernel, library.transport)
    finding = Finding(source, str(files.manifest["mpi"]), changes, (), library.transport, lines)
    witnesses = (
        Witness("ledger", LEDGER),
        Witness("MPI library", library.how, absent),
        Witness("kernel", _table.framing(finding), missing),
    )
    return finding._replace(witnesses=witnesses)


def _publish(finding: Finding, file: str | None) -> int:
    """Show and write a finding; return the exit code."""
    show(_table.table(finding))
    for line in _table.words(finding):
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if file is not None:
        recorder.write(Path(file), json.dumps(plain(finding), indent=2) + "\n")
    return 0 if finding.agree else 1
