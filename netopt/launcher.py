"""The launcher starts mpirun, shows what goes on, and ends cleanly what it started.

It holds no agent. The ranks are ``netopt.worker`` processes; the launcher reads their progress from
the run directory and keeps the MPI library's farewell away from the one error line that counts.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from netopt.core import packing
from netopt.errors import ConfigError

GRACE = 5.0
"""Seconds that the root has to write its summary after Ctrl-C before everything is killed."""
MARK = "netopt: error:"
FAREWELLS = ("Abort(", "-----", "=====")
"""How MPICH and Open MPI begin to tell of an abort, after which nobody else has much to say."""


def find_mpirun() -> str:
    """Return the launcher: $NETOPT_MPIRUN, the one beside this Python, or the first on PATH.

    Raises ConfigError that says how to get one.
    """
    named = os.environ.get("NETOPT_MPIRUN")
    beside = str(Path(sys.executable).parent)
    for name in (named,) if named else ("mpirun", "mpiexec"):
        found = shutil.which(name, path=beside + os.pathsep + os.environ.get("PATH", ""))
        if found:
            return found
    raise ConfigError(
        f"no MPI launcher ({named or 'mpirun or mpiexec'}) was found; install one with "
        "pip install 'netopt[mpich]', or run in one process with --driver lockstep"
    )


def is_open_mpi(mpirun: str) -> bool:
    """Return whether a launcher is Open MPI's; ConfigError if it does not even say its version."""
    try:
        told = subprocess.run([mpirun, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"'{mpirun} --version' does not run: {error}") from None
    return "open mpi" in told.stdout.lower() or "open-mpi" in told.stdout.lower()


def check() -> None:
    """Raise ConfigError if mpi4py or a launcher is missing."""
    if importlib.util.find_spec("mpi4py") is None:
        raise ConfigError(
            "mpi4py is not installed; pip install 'netopt[mpich]' brings it with an MPI library, "
            "--driver lockstep needs neither"
        )
    find_mpirun()


def usable_cores() -> int:
    """Return the number of cores that the scheduler gives this process."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def command(
    ranks: int, worker: Sequence[str], hostfile: Path | None = None
) -> tuple[list[str], dict[str, str]]:
    """Return the mpirun command for ``ranks`` workers and the variables that it needs set.

    They run on this host, where the scheduler has room, or where a hostfile says. Raises
    ConfigError if there is no launcher, or if it cannot read the hostfile.
    """
    mpirun = find_mpirun()
    extra: list[str] = []
    open_mpi = is_open_mpi(mpirun)
    if hostfile is not None:
        check_hostfile(hostfile, open_mpi)
        extra += ["--hostfile" if open_mpi else "-f", str(hostfile)]
    elif open_mpi and ranks > usable_cores():
        extra.append("--oversubscribe")
    needs = worker_variables(open_mpi)
    return [mpirun, "-n", str(ranks), *extra, sys.executable, "-m", "netopt.worker", *worker], needs


def check_hostfile(file: Path, open_mpi: bool) -> None:
    """Raise ConfigError if a hostfile is not there, or has the form of the other MPI library."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(f"cannot read the hostfile '{file}': {why}") from None
    entries = [line.partition("#")[0].strip() for line in lines]
    if not any(entries):
        raise ConfigError(f"the hostfile '{file}' names no host; name one on each line")
    mine, theirs = ("Open MPI", r"[^:\s]+:\d+") if open_mpi else ("MPICH", r"\S+\s.*slots")
    for number, entry in enumerate(entries, start=1):
        if re.match(theirs, entry):
            raise ConfigError(
                f"line {number} of the hostfile '{file}' says '{entry}', which {mine} does not "
                "read; name the host alone, on one line for each of its ranks"
            )


def worker_variables(open_mpi: bool) -> dict[str, str]:
    """Return the variables that workers, and Open MPI's launcher, need and that are not yet set."""
    needs = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if packing.implementation == "numpy":
        needs["NETOPT_WARNED"] = "1"
    if open_mpi and os.geteuid() == 0:
        needs |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {name: value for name, value in needs.items() if name not in os.environ}


def written(arguments: Sequence[str], variables: Mapping[str, str]) -> str:
    """Return a command with its variables as a shell takes it."""
    return " ".join([*(f"{k}={v}" for k, v in variables.items()), shlex.join(arguments)])


def launch(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    out: Path,
    watch: Callable[[Mapping[str, Any]], None],
    host: str | None = None,
) -> int:
    """Run mpirun to its end; return the exit code. Each new metrics row goes to ``watch``.

    ``host`` is what the root calls its host if it runs on this one under another name.
    KeyboardInterrupt asks the root for a clean end, then ends whatever is left, and goes on.
    """
    process = subprocess.Popen(
        arguments,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,  # what the caller reads from is the caller's
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C reaches the launcher only, which ends the ranks
    )
    assert process.stdout is not None
    assert process.stderr is not None
    ears = Ears(process.stderr, sys.stderr)
    mouth = Ears(process.stdout, sys.stdout)  # MPICH says farewell here
    tail = Tail(out / "metrics.jsonl")
    # A signal that is ignored stays ignored: nohup means it.
    words = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    asked = [word for word in words if signal.getsignal(word) is not signal.SIG_IGN]
    previous = [signal.signal(word, _as_interrupt) for word in asked]
    try:
        while process.poll() is None:
            tail.read(watch)
            time.sleep(0.05)
        tail.read(watch)
    except BaseException:
        ears.heard = mouth.heard = (
            True  # what follows is the MPI library telling of an end that was asked for
        )
        _end(process, out, host or platform.node())
        raise
    finally:
        for word, handler in zip(asked, previous, strict=True):
            signal.signal(word, handler)
        ears.join()
        mouth.heard = mouth.heard or ears.heard
        mouth.join()
    if process.returncode and not ears.heard:
        sys.stderr.write(f"{MARK} mpirun ended with exit code {process.returncode}; see above\n")
    return process.returncode


def _as_interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[str], out: Path, host: str) -> None:
    """End a run: the root by SIGINT so that its files are whole, then the rest of the group."""
    try:
        root = _root_pid(out, host)
        if root is not None:
            os.kill(root, signal.SIGINT)
            process.wait(GRACE)
    except (ProcessLookupError, PermissionError, subprocess.TimeoutExpired, KeyboardInterrupt):
        pass
    end_group(process)


