"""A run: rounds are played, the mean is looked at now and then, and the books are closed."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import netopt
from netopt.config import Experiment
from netopt.core.packing import norm
from netopt.errors import NumericalError
from netopt.ledger import Ledger, check_conservation
from netopt.network import Capture, Network
from netopt.network.average import Mean, pieces
from netopt.problems import Problem
from netopt.recorder import Recorder, finite

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Row = dict[str, Any]
Watch = Callable[[Row], None]
GO_ON, ROUNDS, BITS, LOSS, SECONDS = range(5)
REASONS = {ROUNDS: "rounds", BITS: "bits", LOSS: "loss", SECONDS: "emulated_seconds"}


class Outcome(NamedTuple):
    """What the root has in hand when a run is over; ``sent`` is None if it was interrupted.

    ``x`` holds the agents' estimates, shape (N, d), if they are all in this process; else it is
    empty, shape (0, 0).
    """

    rows: list[Row]
    x: Matrix
    sent: Ledger | None
    summary: Row
    frames: list[Capture]


def play(
    experiment: Experiment, network: Network, recorder: Recorder | None, watch: Watch | None = None
) -> Outcome | None:
    """Play an experiment to its end on a network; return the outcome at the root, else None.

    The root's rows go to ``recorder`` and ``watch``. Raises NetoptError; on KeyboardInterrupt the
    root still writes its summary before the exception goes on.
    """
    diary = Diary(experiment, recorder, watch)
    try:
        # Overflow is an error of netopt's own, with its place: numpy's warning adds nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            network.setup()
            network.settle()
            verdict = _rounds(network, diary)
        books = network.books()
    except KeyboardInterrupt:
        if network.root:
            diary.close("interrupt", None, network.control_bytes, [])
        raise
    finally:
        if recorder is not None:
            recorder.close()
    if books is None:
        return None
    sent, received, frames = books
    check_conservation(sent, received)
    if recorder is not None and experiment.options.record.trace:
        from netopt.network import chrome  # late: few runs have a trace

        recorder.trace(chrome.text(network.trace(), experiment))
    return diary.close(REASONS[verdict], sent, network.control_bytes, frames)


def _rounds(network: Network, diary: Diary) -> int:
    """Play and look in turn until there is a reason to stop; return the reason."""
    while True:
        mean = network.mean()
        totals, emulated = network.totals(), network.emulated()
        verdict = network.agree(diary.look(mean, totals, emulated) if mean is not None else GO_ON)
        del mean  # its vector may be the agent's, and is not wanted during a round
        if verdict != GO_ON:
            return verdict
        diary.seconds += _stretch(network, diary)


def _stretch(network: Network, diary: Diary) -> float:
    """Play the rounds up to the next row; return the wall seconds that they took."""
    end = min(diary.round + diary.experiment.options.record.every, diary.experiment.rounds)
    began = time.perf_counter()
    for k in range(diary.round, end):
        network.play(k)
        diary.round = k + 1
    network.settle()
    return time.perf_counter() - began


class Diary:
    """The root's view of a run: the rows so far and when to stop; other ranks only count rounds."""

    def __init__(
        self, experiment: Experiment, recorder: Recorder | None, watch: Watch | None
    ) -> None:
        self.experiment, self._recorder, self._watch = experiment, recorder, watch
        self.rows: list[Row] = []
        self.round, self.seconds = 0, 0.0
        every = experiment.options.record.lambda_min
        self._bottom = Bottom(experiment, every) if every else None

    def look(self, mean: Mean, totals: tuple[int, int, int], emulated: float | None) -> int:
        """Record a row for the agents' estimates; return the verdict on going on."""
        row = measure(self.experiment.problem, mean, self.round)
        row |= {"payload_bits": totals[0], "wire_bytes": totals[1], "setup_bytes": totals[2]}
        real = self.experiment.options.network.clock == "real"
        row |= {"seconds": self.seconds, "emulated_seconds": self.seconds if real else emulated}
        row |= self.experiment.problem.metrics(mean.x)
        verdict = self._verdict(row)
        if self._bottom is not None:
            row["lambda_min"] = self._bottom.look(mean.x, row, verdict != GO_ON)
        self.rows.append(row)
        if self._recorder is not None:
            self._recorder.row(row)
        if self._watch is not None:
            self._watch(row)
        if not np.isfinite(row["loss"]):
            raise NumericalError(
                f"round {self.round}: the loss at the network mean is {row['loss']}; the iterates "
                "diverge, try a smaller step size"
            )
        return verdict

    def _verdict(self, row: Row) -> int:
        stop = self.experiment.options.stop
        if stop.loss is not None and row["loss"] <= stop.loss:
            return LOSS
        if (
            self.experiment.stop_bits is not None
            and row["payload_bits"] >= self.experiment.stop_bits
        ):
            return BITS
        limit = self.experiment.stop_seconds
        if limit is not None and row["emulated_seconds"] >= limit:
            return SECONDS
        return ROUNDS if self.round >= self.experiment.rounds else GO_ON

    def close(
        self, reason: str, sent: Ledger | None, control_bytes: int, frames: list[Capture]
    ) -> Outcome:
        """Write the last files and return the outcome; ``sent`` None means interrupted."""
        summary: Row = {
            "version": netopt.__version__,
            "stopped_by": reason,
            "rounds": self.round,
            "sent_equals_received": None if sent is None else True,
            "header_bytes": None if sent is None else sent.total().header_bytes,
            "control_bytes": control_bytes,
            # How good the minimiser is that distances are taken to: the gradient's norm there.
            "certificate": None if sent is None else self.experiment.problem.certificate(),
            "last": self.rows[-1] if self.rows else None,
        }
        if summary["last"] is not None:
            summary["last"] = finite(summary["last"])
        if self._bottom is not None:
            summary["spectrum"] = self._bottom.summary
        if self._recorder is not None:
            self._recorder.finish(summary, sent, frames)
        return Outcome(self.rows, np.zeros((0, 0)), sent, summary, frames)


