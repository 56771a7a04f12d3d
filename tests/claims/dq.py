"""Contraction factors of the differentially quantized methods, measured in lockstep.

``python tests/claims/dq.py`` prints the tables: theory beside what some seeds measure.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from netopt import config
from netopt.algorithms import _dq
from netopt.core.spectrum import logarithmic
from netopt.network.lockstep import Lockstep
from netopt.problems import Problem

GAUSSIAN = {
    "id": "least-squares", "data": "gaussian", "rows": 500, "dimension": 100, "at": "random"
}  # fmt: skip
PAIR = {"id": "star", "size": 2}
QUADRATIC_NAG = {"id": "dq-nag", "suppose": "quadratic"}
DQ_AND_NQ = [
    ("dq-gd", 1, 2.0, 2.0),
    ("dq-gd", 2, 1.0, 1.0),
    ("dq-gd", 3, 0.8182, 0.8182),
    ("dq-gd", 4, 0.8182, 0.8180),
    ("dq-gd", 6, 0.8182, 0.8184),
    ("dq-gd", 8, 0.8182, 0.8181),
    ("nq-gd", 1, 4.4545, 4.4545),
    ("nq-gd", 2, 2.6364, 2.6364),
    ("nq-gd", 3, 1.7273, 1.7273),
    ("nq-gd", 4, 1.2727, 1.2727),
    ("nq-gd", 6, 0.9318, 0.9312),
    ("nq-gd", 8, 0.8466, 0.8484),
]
"""Method, R, factor in theory and as published; n = 16, kappa = 10, uniform scalar."""
MOMENTUM = [
    (QUADRATIC_NAG, 10, 2, 200, 1.8070),
    (QUADRATIC_NAG, 10, 4, 600, 0.686),
    ("dq-hb", 100, 3, 400, 1.1307),
    ("dq-hb", 100, 4, 1200, 0.8192),
]
"""Method, kappa, R, rounds, factor as published; n = 16, uniform scalar.

The longer runs are those in which the i of i sigma^i no longer shows in the third digit.
"""
LEAST_SQUARES = [
    ("gd", 0, 0.719),
    ("dq-gd", 3, 1.27),
    ("dq-gd", 4, 0.759),
    ("dq-gd", 5, 0.734),
    ("dq-gd", 8, 0.719),
    ("nq-gd", 5, 1.25),
    ("nq-gd", 6, 0.978),
    ("nq-gd", 8, 0.769),
]
"""Method, R, (||x_60 - x*|| / ||x_0 - x*||)^(1/60) as published for one draw of 500 x 100."""


class Bowl(Problem, kw_only=True):
    """f = 1/2 x'Hx, H of condition number ``kappa`` in random axes, from x_0 ~ N(0, I).

    As x* = 0, rounding shrinks with x: a contraction factor can be read off hundreds of rounds.
    """

    kappa: float
    d: int = 16

    def prepare(self, agents: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        axes = np.linalg.qr(rng.standard_normal((self.d, self.d)))[0]
        self.agents, self.x0 = agents, rng.standard_normal(self.d)
        self.hessian = axes * logarithmic(self.kappa, self.d) @ axes.T

    def start(self):
        return self.x0

    def agent_loss(self, rank, x):
        return 0.5 * float(x @ self.hessian @ x)

    def grad(self, rank, x, key):
        return self.hessian @ x

    def top(self):
        return self.kappa

    def strong_convexity(self):
        return 1.0

    def minimum(self):
        return np.zeros(self.d)


def experiment(algorithm: Any, codec: Any, problem: Any, seed: int = 1) -> config.Experiment:
    """One worker and its server; ``problem`` is a run file's, or a Bowl."""
    shown = "quadratic" if isinstance(problem, Problem) else problem
    run = {"problem": shown, "topology": PAIR, "algorithm": algorithm, "seed": seed, "codecs": {}}
    if codec is not None:
        run["codecs"] = {"up": codec}
    made = config.make(run)
    if not isinstance(problem, Problem):
        return made
    problem.prepare(1, seed)
    return made._replace(problem=problem)


