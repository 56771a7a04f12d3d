"""How much is sent until the loss is low enough: the fewer coordinates, the more iterations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, at_least, exact, near
from netopt.reproduce._curves import Results, Run, rounds_to
from netopt.reproduce._drawing import Line, Panel
from netopt.reproduce._panels import Shown, metric
from netopt.reproduce._study import Study, shortened
from netopt.reproduce.compressed_sgd import _escapes

D, CURVATURE, SIGMA = 200, 0.25, 1.0
LEAST = -CURVATURE / 4
STEADY = 4.0
"""A step within mu / 4 keeps the errors' share of the loss to half of the noise's own."""
ADAPTED, SAME = "step min(eta, mu / 4)", "step eta throughout"
FEW = 4
"""The K with which the larger target is tried with too large a step."""


class Target(NamedTuple):
    """How near to the least loss a run has to come, and the step that suffices without codec."""

    gap: float
    lr: float
    seeds: int

    @property
    def group(self) -> str:
        """Return its name."""
        return f"loss within {self.gap:g}"

    @property
    def loss(self) -> float:
        """Return the loss to reach."""
        return LEAST + self.gap

    @property
    def knee(self) -> float:
        """Return the K below which mu bounds the step: 4 eta d."""
        return STEADY * self.lr * D

    def step(self, k: float) -> float:
        """Return min(eta, mu / 4)."""
        return min(self.lr, k / D / STEADY)

    def growth(self, k: float) -> float:
        """Return log(sqrt(2 c d / eta) / sigma): noise grows by e to that until it is 1."""
        return math.log(math.sqrt(2 * CURVATURE * D / self.step(k)) / SIGMA)

    def promised(self, k: float) -> float:
        """Return the iterations until noise has grown to 1 along the direction that leads down.

        log(sqrt(2 c d / eta) / sigma) / (eta c), times what RandomK slows that growth.
        """
        rate = self.step(k) * CURVATURE
        return self.growth(k) / rate * _escapes.slowdown(k / D, rate)

    def deviation(self, k: float) -> float:
        """Return the relative standard deviation of that: of log |N(0, 1)|, pi / sqrt(8)."""
        return math.pi / math.sqrt(8) / self.growth(k)

    def case(self, series: str, k: int, seed: int) -> Case:
        """Return the run of K coordinates, until the loss is reached or twice what is expected."""
        lr = self.step(k) if series == ADAPTED else self.lr
        codec = {"id": "randk", "indices": "common", "unbiased": False, "k": k}
        noisy = {"dimension": D, "curvature": CURVATURE, "noise": SIGMA, "at": "saddle"}
        run: dict[str, Any] = {
            "seed": seed,
            "rounds": int(60 / lr),
            "problem": {"id": "strict-saddle", **noisy},
            "topology": {"id": "star", "size": 2},
            "algorithm": {"id": "compressed-sgd", "lr": lr, "r": 0.0},
            "codecs": {"up": codec, "down": codec},
            "stop": {"loss": self.loss},
            "record": {"every": 10},
        }
        return Case(series, run, float(k), self.group, "lockstep")


TARGETS = (Target(0.01, 0.02, 5), Target(0.0025, 0.005, 3))
ALL = (1, 2, 4, 8, 16, 40, 100, 200)
QUICK = (2, 4, 16, 200)


class Communication(Study):
    """Iterations and bytes until the loss is reached, against K, for one target or two."""

    shows = "how few coordinates are worth sending"
    reference = _escapes.REFERENCE
    data = f"a strict saddle, d = {D}, gradient noise of variance 1, no data"
    place = "K"
    measure = "loss"
    seeds = (5, 2)
    paper = (
        "RandomK with K of d coordinates is a contraction with mu = K/d. To a second-order "
        "stationary point of accuracy eps compressed SGD needs as many iterations as SGD does, as "
        "long as mu is not too small; then they grow as 1/mu. So the numbers sent, K a message, "
        "fall with K and then stay: in theory K of the order sqrt(d) eps^(3/4) is best, up to "
        "constants and logarithms that the paper does not make explicit."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return all K, targets and seeds; quick has one target, four K and two seeds."""
        if request.quick:
            return _cases(TARGETS[0], QUICK, 2)
        return [case for target in TARGETS for case in _cases(target, ALL, target.seeds)]

    def short(self) -> list[Case]:
        """Return a few rounds of the quick cases."""
        return [shortened(case) for case in _cases(TARGETS[0], QUICK, 2)]

    def panels(self, results: Results) -> list[Panel]:
        """Return iterations and bytes against K, and the loss against both."""
        places = results.places(ADAPTED, TARGETS[0].group)
        names = {k: f"K = {k:g}" for k in places if k in QUICK}
        shown = [
            Shown(results.curve(ADAPTED, k, TARGETS[0].group), name, colour)
            for colour, (k, name) in enumerate(names.items(), 3)
        ]
        targets = [t for t in TARGETS if t.group in results.groups()]
        marks = [(t.knee, f"4 eta d, {t.gap:g}") for t in targets]
        marks += [(paper_k(t), f"sqrt(d) eps^(3/4), {t.gap:g}") for t in targets]
        return [
            _panel("Iterations", "iterations", _lines(results, rounds, Target.promised)),
            _panel("Bytes", "bytes to the hub", _bytes(results))._replace(marks=marks),
            *metric(shown, "mean loss, until a seed is there", TARGETS[0].group)[:2],
        ]

    def claims(self, results: Results) -> list[Claim]:
        """Return what theory says of iterations and numbers, and that the ledger counts them."""
        found = []
        for target in (t for t in TARGETS if t.group in results.groups()):
            found += [*_iterations(results, target), _saved(results, target)]
        return [*found, _too_large(results), _counted(results)]

    def notes(self, results: Results) -> Sequence[str]:
        """Return the table of K."""
        head = (
            "## Until the loss is reached\nMedians over the seeds, one direction. Theory is "
            "log(sqrt(2 c d / eta) / sigma) / (eta c), the time in which noise grows to 1 along "
            "the direction that leads down, times what RandomK slows that: derived here.\n\n"
            "| target | K | step | iterations | theory | payload, B | with headers, B |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n"
        )
        rows = [
            _row(results, target, k)
            for target in TARGETS
            for k in results.places(ADAPTED, target.group)
        ]
        return [head + "\n".join(rows)]

    def deviations(self, request: Request) -> list[str]:
        """Return how this differs from the paper."""
        return [
            "The paper has no such experiment; its rates are upper bounds for all smooth "
            "functions. On this one the step that the noise allows is of the order of the gap, so "
            "that the knee lies at 4 eta d, and moves with the gap and not with eps^(3/4).",
            "The step is not tuned: it is eta or mu / 4, whichever is less, and eta is chosen for "
            "the target.",
            "One worker: with common coordinates more are the same run on the mean gradient.",
        ]


