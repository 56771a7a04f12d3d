"""What the studies over real images share: which images, how many, and what a model takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netopt.data import IMAGES
from netopt.errors import ConfigError
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._study import shortened

FLOATS = {"id": "raw", "dtype": "float32"}
MNIST = "mnist"
SMALL = "digits"
"""The images of a test-sized run, which need no package of their own."""


def data(request: Request) -> str:
    """Return the data set that is asked for, or MNIST; ConfigError for one without images."""
    name = request.data or MNIST
    if name.partition(":")[0] not in IMAGES:
        raise ConfigError(
            f"this study needs images, not '{name}'; give --data {', '.join(IMAGES[1:])} or "
            "cifar10:FOLDER"
        )
    return name


def star(
    problem: Mapping[str, Any], algorithm: Mapping[str, Any], codecs: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Return the run file of eight workers and a hub."""
    graph = {"id": "star", "size": 9}
    return {"problem": problem, "topology": graph, "algorithm": algorithm, "codecs": codecs, **more}


def short(cases: list[Case], problem: Mapping[str, Any], rounds: int) -> list[Case]:
    """Return a few rounds on small images, with ``problem``'s options and no eigenvalues."""
    small = {"data": SMALL, "rows": 200, "batch": 2, "evaluate": 100, **problem}
    found = []
    for case in cases:
        record = {"every": 1, "lambda_min": 0}  # for small problems it is not off by default
        run = {**case.run, "problem": {**case.run["problem"], **small}, "record": record}
        found.append(shortened(case._replace(run=run), rounds))
    return found