def end_group(process: subprocess.Popen[str]) -> None:
    """End a process that leads a group of its own, and the group: asked first, then killed."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, word)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                continue


def _root_pid(out: Path, host: str) -> int | None:
    """Return the root's process id if it runs on ``host`` and has told it."""
    try:
        facts = json.loads((out / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return int(facts["pid"]) if facts.get("host") == host else None


class Ears(threading.Thread):
    """Passes on what the ranks say, up to and including the first error line.

    The MPI library's own words about an end may overtake that line, so they are held back and shown
    only if no rank has said what went wrong.
    """

    def __init__(self, stream: IO[str], sink: IO[str]) -> None:
        super().__init__(daemon=True)
        self.heard = False
        self._stream, self._sink = stream, sink
        self._held: list[str] = []
        self.start()

    def run(self) -> None:
        """Copy lines until the stream ends."""
        for line in self._stream:
            self._take(line)
        self._stream.close()
        if not self.heard:
            self._sink.writelines(self._held)
        self._sink.flush()

    def _take(self, line: str) -> None:
        ours = line.startswith(MARK)
        if not ours and (self._held or line.startswith(FAREWELLS)):
            self._held.append(line)
        elif not self.heard:
            self._sink.write(line)
            self._sink.flush()
        self.heard = self.heard or ours


class Tail:
    """Reads the complete lines that were added to a growing JSON-lines file."""

    def __init__(self, file: Path) -> None:
        self._file, self._place = file, 0

    def read(self, watch: Callable[[Mapping[str, Any]], None]) -> None:
        """Give each new row to ``watch``; a file that is not there yet has none."""
        try:
            with open(self._file, "rb") as file:
                file.seek(self._place)
                data = file.read()
        except OSError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._place += len(whole)
        for line in whole.splitlines():
            watch(json.loads(line))
