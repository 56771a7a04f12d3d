"""The methods that are compared over links, their problem, and how long they think."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from netopt import data as sources
from netopt.reproduce._cases import Case, Request
from netopt.reproduce.links._lines import Shape, topology
from netopt.reproduce.smoothness import _methods as smoothness

FLOATS = {"id": "raw", "dtype": "float32"}
"""What goes down, and GD's gradients."""
OPERATIONS = 1e9
"""Floating-point operations a second of hub and workers: in double precision a product of matrix
and vector reads 8 bytes for every 2 operations, so that this is 4 GB/s from memory."""


class Method(NamedTuple):
    """A method: its series, algorithm, codec up, colour; ``matrices``: whether it has the L_i."""

    series: str
    algorithm: str
    codec: dict[str, Any]
    colour: int
    matrices: bool = False

    def operations(self, rows: int, n: int, d: int) -> float:
        """Return the operations that follow one another in a round, of a worker and of the hub.

        A gradient of m rows has 4 m d, the hub's sum 2 n d; with the L_i, a worker's product has
        2 d^2 and the hub's 2 n d^2. Encoding and decoding are left out.
        """
        products = 2 * d * d * (1 + n) if self.matrices else 0
        return 4 * rows * d + 2 * n * d + products


GD = Method("GD, float32", "gd", FLOATS, 0)
DIANA = Method("DIANA, dithering", "diana", {"id": "dithering"}, 3)
PLUS = Method("DIANA+, quant+", "diana-plus", {"id": "varying-steps"}, 1, True)
NATURAL = Method("DIANA+, natural (9 bits)", "diana-plus", {"id": "natural"}, 2, True)
METHODS = (GD, DIANA, PLUS, NATURAL)
COMPRESSED = (DIANA, PLUS, NATURAL)

RIDGE: dict[str, Any] = {
    **{"id": "least-squares", "data": "digits", "scale": "row-max", "split": "sorted-by-norm"},
    **{"equal": True, "l2": 0.1},
}
"""Without ``--data``: ridge regression on the digits, d = 64."""
LOGISTIC: dict[str, Any] = {
    **{"id": "logistic", "scale": "row-max", "split": "sorted-by-norm", "equal": True},
    **{"intercept": False, "test_fraction": 0.0, "solve": True, "l2": smoothness.MU},
}
"""With ``--data``: the problem of the smoothness-aware paper."""


class Length(NamedTuple):
    """Rounds of a run over the three rates and of one in a sweep, and rounds between two rows."""

    rounds: int
    swept: int
    every: int


FULL = {"digits": Length(900, 420, 2), "splice": Length(400, 320, 1), "a8a": Length(3000, 1300, 5)}
QUICK = {"digits": Length(200, 200, 2), "splice": Length(160, 160, 1), "a8a": Length(400, 400, 5)}
OTHER, OTHER_QUICK = Length(4000, 2000, 5), Length(1200, 600, 5)


class Setting(NamedTuple):
    """What all runs of a study share."""

    problem: dict[str, Any]
    workers: int
    rows: int
    d: int
    length: Length


def setting(request: Request) -> Setting:
    """Return the problem on the data that are asked for; ConfigError if they do not exist or fit.

    n is that of the published experiments, or at most 8 and sqrt(d).
    """
    name = request.data or str(RIDGE["data"])
    problem = RIDGE if request.data is None else {**LOGISTIC, "data": name}
    n = smoothness.workers_for(name)
    found = sources.load(name, 0)
    rows, d = found.features.shape
    classes = len(np.unique(found.labels)) if problem["id"] == "logistic" else 1
    stem = Path(name.removeprefix("libsvm:")).stem
    lengths, other = (QUICK, OTHER_QUICK) if request.quick else (FULL, OTHER)
    d = d * classes if classes > 2 else d
    return Setting(problem, n, rows // n, d, lengths.get(stem, other))


class Place(NamedTuple):
    """Where a case belongs: its group, the lines, their rate and latency; ``at`` in a sweep.

    ``asked``: whether the first seed is played by the driver that the user asks for. All others
    are played without MPI, which has the same rows and takes several times as long.
    """

    group: str
    shape: Shape
    rate: float
    latency: float
    at: float | None = None
    asked: bool = False


def case(
    method: Method, all_: Setting, place: Place, seed: int, rounds: int, captured: int = 0
) -> Case:
    """Return a run over links; compute is modelled. By MPI only if the place is ``asked`` so.

    ``captured`` is of how many rounds the frames are recorded.
    """
    seconds = method.operations(all_.rows, all_.workers, all_.d) / OPERATIONS
    run = {
        "seed": seed,
        "rounds": rounds,
        "problem": all_.problem,
        "topology": topology(place.shape, place.rate, place.latency, all_.workers),
        "algorithm": method.algorithm,
        "codecs": {"up": method.codec, "down": FLOATS},
        "network": {"clock": "virtual", "compute": {"id": "fixed", "seconds": seconds}},
        "record": {"every": all_.length.every, "frames": 2 * all_.workers * captured},
    }
    driver = None if place.asked and seed == 1 else "lockstep"
    return Case(method.series, run, place.at, place.group, driver)  # type: ignore[arg-type]