def _cases(target: Target, ks: Sequence[int], seeds: int) -> list[Case]:
    numbers = range(1, seeds + 1)
    found = [target.case(ADAPTED, k, seed) for k in ks for seed in numbers]
    if target is TARGETS[0]:
        found += [target.case(SAME, FEW, seed) for seed in numbers]
    return found


def target_of(run: Run) -> Target:
    """Return a run's target."""
    return next(target for target in TARGETS if target.group == run.case.group)


def rounds(run: Run) -> float:
    """Return the iterations until the loss is reached; inf if it never was."""
    return rounds_to(run, target_of(run).loss)


def payload(run: Run) -> float:
    """Return the payload bytes to the hub until then."""
    return float(run.uplink_bits[-1]) / 8 if math.isfinite(rounds(run)) else math.inf


def whole(run: Run) -> float:
    """Return the same with headers."""
    return payload(run) + 32 * rounds(run)


def paper_k(target: Target) -> float:
    """Return sqrt(d) eps^(3/4) for eps = sqrt(2 gap), the gradient where the gap is that."""
    return math.sqrt(D) * math.pow(2 * target.gap, 0.375)


def middle(results: Results, target: Target, k: float, of: Callable[[Run], float]) -> float:
    """Return the median over the seeds."""
    return float(np.median([of(run) for run in results.runs(ADAPTED, k, target.group)]))


