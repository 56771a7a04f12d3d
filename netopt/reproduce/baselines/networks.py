"""Every decentralized method, compressed, against its own uncompressed run on two graphs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, at_least, at_most, exact
from netopt.reproduce._curves import Results, Run
from netopt.reproduce._drawing import Bar, Panel
from netopt.reproduce._panels import Shown, metric
from netopt.reproduce._study import Study
from netopt.reproduce.baselines import _networks
from netopt.reproduce.baselines._networks import DIRECT, GAMMA, GOSSIP, GRAPHS, METHODS, Method
from netopt.topologies import load

FULL, QUICK = 400, 120
"""Rounds."""
WITHIN = 0.01
"""What a method may lose by compression alone: of its uncompressed loss, at equal rounds."""
ROUNDING = 1e-10
"""A disagreement below this share of the first one does not count."""
SHOWN = (
    "DCD-PSGD, 8.5 bits",
    "CHOCO-SGD, 4.5 bits",
    "DeepSqueeze, 4.5 bits",
    "gradient tracking, 8.5 bits",
    "BEER, 4.5 bits",
    "LEAD, 3 bits",
    DIRECT.series,
    "DGD",
)
"""The series whose loss is drawn against bytes; the others lie on one of these."""


class Networks(Study):
    """Loss gaps at equal rounds, and what was sent for them."""

    shows = "decentralized methods, compressed, against themselves uncompressed"
    reference = (
        "The references are with the algorithms (netopt list algorithms): DGD, CDSGD, QGD, "
        "DCD-PSGD, CHOCO-SGD, DeepSqueeze, gradient tracking, BEER and LEAD."
    )
    data = "digits"
    measure = "loss"
    seeds = (2, 1)
    paper = (
        "Each of these methods is said to lose little or nothing when its messages are "
        "compressed: those that send differences (DCD-PSGD, CHOCO-SGD, BEER, LEAD) because what "
        "they compress vanishes, DeepSqueeze because it keeps what was lost, and those that send "
        "their iterates (DGD, CDSGD, QGD, gradient tracking) as far as the codec is fine."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return all methods with and without compression on both graphs."""
        problem = dict(_networks.PROBLEM)
        if request.data is not None:
            problem["data"] = request.data
        if request.quick:
            return _networks.cases(QUICK, self.seeds[1], QUICK // 4, problem)
        return _networks.cases(FULL, self.seeds[0], FULL // 20, problem)

    def short(self) -> list[Case]:
        """Return a few rounds on a quadratic, which needs no data."""
        problem = {"id": "quadratic", "dimension": 65, "kappa": 2}
        return _networks.cases(4, 1, 1, problem)

    def panels(self, results: Results) -> list[Panel]:
        """Return for each graph the gaps, and the loss against bytes."""
        return [
            panel for group in GRAPHS for panel in (_gaps(results, group), _loss(results, group))
        ]

    def claims(self, results: Results) -> list[Claim]:
        """Return that compression loses little, that it is needed right, and the payload."""
        return [
            *(_reaches(results, group, method) for group in GRAPHS for method in METHODS),
            *(_direct(results, group) for group in GRAPHS),
            *(_gossip(results, group) for group in GRAPHS),
            _payload(results),
        ]

    def notes(self, results: Results) -> Sequence[str]:
        """Return the table of gaps and bytes."""
        head = (
            "## Loss and bytes\nThe gap is (loss - uncompressed loss) / uncompressed loss of the "
            "mean at the last round; bytes are those of all frames with headers. The last column "
            "has the gap to float32 numbers with the gamma or eta that these bear. Apart is "
            "the agents' root mean square distance from their mean, compressed and not.\n\n"
            "| graph | method | loss | uncompressed | gap | apart | uncompressed | bytes "
            "| of float32 | gap with gamma free |\n"
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        )
        rows = [_row(results, g, m) for g in GRAPHS for m in (*METHODS, DIRECT)]
        return [head + "\n".join(rows)]

    def deviations(self, request: Request) -> list[str]:
        """Return in what this differs from the papers, and what compression costs besides."""
        rounds = f"the quick version has {QUICK} rounds and one seed" if request.quick else ""
        return [
            f"All methods have the step {_networks.LR:g} (QGD its own schedule), exact gradients "
            "and one problem, logistic regression on digits by class, which is convex; the papers "
            "tuned steps on problems of their own.",
            "The uncompressed run has the same options. CHOCO-SGD, BEER and DeepSqueeze need a "
            "smaller gamma or eta the coarser the codec is, and that costs more than the "
            "compression itself: the last column of the table has both.",
            "Perturbed gradient tracking is the simplified form that its page describes; on a "
            "convex problem nothing has to be escaped, and its rows are those of gradient "
            "tracking until the tracked gradients are small.",
            *([f"In {rounds}."] if rounds else []),
        ]


def losses(results: Results, group: str, series: str) -> list[float]:
    """Return the loss of the mean at the end, a number a seed."""
    return [run.last("loss") for run in results.runs(series, None, group)]


def gaps(results: Results, group: str, series: str, bare: str) -> list[float]:
    """Return (loss - uncompressed loss) / uncompressed loss at the end, a number a seed."""
    pairs = zip(losses(results, group, series), losses(results, group, bare), strict=True)
    return [loss / best - 1 for loss, best in pairs]


def _reaches(results: Results, group: str, method: Method) -> Claim:
    found = gaps(results, group, method.series, method.bare)
    text = f"{group}, {method.series}: reaches the uncompressed loss"
    return at_most(text, WITHIN, found, f"within {100 * WITHIN:g} %")


def _direct(results: Results, group: str) -> Claim:
    """Return that the iterate itself does not bear the codec that differences bear."""
    coarse = gaps(results, group, DIRECT.series, DIRECT.bare)
    return at_least(f"{group}, {DIRECT.series} for the iterate itself: does not", WITHIN, coarse)


def factor(run: Run) -> float:
    """Return by what the agents' disagreement shrank a round, down to where rounding begins."""
    apart = run.table["consensus"]
    last = int(np.flatnonzero(apart > ROUNDING * apart[0])[-1])
    return float((apart[last] / apart[0]) ** (1 / run.round[last]))


def _gossip(results: Results, group: str) -> Claim:
    """Return that CHOCO-Gossip is at most twice slower than without compression."""
    gap = load(GRAPHS[group]).spectral_gap
    found = [factor(run) for run in results.runs(GOSSIP.series, None, group)]
    text = f"{group}, {GOSSIP.series}: disagreement shrinks by, a round"
    rate = 1 - GAMMA * gap / 2
    return at_most(text, rate, found, f"1 - gamma delta / 2 = {rate:.4f} or less")


def _payload(results: Results) -> Claim:
    """Return that all fixed-width codecs sent what their formulas say."""
    wrong = counted = 0
    for run in results.all():
        bits = _networks.bits_a_round(run.case.run, results.dimension(run))
        if bits is not None:
            counted += 1
            wrong += bool((run.table["payload_bits"] != bits * run.round).any())
    return exact("payload of every round is the formula's, by the ledger", wrong, counted, "runs")


def _gaps(results: Results, group: str) -> Panel:
    bars = []
    for method in METHODS:
        found = 100 * np.array(gaps(results, group, method.series, method.bare))
        low, high = (found.min(), found.max()) if len(found) > 1 else (None, None)
        note = f"1/{1 / _share(results, group, method):.1f} of the bytes"
        bars.append(Bar(method.series, float(found.mean()), low, high, 0, note))
    title, label = f"{group}: gap", "(loss - uncompressed loss) / uncompressed loss (%)"
    return Panel(title, label, "", (), bars=tuple(bars), points=True)


def _loss(results: Results, group: str) -> Panel:
    shown = [
        Shown(results.curve(name, None, group), "DGD, float32" if name == "DGD" else name, colour)
        for colour, name in enumerate(SHOWN)
    ]
    panel = metric(shown, "loss of the mean", group, log_y=True)[1]
    *lines, exact_numbers = panel.lines
    return panel._replace(log_x=True, lines=[*lines, exact_numbers._replace(colour=None)])


def _share(results: Results, group: str, method: Method) -> float:
    """Return the wire bytes of a method as a share of those of its uncompressed run."""
    sent, bare = (
        results.curve(series, None, group).wire_bytes[-1] for series in (method.series, method.bare)
    )
    return float(sent / bare)


def _row(results: Results, group: str, method: Method) -> str:
    own, bare = (float(np.mean(losses(results, group, s))) for s in (method.series, method.bare))
    gap = float(np.mean(gaps(results, group, method.series, method.bare)))
    apart = (
        results.curve(s, None, group, "consensus").error[-1] for s in (method.series, method.bare)
    )
    sent = results.curve(method.series, None, group).wire_bytes[-1]
    ideal = "-"
    if method.ideal:
        ideal = f"{100 * float(np.mean(gaps(results, group, method.series, method.ideal))):.2f} %"
    cells = [group, method.series, f"{own:.5f}", f"{bare:.5f}", f"{100 * gap:.3f} %"]
    cells += [f"{value:.3g}" for value in apart]
    size, share = f"{sent / 1e6:.2f} MB", f"1/{1 / _share(results, group, method):.1f}"
    return f"| {' | '.join((*cells, size, share, ideal))} |"