class Bottom:
    """Looks for the smallest eigenvalue of F's Hessian every ``every`` rounds, and at the end.

    ``summary`` is what summary.json tells: the last value and its round, the residual that bounds
    its error, all products so far, and how a product is made.
    """

    def __init__(self, experiment: Experiment, every: int) -> None:
        self._problem, self._every = experiment.problem, every
        self._seed = experiment.options.seed
        self.summary: Row = {"lambda_min": None, "round": None, "residual": None}
        self.summary |= {"products": 0, "hessian": self._problem.products()}
        self._warned = False

    def look(self, x: Vector, row: Row, last: bool) -> float | None:
        """Return the eigenvalue at x for a row that is due for it, or the ``last`` one, else None.

        None as well if it is not found, with one warning a run.
        """
        if not np.isfinite(row["loss"]) or not (last or row["round"] % self._every == 0):
            return None
        from netopt.problems import _spectrum

        found = _spectrum.lowest(self._problem, x, self._seed)
        self.summary["products"] += found.products
        if found.value is None:
            self._warn(row["round"], found.reason)
        else:
            place = {"lambda_min": found.value, "round": row["round"], "residual": found.residual}
            self.summary |= place
        return found.value

    def _warn(self, k: int, reason: str) -> None:
        """Warn of the first value that was not found."""
        if not self._warned:
            self._warned = True
            told = f"lambda_min is null in round {k}: {reason}"
            warnings.warn(told, RuntimeWarning, stacklevel=2)


def mean_of(x: Matrix) -> Vector:
    """Return the network mean, shape (d,): rows added in rank order."""
    return np.asarray(np.add.reduce(x, axis=0) / len(x))


def measure(problem: Problem, mean: Mean, k: int) -> Row:
    """Return loss, gradient norm, consensus error and distance at the network mean.

    Distance is that of the mean to the nearest known minimiser, None if none is known.
    """
    return {
        "round": k,
        "loss": float(problem.loss(mean.x)),
        "grad_norm": norm(np.ascontiguousarray(problem.gradient(mean.x, None)), "l2"),
        "consensus": mean.apart,
        "distance": _nearest(problem, mean.x),
    }


def _nearest(problem: Problem, x: Vector) -> float | None:
    best = problem.minimisers()
    return None if best is None else min(distance_of(x, row) for row in best)


def distance_of(x: Vector, y: Vector) -> float:
    """Return ||x - y|| of two vectors, shape (d,), without a third of their size."""
    parts = [norm(x[piece] - y[piece], "l2") for piece in pieces(len(x))]
    return parts[0] if len(parts) == 1 else math.sqrt(sum(part**2 for part in parts))


def lockstep(experiment: Experiment, directory: Path | None, watch: Watch | None = None) -> Outcome:
    """Play an experiment in this process; writes a run directory if one is given."""
    from netopt.network.lockstep import Lockstep
    from netopt.recorder import manifest

    with single_threaded():
        network = Lockstep(experiment)
        recorder = None if directory is None else Recorder(directory)
        if recorder is not None:
            facts = manifest(experiment.options.seed, "lockstep", None, experiment.topology.size)
            recorder.open(experiment.resolved, facts)
        outcome = play(experiment, network, recorder, watch)
        assert outcome is not None, "lockstep is its own root"
        return outcome._replace(x=network.estimates())


def single_threaded() -> Any:
    """Return a context in which BLAS has one thread, as on every rank: the same sums."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)
