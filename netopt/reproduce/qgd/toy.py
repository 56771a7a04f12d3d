"""The toy problem: whether quantization gets off a saddle's stable manifold, counted by seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from netopt.reproduce import _shares
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim, at_most, exact, median, near
from netopt.reproduce._curves import Results, Run, value_at
from netopt.reproduce._drawing import Panel
from netopt.reproduce._panels import Shown, metric
from netopt.reproduce._shares import Share
from netopt.reproduce._study import Study
from netopt.reproduce.qgd import _escapes
from netopt.reproduce.qgd._escapes import (
    BESIDE,
    COARSE,
    DGD,
    EVEN,
    EXACT,
    EXACT_DECAYING,
    FINE,
    MANIFOLD,
    NOT_HELD,
    RANDOM,
    REPORTED,
    ROUNDS,
    SADDLE,
    SETTINGS,
    Setting,
)

QUICK = 4000
LOG_2 = math.log(2)
REPORTED_LOSS, REPORTED_ROUND = 0.337373, 7990


class Toy(Study):
    """Escapes of QGD and of exact descent from the toy's saddle, with confidence intervals."""

    shows = "which noise leaves a saddle, and how often"
    reference = _escapes.REFERENCE
    data = "log(1 + exp(-x1 x2)) + 0.05 ||x||^2, no data"
    measure = "loss"
    seeds = (130, 15)
    paper = (
        "Five agents on a directed graph minimise f(x) = log(1 + exp(-x1 x2)) + 0.05 ||x||^2, "
        "which has a saddle at 0 (f = log 2) and two minima (f = 0.32508). In QGD each agent sends "
        "its iterate, rounded at random to one grid in even rounds and to another in odd ones, and "
        "the rates are held between the points of a schedule. The rounding noise never goes "
        "silent, and so QGD gets away from saddles, where distributed gradient descent stays. The "
        "one published trajectory has a loss of 0.337373 at iteration 7990. The counts that are "
        "compared with are those of an independent script with other seeds."
    )

    def cases(self, request: Request) -> list[Case]:
        """Return all settings and seeds; quick has few seeds and half of the rounds."""
        rounds = QUICK if request.quick else ROUNDS
        return [case for one in SETTINGS for case in one.cases(request.quick, rounds)]

    def short(self) -> list[Case]:
        """Return ten rounds of a seed or two of every setting."""
        return [case for one in SETTINGS for case in one._replace(quick=2).cases(True, 10)]

    def panels(self, results: Results) -> list[Panel]:
        """Return the shares of escapes, and the loss from three starts."""
        shares = [
            share(results, one).bar(f"{one.group}: {one.series}", _colour(one.series))
            for one in SETTINGS
            if one.group not in (RANDOM, REPORTED)
        ]
        return [
            _shares.panel("Away from the saddle at the end", "share of seeds", shares),
            *_losses(results, MANIFOLD, (EXACT, FINE, COARSE), MANIFOLD)[:1],
            *_losses(results, RANDOM, (DGD, EXACT, FINE), RANDOM)[:1],
            *_losses(results, REPORTED, (EXACT, FINE), REPORTED)[:2],
        ]

    def claims(self, results: Results) -> list[Claim]:
        """Return what stays, what leaves and how often, and the payload."""
        return [
            *_stay(results),
            *_counts(results),
            *_from_the_saddle(results),
            *_compared(results),
            *_random(results),
            *_trajectory(results),
            _payload(results),
        ]

    def notes(self, results: Results) -> Sequence[str]:
        """Return the table of escapes."""
        head = (
            "## Escapes\nAway means ||mean x|| > 1 and a loss below 0.6 at the end; in brackets "
            "the exact (Clopper-Pearson) 95 % interval of the chance.\n\n"
            "| start | method | rounds | away | median loss | median smallest eigenvalue | "
            "in an independent script |\n| --- | --- | --- | --- | --- | --- | --- |\n"
        )
        return [head + "\n".join(_row(results, one) for one in SETTINGS)]

    def deviations(self, request: Request) -> list[str]:
        """Return how this differs from the paper, and from what it claims."""
        quick = [f"The quick version plays {QUICK} of {ROUNDS} iterations and fewer seeds."]
        return [
            "The paper shows one start. From a random start exact descent is not stuck at all: "
            "the separation needs a start on the saddle's stable manifold x1 = -x2.",
            "The even-only runs are 500 iterations: nothing changes after the first.",
            *(quick if request.quick else []),
        ]


def _losses(results: Results, group: str, series: Sequence[str], title: str) -> list[Panel]:
    shown = [Shown(results.curve(name, None, group), name, _colour(name)) for name in series]
    return metric(shown, "loss of the mean", title)


def _colour(series: str) -> int:
    known = (FINE, COARSE, NOT_HELD, EVEN, DGD, EXACT, EXACT_DECAYING)
    return known.index(series)


def _row(results: Results, one: Setting) -> str:
    runs = results.runs(one.series, None, one.group)
    loss, bend = (
        float(np.median([run.last(name) for run in runs])) for name in ("loss", "lambda_min")
    )
    known = "-" if one.known is None else f"{one.known.hits} of {one.known.of}"
    cells = (one.group, one.series, f"{int(runs[0].round[-1])}", str(share(results, one)))
    return f"| {' | '.join((*cells, f'{loss:.6f}', f'{bend:.3f}', known))} |"


