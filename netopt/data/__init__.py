"""Data sets know where real numbers come from: a name in, features and labels out.

One source a file, found by its name; splits.py deals rows to agents. Nothing here knows a problem
or the network. Start-up counts (64 ranks may share two cores), so a source reads plain files and
imports scikit-learn or scipy only where nothing else will do.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from netopt.errors import ConfigError
from netopt.registry import suggest

SOURCES = (
    "breast-cancer",
    "concentrated",
    "digits",
    "gaussian",
    "heavy-tailed",
    "libsvm",
    "synthetic",
)


class Recipe(NamedTuple):
    """What a source that draws its data draws: the size, and labels -1 and +1 if ``classes``.

    ``noise`` is a standard deviation in the targets, ``kappa`` the condition number of A'A/m; each
    source says whether they matter to it.
    """

    rows: int = 1000
    dimension: int = 20
    kappa: float = 10.0
    noise: float = 0.1
    classes: bool = False


class Data(NamedTuple):
    """Rows of features, each with a label.

    ``features`` is a float64 matrix, shape (m, n): a numpy array, or a scipy ``csr_array`` where a
    source says so. ``labels`` has shape (m,): float64 as the source gives them, or int64 after
    ``classify``, which also fills ``classes`` (the source's value of each class, ascending).
    """

    features: Any
    labels: npt.NDArray[Any]
    classes: tuple[float, ...] = ()


def load(name: str, seed: int, recipe: Recipe | None = None) -> Data:
    """Return the data set called ``name``: a source, or ``libsvm:PATH`` for a file of the user's.

    ``seed`` and ``recipe`` matter to the sources that draw their data only. Raises ConfigError for
    an unknown name, a missing package or file, and a file that cannot be read.
    """
    source, _, argument = name.partition(":")
    if source not in SOURCES:
        hint = suggest(source, SOURCES) or f"; choose from {', '.join(SOURCES)}"
        raise ConfigError(f"no data set is called '{name}'{hint}")
    if (source == "libsvm") != bool(argument):
        wanted = "needs the path of a file, as in 'libsvm:data/a9a'"
        said = wanted if source == "libsvm" else f"takes no argument, got '{argument}'"
        raise ConfigError(f"data '{source}' {said}")
    module = importlib.import_module(f"netopt.data.{source.replace('-', '_')}")
    data: Data = module.load(argument, seed, recipe or Recipe())
    return data


def classify(data: Data) -> Data:
    """Return ``data`` with int64 class labels: -1 and +1 for two classes, 0..c-1 for more.

    Classes are numbered in ascending order of the source's value, so {0, 1}, {1, 2} and {-1, +1}
    all become {-1, +1}. Raises ConfigError for a single class and for labels that are not integers.
    """
    odd = data.labels[data.labels != np.floor(data.labels)]
    if odd.size:
        raise ConfigError(f"labels must be whole numbers to be classes, got {float(odd[0])!r}")
    values, index = np.unique(data.labels, return_inverse=True)
    if len(values) < 2:
        got = ", ".join(f"{value:g}" for value in values) or "none"
        raise ConfigError(f"classification needs two classes or more, got {len(values)}: {got}")
    labels = 2 * index - 1 if len(values) == 2 else index
    return Data(data.features, labels.astype(np.int64), tuple(float(value) for value in values))