def _lines(
    results: Results, of: Callable[[Run], float], promise: Callable[[Target, float], float]
) -> list[Line]:
    """Return the median against K with the range over seeds, and what is promised."""
    found = []
    for colour, target in enumerate(t for t in TARGETS if t.group in results.groups()):
        ks = results.places(ADAPTED, target.group)
        values = [[of(run) for run in results.runs(ADAPTED, k, target.group)] for k in ks]
        x, y = np.array(ks), np.array([np.median(v) for v in values])
        low, high = np.array([min(v) for v in values]), np.array([max(v) for v in values])
        found.append(Line(target.group, x, y, colour, low, high))
        grid = np.geomspace(ks[0], ks[-1], 60)
        promised = np.array([promise(target, k) for k in grid])
        found.append(Line(f"{target.group}, theory", grid, promised, colour, dash="--"))
    return found


def _bytes(results: Results) -> list[Line]:
    lines = _lines(results, payload, lambda target, k: 4 * k * target.promised(k))
    target = TARGETS[0]
    ks = results.places(ADAPTED, target.group)
    y = np.array([middle(results, target, k, whole) for k in ks])
    return [*lines, Line(f"{target.group}, with headers", np.array(ks), y, 2)]


def _panel(title: str, y: str, lines: Sequence[Line]) -> Panel:
    return Panel(f"{title} until the loss is reached", "K", y, lines, True, True)


def _iterations(results: Results, target: Target) -> list[Claim]:
    """Claim that iterations are those of theory, flat above the knee and as 1/mu below."""
    found = []
    for k in results.places(ADAPTED, target.group):
        times = [rounds(run) for run in results.runs(ADAPTED, k, target.group)]
        slack = 4 * target.deviation(k) / math.sqrt(len(times))
        name = f"{target.group}, K = {k:g}: iterations, within {slack:.0%} (four deviations)"
        found.append(near(name, target.promised(k), times, slack))
    return found


def _saved(results: Results, target: Target) -> Claim:
    """Claim that the numbers sent at the knee are fewer by what theory says."""
    ks = results.places(ADAPTED, target.group)
    k = min(ks, key=lambda k: abs(k - target.knee))
    ratio = middle(results, target, ks[-1], payload) / middle(results, target, k, payload)
    name = f"{target.group}, K = {k:g}: payload to the target is so many times less than K = {D}'s"
    bound = 0.7 * D / k
    return at_least(name, bound, [ratio])


def _too_large(results: Results) -> Claim:
    """Claim that few coordinates do not get there with the step of all."""
    runs = results.runs(SAME, FEW, TARGETS[0].group)
    there = sum(math.isfinite(rounds(run)) for run in runs)
    name = f"{TARGETS[0].group}, K = {FEW}: the step of K = {D} does not get there"
    return exact(name, there, len(runs), "runs")


def _counted(results: Results) -> Claim:
    """Claim that every round carries 32 K bits each way, by the ledger."""
    runs = results.all()
    wrong = sum(
        run.table["payload_bits"][-1] != 64 * (run.case.at or 0) * run.round[-1] for run in runs
    )
    return exact(
        "payload: K float32 a round each way, by the ledger", int(wrong), len(runs), "runs"
    )


def _row(results: Results, target: Target, k: float) -> str:
    cells = (
        *(target.group, f"{k:g}", f"{target.step(k):g}"),
        *(f"{middle(results, target, k, rounds):g}", f"{target.promised(k):.0f}"),
        *(f"{middle(results, target, k, of):.0f}" for of in (payload, whole)),
    )
    return f"| {' | '.join(cells)} |"