def away(run: Run) -> bool:
    """Return whether a run has escaped at its end."""
    return _escapes.escaped(run.last("norm"), run.last("loss"))


def share(results: Results, one: Setting) -> Share:
    """Return how many of a setting's runs have escaped."""
    return Share.among(away(run) for run in results.runs(one.series, None, one.group))


def _of(results: Results, series: str, group: str) -> Share:
    return share(results, _escapes.setting(series, group))


def _last(results: Results, series: str, group: str) -> list[float]:
    return [run.last("loss") for run in results.runs(series, None, group)]


def _stay(results: Results) -> list[Claim]:
    """Return that exact gradients lead from the manifold into the saddle, and stay."""
    names = (DGD, EXACT, EXACT_DECAYING)
    return [
        *(
            at_most(
                f"{name}, from (1, -1): the loss ends at log 2",
                1e-6,
                [abs(loss - LOG_2) for loss in _last(results, name, MANIFOLD)],
                "within 1e-6",
            )
            for name in names
        ),
        *_second_order(results, names),
    ]


def _second_order(results: Results, names: Sequence[str]) -> list[Claim]:
    """Return that the Hessian tells a saddle from a minimum where runs end."""
    stuck = [run.last("lambda_min") for n in names for run in results.runs(n, None, MANIFOLD)]
    free = [run.last("lambda_min") for run in results.all() if away(run)]
    return [
        near(
            "where these end, the smallest eigenvalue of the Hessian is -0.4: its negative",
            0.4,
            [-value for value in stuck],
            0.01,
        ),
        _shares.every(
            "runs that got away: the Hessian is positive definite where they end",
            Share.among(value > 0 for value in free),
        ),
    ]


def _counts(results: Results) -> list[Claim]:
    """Return the comparison with the known counts; quick is too short for it."""
    if results.request.quick:
        name = "QGD, l = 2, from (1, -1): some seeds get away"
        found = _of(results, COARSE, MANIFOLD)
        return [Claim(name, "1 or more", str(found), None, found.hits > 0)]
    known = [one for one in SETTINGS if one.known is not None and one.known.hits]
    place = "as many get away as in an independent script"
    return [
        *(
            _shares.published(f"{s.group}, {s.series}: {place}", s.known, share(results, s))
            for s in known
            if s.known is not None
        ),
        median(
            "QGD, l = 2, from (1, -1): median loss, .328 in that script",
            0.326,
            0.330,
            _last(results, COARSE, MANIFOLD),
        ),
    ]


def _from_the_saddle(results: Results) -> list[Claim]:
    """Return that of the two grids only the odd one moves what is at 0."""
    moved = [float(run.table["norm"].max()) for run in results.runs(EVEN, None, SADDLE)]
    left = [
        bool((run.table["loss"][1:] != LOG_2).all())
        for name in (FINE, COARSE)
        for run in results.runs(name, None, SADDLE)
    ]
    return [
        _shares.none(
            "from (0, 0), even grid only: a mean that is not exactly 0",
            Share.among(norm > 0 for norm in moved),
        ),
        _shares.every("from (0, 0), switching grids: log 2 is left at once", Share.among(left)),
        _shares.none("from (0, 0), switching, l = 10: away by the end", _of(results, FINE, SADDLE)),
    ]


def _compared(results: Results) -> list[Claim]:
    """Return that coarse beats fine and holding beats not holding: these need many seeds."""
    if results.request.quick:
        return []
    return [
        _shares.more(
            "from (1, -1): l = 2 gets away more often than l = 10",
            _of(results, COARSE, MANIFOLD),
            _of(results, FINE, MANIFOLD),
        ),
        _shares.more(
            "from (.5, -.5), l = 10: held rates get away more often than the same not held",
            _of(results, FINE, BESIDE),
            _of(results, NOT_HELD, BESIDE),
        ),
    ]


def _random(results: Results) -> list[Claim]:
    """Return that from random starts nothing is stuck, and that the losses agree."""
    names = (DGD, EXACT, FINE)
    losses = [float(np.median(_last(results, name, RANDOM))) for name in names]
    return [
        *(
            _shares.every(f"{name}, random start: away", _of(results, name, RANDOM))
            for name in names
        ),
        at_most(
            "random starts: the medians of the three losses differ by",
            1e-3,
            [max(losses) - min(losses)],
        ),
    ]


def _trajectory(results: Results) -> list[Claim]:
    """Return where the published trajectory lies among ours."""
    if results.request.quick:
        return []
    at = [
        value_at(run, "loss", "round", REPORTED_ROUND) for run in results.runs(FINE, None, REPORTED)
    ]
    text = f"the authors' start: their loss at {REPORTED_ROUND} is among those of our seeds"
    found = f"{min(at):.6f} to {max(at):.6f}"
    held = min(at) <= REPORTED_LOSS <= max(at)
    return [Claim(text, f"{REPORTED_LOSS}", found, float(np.std(at, ddof=1)), held)]


def _payload(results: Results) -> Claim:
    """Return that 8 edges carry a norm of 32 bits and two symbols: 3 bits for l = 2, else 5."""
    wrong = counted = 0
    for one in SETTINGS:
        if one.levels is None:
            continue
        for run in results.runs(one.series, None, one.group):
            bits = 8 * (32 + 2 * (3 if one.levels == 2 else 5)) * run.round
            wrong += bool((run.table["payload_bits"] != bits).any())
            counted += 1
    return exact(
        "every round has the payload of the formula, by the ledger", wrong, counted, "runs"
    )
