"""The smoothness paper's methods in plain numpy, line by line as in their boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt import config
from netopt.codecs import Tuning
from netopt.errors import ConfigError
from netopt.frame import lane
from netopt.keys import Key, Purpose

N = 4
QUADRATIC = {"id": "quadratic", "dimension": 25, "curvature": "shuffled"}
LOGISTIC = {"id": "logistic", "data": "synthetic", "l2": 0.1, "intercept": False, "solve": True}
PROBLEMS = pytest.mark.parametrize("problem", [QUADRATIC, LOGISTIC], ids=["quadratic", "logistic"])
METHODS = ["dcgd", "dcgd-plus", "diana", "diana-plus", "adiana", "ef21"]
PLUS = ["dcgd-plus", "diana-plus"]
every = pytest.mark.parametrize("name", METHODS)
plus = pytest.mark.parametrize("name", PLUS)
ROUNDS = 40


def make(algorithm, problem=QUADRATIC, up=None, size=N + 1, **more):
    run = {"problem": problem, "topology": {"id": "star", "size": size}, "algorithm": algorithm}
    return config.make({**run, "codecs": {} if up is None else {"up": up}, "seed": 1, **more})


def refusal(*arguments, **options):
    with pytest.raises(ConfigError) as caught:
        make(*arguments, **options)
    return str(caught.value)


class Box:
    """What the boxes of all methods are made of, in plain numpy; ``first`` is worker 0's rank."""

    def __init__(self, experiment, first=1):
        self.problem, self.codec, self.first = experiment.problem, experiment.codecs[0], first
        self.n, self.d = self.problem.agents, self.problem.d
        self.mu, self.top = self.problem.strong_convexity(), self.problem.top()
        self.tops = [self.problem.smoothness(i) for i in range(self.n)]
        self.x = self.problem.start()

    def grad(self, i, x):
        return self.problem.grad(i, x, None)

    def send(self, i, v, k, exchange=0):
        """C_i(v) as the hub decodes it."""
        key = Key(1, Purpose.ROUNDING, k, exchange, self.first + i, 0, lane(0, 0))
        return self.tuned[i].decode(self.tuned[i].encode(v, key), self.d, key)

    def plain(self):
        """Fit the one codec of all workers; return it."""
        self.tuned = [self.codec.tuned(Tuning(self.n), self.d)] * self.n
        return self.tuned[0]

    def precondition(self, aim):
        """Set ``roots`` and ``inverses``, and fit every worker's codec to L_i."""
        exact = [self.problem.curvature_of(i).root for i in range(self.n)]
        self.roots = [root.astype(np.float32).astype(float) for root in exact]
        self.inverses = [np.linalg.inv(root) for root in self.roots]
        fits = [Tuning(self.n, np.diag(m @ m), self.mu, aim) for m in self.roots]
        self.tuned = [self.codec.tuned(t, self.d, self.codec.tune(t)) for t in fits]
        matrices = [root @ root for root in self.roots]
        pairs = zip(self.tuned, matrices, strict=True)
        tops = [(c, np.diag(m), np.linalg.eigvalsh(m)[-1]) for c, m in pairs]
        self.worst = max(codec.cal_l(diagonal, top) for codec, diagonal, top in tops)
        self.omega = max(codec.omega(self.d) for codec in self.tuned)
        self.top = np.linalg.eigvalsh(np.mean(matrices, 0))[-1]


def dcgd(box):
    gamma = 1 / (box.top + 2 * max(box.tops) * box.plain().omega(box.d) / box.n)
    for k in range(ROUNDS):
        q = [box.send(i, box.grad(i, box.x), k) for i in range(box.n)]
        box.x = box.x - gamma * np.mean(q, 0)
        yield box.x


def dcgd_plus(box):
    box.precondition("dcgd")
    gamma = 1 / (box.top + 2 * box.worst / box.n)
    for k in range(ROUNDS):
        q = [box.send(i, box.inverses[i] @ box.grad(i, box.x), k) for i in range(box.n)]
        box.x = box.x - gamma * np.mean([m @ v for m, v in zip(box.roots, q, strict=True)], 0)
        yield box.x


def diana(box):
    omega = box.plain().omega(box.d)
    gamma = 1 / (max(box.tops) * (1 + 2 * omega / box.n))
    h = np.zeros((box.n, box.d))
    for k in range(ROUNDS):
        q = np.array([box.send(i, box.grad(i, box.x) - h[i], k) for i in range(box.n)])
        box.x = box.x - gamma * (h.mean(0) + q.mean(0))
        h += q / (1 + omega)
        yield box.x


def diana_plus(box):
    box.precondition("diana")
    gamma = 1 / (box.top + 6 * box.worst / box.n)
    alpha = float(np.float32(1 / (1 + box.omega)))
    h = np.zeros((box.n, box.d))
    for k in range(ROUNDS):
        v = [box.inverses[i] @ (box.grad(i, box.x) - h[i]) for i in range(box.n)]
        q = np.array([box.roots[i] @ box.send(i, v[i], k) for i in range(box.n)])
        box.x = box.x - gamma * (h.mean(0) + q.mean(0))
        h += alpha * q
        yield box.x


def adiana(box):
    omega, top, mu, n = box.plain().omega(box.d), max(box.tops), box.mu, box.n
    p = min(1, max(1, math.sqrt(n / (32 * omega)) - 1) / (2 * (1 + omega)))
    eta = min(1 / (2 * top), n / (64 * omega * (2 * p * (omega + 1) + 1) ** 2 * top))
    one, two = min(1 / 4, math.sqrt(eta * mu / p)), 1 / 2
    gamma = eta / (2 * (one + eta * mu))
    beta = 1 - gamma * mu
    y = z = w = box.x
    h = np.zeros((n, box.d))
    for k in range(ROUNDS):
        x = one * z + two * w + (1 - one - two) * y
        g = np.mean([box.send(i, box.grad(i, x) - h[i], k) for i in range(n)], 0) + h.mean(0)
        h += [box.send(i, box.grad(i, w) - h[i], k, 1) / (1 + omega) for i in range(n)]
        new = x - eta * g
        z = beta * z + (1 - beta) * x + gamma / eta * (new - x)
        if Key(1, Purpose.NOISE, k).words(1)[0] / 2**32 < p:
            w = y
        y = new
        yield y


def ef21(box):
    a = box.plain().contraction(box.d)
    theta, beta = 1 - math.sqrt(1 - a), (1 - a) / (1 - math.sqrt(1 - a))
    gamma = 1 / (box.top + math.sqrt(np.mean(np.square(box.tops)) * beta / theta))
    g = np.zeros((box.n, box.d))
    for k in range(ROUNDS):
        g += [box.send(i, box.grad(i, box.x) - g[i], k) for i in range(box.n)]
        box.x = box.x - gamma * g.mean(0)
        yield box.x


BOXES = {"dcgd": dcgd, "dcgd-plus": dcgd_plus, "diana": diana, "diana-plus": diana_plus}
BOXES |= {"adiana": adiana, "ef21": ef21}
