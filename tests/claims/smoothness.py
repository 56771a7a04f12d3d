"""The smoothness paper's experiments: methods, curves, and an independent re-run's numbers."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from netopt import config
from netopt.engine import single_threaded
from netopt.network.lockstep import Lockstep

METHODS = {
    "DCGD quant": ("dcgd", "dithering"),
    "DCGD+ quant+": ("dcgd-plus", "varying-steps"),
    "DIANA quant": ("diana", "dithering"),
    "DIANA+ quant": ("diana-plus", {"id": "varying-steps", "steps": "uniform"}),
    "DIANA+ quant+": ("diana-plus", "varying-steps"),
    "DIANA block": ("diana", {"id": "blocks", "steps": "standard"}),
    "DCGD+ block+": ("dcgd-plus", "blocks"),
    "DIANA+ block+": ("diana-plus", "blocks"),
    "DIANA+ rand-tau+": ("diana-plus", "rand-tau"),
}
PAPER = {"id": "logistic", "split": "sorted-by-norm", "scale": "row-max", "equal": True}
PAPER |= {"test_fraction": 0.0, "intercept": False, "solve": True, "l2": 1e-3}
CANCER = {**PAPER, "data": "breast-cancer", "l2": 1e-2}


class Played(NamedTuple):
    """Relative squared errors every ``every`` rounds from 0 on, uplink bits, set-up bits, gamma."""

    every: int
    errors: np.ndarray
    bits: np.ndarray
    setup: int
    lr: float

    def reach(self, aim):
        """The first recorded round with an error of at most ``aim``; None if there is none."""
        below = np.flatnonzero(self.errors <= aim)
        return None if not len(below) else int(below[0]) * self.every


def experiment(problem, n, name, seed=1, **more):
    algorithm, up = METHODS[name]
    run = {"problem": problem, "topology": {"id": "star", "size": n + 1}, "codecs": {"up": up}}
    return config.make({**run, "algorithm": algorithm, "seed": seed, **more})


def uplink(network):
    """Payload bits to the hub so far."""
    sent = network.books()[0]
    pairs = zip(sent.edges, sent.counts.tolist(), strict=True)
    return sum(counts[1] for (_, target), counts in pairs if target == 0)


def concentrated(n, l2):
    """Data whose smoothness lies in another block of n coordinates for each of n workers."""
    size = {"rows": 40 * n * n, "dimension": n * n}
    return {**PAPER, "data": "concentrated", "l2": l2, **size}


def gamma(problem, n, name):
    """The step size of theory."""
    with single_threaded():
        network = Lockstep(experiment(problem, n, name))
        network.setup()
    return network._states[0].lr


@cache
def curve(data, n, name, most, aim, seed=1, every=10, l2=1e-2):
    """Play until ``aim`` or ``most`` rounds: what the figures of the paper show."""
    problem = concentrated(n, l2) if data == "concentrated" else {**PAPER, "data": data, "l2": l2}
    with single_threaded():
        made = experiment(problem, n, name, seed)
        network = Lockstep(made)
        network.setup()
        best = made.problem.minimum()
        errors, bits = [np.sum((network.estimates()[0] - best) ** 2)], [0]
        for k in range(most):
            network.play(k)
            if (k + 1) % every == 0:
                errors.append(np.sum((network.estimates()[0] - best) ** 2))
                bits.append(uplink(network))
                if errors[-1] <= aim * errors[0]:
                    break
    setup = network.books()[0].total().setup_bits
    lr = network._states[0].lr
    return Played(every, np.array(errors) / errors[0], np.array(bits), setup, lr)


class Row(NamedTuple):
    """Iterations, and megabytes up with set-up, to the aim; None: not reached."""

    iterations: int | None
    megabytes: float | None = None


class Table(NamedTuple):
    n: int
    aim: float
    every: int
    seeds: int
    rows: dict[str, Row]


RERUN = {
    "splice": Table(6, 1e-4, 50, 3, {
        "DIANA quant": Row(200, 0.019), "DIANA+ quant": Row(150, 0.103),
        "DIANA+ quant+": Row(150, 0.104), "DIANA block": Row(150, 0.035),
        "DIANA+ block+": Row(150, 0.115), "DIANA+ rand-tau+": Row(150, 0.122),
    }),
    "a8a": Table(8, 1e-2, 50, 3, {
        "DCGD quant": Row(3900, 0.572), "DCGD+ quant+": Row(1050, 0.698),
        "DIANA quant": Row(3850, 0.631), "DIANA+ quant": Row(1250, 0.727),
        "DIANA+ quant+": Row(1100, 0.687), "DIANA block": Row(2000, 0.887),
        "DIANA+ block+": Row(1200, 0.901), "DIANA+ rand-tau+": Row(1100, 1.01),
    }),
    "w8a": Table(8, 1e-2, 30, 1, {
        "DCGD quant": Row(None), "DCGD+ quant+": Row(810, 3.27), "DIANA quant": Row(None),
        "DIANA+ quant": Row(1050, 3.43), "DIANA+ quant+": Row(930, 3.35), "DIANA block": Row(None),
        "DIANA+ block+": Row(1080, 3.50), "DIANA+ rand-tau+": Row(930, 3.98),
    }),
}  # fmt: skip
SETUP = {"splice": 0.088, "a8a": 0.488, "w8a": 2.89}


def file(name):
    """``libsvm:PATH`` of the paper's file; skips the test if it is not there."""
    folder = os.environ.get("NETOPT_DATA")
    if folder is None:
        pytest.skip("NETOPT_DATA names no directory with splice, a8a and w8a")
    if not (Path(folder) / name).is_file():
        pytest.skip(f"there is no {name} in the directory that NETOPT_DATA names")
    return f"libsvm:{Path(folder) / name}"


def mean(data, name, most, aim=None):
    """The geometric mean of the errors over the seeds, as far as all of them go, and its parts."""
    table = RERUN[data]
    aim = table.aim / 2 if aim is None else aim  # so that the mean gets below the table's
    args = (file(data), table.n, name, most, aim)
    runs = [curve(*args, seed, table.every, 1e-3) for seed in range(1, table.seeds + 1)]
    rows = min(len(run.errors) for run in runs)
    errors = np.exp(np.mean([np.log(run.errors[:rows]) for run in runs], 0))
    bits = np.mean([run.bits[:rows] for run in runs], 0)
    return Played(table.every, errors, bits, runs[0].setup, runs[0].lr)