def distances(made: config.Experiment, rounds: int) -> np.ndarray:
    """||x_i - x*|| for i = 0, ..., rounds; both ends hold the same bits of x."""
    network, best = Lockstep(made), made.problem.minimum()
    found = [np.linalg.norm(made.problem.start() - best)]
    for k in range(rounds):
        network.play(k)
        here, there = network.estimates()
        assert here.tobytes() == there.tobytes()
        found.append(np.linalg.norm(here - best))
    return np.array(found)


def tail(found: np.ndarray, since: int) -> float:
    """(||x_T - x*|| / ||x_t - x*||)^(1/(T - t)), t = ``since``."""
    return float((found[-1] / found[since]) ** (1 / (len(found) - 1 - since)))


def uniform(bits: float) -> dict[str, Any]:
    return {"id": "uniform", "bits": bits}


def lattice(name: str, bits: int) -> dict[str, Any]:
    return {"id": "lattice", "lattice": name, "bits": bits}


def least_squares(name: str, bits: float, seed: int) -> float:
    """The factor from the start, over 60 rounds of Gaussian least squares."""
    return tail(distances(experiment(name, uniform(bits) if bits else None, GAUSSIAN, seed), 60), 0)


def bound(made: config.Experiment, rounds: int) -> np.ndarray:
    """What the analysis allows ||x_i - x*|| to be, i = 0, ..., rounds, from the ranges r_i.

    DQ-GD: ||z_i - x*|| + eta ||e_{i-1}|| <= sigma^i D + eta a r_{i-1}; NQ-GD: r_i / L.
    """
    method = made.algorithm
    facts = method.facts(made.problem, made.codecs[0])
    plan = method.plan(facts)
    r = np.array(list(islice(method.ranges(facts, plan), rounds + 1)))
    if method.id == "nq-gd":
        return r / facts.top
    errors = np.concatenate([[0.0], facts.a * r[:-1]])
    return plan.sigma ** np.arange(rounds + 1) * facts.distance + plan.lr * errors


def measured(algorithm: Any, codec: Any, kappa: float, rounds: int, seed: int = 1) -> float:
    """The tail factor of the second half of the rounds, on a Bowl."""
    made = experiment(algorithm, codec, Bowl(kappa=kappa), seed)
    return tail(distances(made, rounds), rounds // 2)


def tables(seeds: Sequence[int] = range(4)) -> Iterator[str]:
    """Yield the tables line by line."""
    yield "n = 16, kappa = 10: R, theory, measured; with momentum R, published, measured"
    for name, bits, theory, _ in DQ_AND_NQ:
        found = [measured(name, uniform(bits), 10, 200, seed) for seed in seeds]
        yield f"{name:6} {bits} {theory:.4f}  {' '.join(f'{x:.4f}' for x in found)}"
    for algorithm, kappa, bits, rounds, published in MOMENTUM:
        found = [measured(algorithm, uniform(bits), kappa, rounds, seed) for seed in seeds]
        name = algorithm if isinstance(algorithm, str) else algorithm["id"]
        yield f"{name:6} {bits} {published:.4f}  {' '.join(f'{x:.4f}' for x in found)}"
    yield "E8 and Leech, DQ-GD: n, R, lower bound, theory and measured for scalar and lattice"
    for name, d in (("e8", 16), ("leech", 24)):
        for bits in (1, 2, 3, 4):
            row = f"{name:6} {d} {bits} {_dq.lower_bound(9 / 11, bits):.4f} "
            for codec in (uniform(bits), lattice(name, bits)):
                made = experiment("dq-gd", codec, Bowl(kappa=10, d=d))
                a = made.codecs[0].covering(d)
                row += f"  {max(9 / 11, a):.4f} {tail(distances(made, 200), 100):.4f}"
            yield row
    yield "Gaussian least squares 500 x 100, T = 60: R, published, measured"
    for name, bits, published in LEAST_SQUARES:
        found = [least_squares(name, bits, seed) for seed in seeds]
        yield f"{name:6} {bits} {published:.3f}  {' '.join(f'{x:.3f}' for x in found)}"


if __name__ == "__main__":
    began = time.perf_counter()
    for line in tables():
        print(line, flush=True)
    print(f"{time.perf_counter() - began:.0f} s")
