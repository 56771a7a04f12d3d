"""Accuracy at equal bytes: all methods on one problem, by what their messages weigh on the wire."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, at_least, exact
from netopt.reproduce._curves import Results, Run, value_at
from netopt.reproduce._drawing import Bar, Line, Panel
from netopt.reproduce._study import Study, shortened
from netopt.reproduce.baselines._equal import AGENTS, FLOATS, GRID, METHODS, Method

IMAGES = "fashion-mnist"
PROBLEM = {"id": "logistic", "rows": 6000, "split": "dirichlet:0.3", "batch": 32, "l2": 1e-4}
SIZE = 7850
"""Coordinates of x for images of 28 x 28 and ten classes; budgets are in proportion to it."""
BUDGETS, QUICK = (0.25e6, 1e6, 4e6), (0.0625e6, 0.25e6, 1e6)
"""Bytes of all edges over the eight agents that hold data."""
ROWS = 64
TABLE = "equal-bytes.csv"
PAIRS = (
    ("QSGD", "SGD"),
    ("EF-SGD, sign", "SGD"),
    ("EF-SGD, top 1 %", "SGD"),
    ("compressed SGD, 10 %", "perturbed SGD"),
    ("compressed SGD, 1 %", "perturbed SGD"),
    ("CHOCO-SGD", "DGD"),
    ("CHOCO-SGD, top 10 %", "DGD"),
    ("DeepSqueeze", "DGD"),
    ("DCD-PSGD", "DGD"),
    ("QGD, l = 1100", "DGD"),
    ("QGD, l = 64", "DGD"),
    ("BEER", "gradient tracking"),
    ("LEAD", "gradient tracking"),
)
"""A compressed method, and the one that it is if nothing is compressed, or nearly so."""


class EqualBytes(Study):
    """Accuracy of all methods when each agent's share of the traffic has reached a budget."""

    shows = "which method is most accurate at equal bytes"
    reference = "The methods' own papers; `netopt show NAME` tells each of them."
    data = IMAGES
    measure = "accuracy"
    seeds = (3, 2)
    paper = (
        "No paper's figure. Papers compare methods at equal iterations, or at bits that a formula "
        "gives; here all are played on one problem and compared when equally many bytes have "
        "crossed the wire: headers, downlinks, scales and indices included."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return all methods and seeds, each with the rounds that the largest budget pays for."""
        problem = {**PROBLEM, "data": request.data or IMAGES}
        size = dimension(str(problem["data"]))
        most = budgets(request, size)[-1]
        return [
            Case(method.series, _run(method, problem, size, most, seed), driver="lockstep")
            for seed in range(1, self.seeds[request.quick] + 1)
            for method in METHODS
        ]

    def short(self) -> list[Case]:
        """Return a few rounds on small images that need no package."""
        cases = [case for case in self.cases(Request("digits", True)) if case.seed == 1]
        small = {**PROBLEM, "data": "digits", "rows": 400}
        return [shortened(c._replace(run={**c.run, "problem": small}), 4) for c in cases]

    def panels(self, results: Results) -> list[Panel]:
        """Return accuracy against bytes with a hub and without, and the two larger budgets."""
        known = _budgets(results)
        marks = [(budget / 1e6, f"{_megabytes(budget)}") for budget in known]
        return [
            *(
                Panel(title, "wire bytes an agent (MB)", "accuracy", lines, True, marks=marks)
                for title, lines in (
                    ("With a hub, nine ranks", _lines(results, True)),
                    ("Without, on a ring of eight", _lines(results, False)),
                )
            ),
            *(_bars(results, budget) for budget in known[1:]),
        ]

    def claims(self, results: Results) -> list[Claim]:
        """Return whether compressing pays, and what was sent."""
        low, middle, high = _budgets(results)
        return [
            *(
                at_least(
                    f"{_megabytes(middle)} an agent: {one} is at least as accurate as {other}",
                    0.0,
                    [a - b for a, b in zip(*_both(results, one, other, middle), strict=True)],
                    "difference >= 0",
                )
                for one, other in PAIRS
            ),
            _best(results, low, 0.0),
            _best(results, high, -0.01),
            _spent(results, high),
            _payload(results),
        ]

    def notes(self, results: Results) -> Sequence[str]:
        """Return the table, most accurate at the middle budget first."""
        head, *rows = _table(results)
        lines = [head, ["---"] * len(head), *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return [
            "## Accuracy at equal bytes\n"
            "Mean and standard deviation, over the seeds, of the held-out accuracy at the "
            "network mean, when all edges have carried so many bytes an agent that holds data. A "
            "dash: the budget was not spent. bits: payload an agent, round and coordinate, sent "
            "and received, as measured; step: the tuned one.\n\n" + text
        ]

    def files(self, results: Results) -> dict[str, str]:
        """Return the table as CSV."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(_table(results, " "))
        return {TABLE: text.getvalue()}

    def deviations(self, request: Request) -> list[str]:
        """Return what the comparison leaves open."""
        from netopt.algorithms import Algorithm
        from netopt.registry import discover

        played = {method.id for method in METHODS}
        absent = ", ".join(sorted(set(discover(Algorithm)) - played))
        return [
            "Logistic regression is convex, so that its Hessian's smallest eigenvalue is never "
            f"below l2 = {PROBLEM['l2']:g}: this says nothing about saddle points.",
            f"6000 images, of which a fifth is held out; Dirichlet split with alpha = 0.3, "
            f"batches of {PROBLEM['batch']}.",
            f"Steps are constant and tuned over {', '.join(map(str, GRID))}, on two other seeds, "
            "at the budget of 1 MB; a decaying step would help most methods at 4 MB.",
            "Accuracy is that of the mean of all agents, which no agent has: on a ring the agents' "
            "own models differ, and the column consensus in results.csv tells by how much.",
            "The runs are played in lockstep, whose messages are those of MPI to the bit; seconds "
            "are not compared.",
            f"Not played: {absent} (for exact gradients, one worker, averages alone, or in need "
            "of a smoothness matrix).",
        ]


@cache
def dimension(data: str) -> int:
    """Return the number of coordinates of x; data that are not known by name are loaded."""
    from netopt.problems import Problem
    from netopt.registry import build

    if data.partition(":")[0] in (IMAGES, "mnist"):
        return SIZE
    problem = build(Problem, {**PROBLEM, "data": data}, "$.problem")
    problem.prepare(AGENTS, 1)
    return problem.d


def budgets(request: Request, size: int) -> tuple[float, float, float]:
    """Return three budgets, bytes an agent, for x of ``size`` coordinates."""
    low, middle, high = QUICK if request.quick else BUDGETS
    return low * size / SIZE, middle * size / SIZE, high * size / SIZE


def _run(method: Method, problem: dict[str, Any], size: int, most: float, seed: int) -> Any:
    rounds = math.ceil(8 * most / (method.bits * size)) + 1
    return method.run(problem, rounds, max(1, rounds // ROWS), seed)


def _budgets(results: Results) -> tuple[float, float, float]:
    return budgets(results.request, results.dimension(results.all()[0]))


def _megabytes(budget: float) -> str:
    return f"{budget / 1e6:.3g} MB"


def _at(run: Run, column: str, budget: float) -> float:
    """Return a column when all edges have carried AGENTS times the budget; NaN if never."""
    return value_at(run, column, "wire_bytes", AGENTS * budget)


def _values(results: Results, series: str, budget: float, column: str = "accuracy") -> list[float]:
    return [_at(run, column, budget) for run in results.runs(series)]


def _both(results: Results, one: str, other: str, budget: float) -> tuple[list[float], list[float]]:
    return _values(results, one, budget), _values(results, other, budget)


def _lines(results: Results, hub: bool) -> list[Line]:
    found = []
    for index, method in enumerate(m for m in METHODS if m.hub == hub):
        curve = results.curve(method.series)
        wire = curve.wire_bytes / (AGENTS * 1e6)
        found.append(Line(method.series, wire, curve.error, index, curve.low, curve.high))
    return found


def _bars(results: Results, budget: float) -> Panel:
    bars = []
    for method in METHODS:
        values = _values(results, method.series, budget)
        mean, off = float(np.mean(values)), float(np.std(values))
        bars.append(Bar(method.series, mean, mean - off, mean + off, 0 if method.hub else 1))
    shown = sorted((bar for bar in bars if math.isfinite(bar.value)), key=lambda bar: -bar.value)
    title = f"{_megabytes(budget)} an agent: blue with a hub"
    empty = (Bar("no method has spent it", 0.0),)
    return Panel(title, "accuracy", "", (), lowest=0, highest=1, bars=shown or empty)


def _compressed(method: Method) -> bool:
    return FLOATS not in (method.codecs or {}).values() or method.words != "float32"


def _best(results: Results, budget: float, least: float) -> Claim:
    """Return that the best compressed method is not ``least`` below the best of the others."""

    def best(compressed: bool) -> float:
        means = [
            float(np.mean(_values(results, method.series, budget)))
            for method in METHODS
            if _compressed(method) == compressed
        ]
        return max((mean for mean in means if math.isfinite(mean)), default=math.nan)

    text = f"{_megabytes(budget)} an agent: best compressed method less best float32 one"
    return at_least(text, least, [best(True) - best(False)])


def _spent(results: Results, budget: float) -> Claim:
    short = [run for run in results.all() if math.isnan(_at(run, "accuracy", budget))]
    return exact("every run has spent the largest budget", len(short), len(results.all()), "runs")


def _payload(results: Results) -> Claim:
    """Return that what has a formula has its payload: 32 bits a number, 1 bit a vote."""
    wrong = counted = 0
    for method in METHODS:
        if method.words not in ("float32", "1 bit both ways, no scale"):
            continue
        for run in results.runs(method.series):
            bits = method.bits * AGENTS * results.dimension(run) * run.round
            wrong += bool((run.table["payload_bits"] != bits).any())
            counted += 1
    text = "float32 and votes: the payload is 32 bits, or 1, a number, by the ledger"
    return exact(text, wrong, counted, "runs")


def _table(results: Results, between: str = " +- ") -> list[list[str]]:
    """Return the lines of the table, its head first."""
    known = _budgets(results)
    head = ["method", "codec", "network", "step", "bits", "rounds"]
    head += [f"accuracy at {_megabytes(budget)}" for budget in known]
    middle = {
        m.series: np.nan_to_num(np.mean(_values(results, m.series, known[1]))) for m in METHODS
    }
    ordered = sorted(METHODS, key=lambda method: -float(middle[method.series]))
    return [[*head, f"loss at {_megabytes(known[-1])}"]] + [
        list(_cells(results, method, known, between)) for method in ordered
    ]


def _cells(results: Results, method: Method, known: Sequence[float], between: str) -> Iterator[str]:
    run = results.runs(method.series)[0]
    bits = run.table["payload_bits"][-1] / (run.round[-1] * AGENTS * results.dimension(run))
    yield from (method.series, method.words, "star" if method.hub else "ring")
    yield from (f"{method.lr:g}", f"{bits:.3g}", f"{run.round[-1]:g}")
    for budget in known:
        yield _told(_values(results, method.series, budget), between)
    yield _told(_values(results, method.series, known[-1], "loss"), between)


def _told(values: Sequence[float], between: str) -> str:
    if not np.all(np.isfinite(values)):
        return "-"
    return f"{np.mean(values):.3f}{between}{np.std(values):.3f}"
