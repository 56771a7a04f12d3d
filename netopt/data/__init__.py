"""Data sets know where real numbers come from: a name in, features and labels out.

One source a file, found by its name; splits.py deals rows to agents. Nothing here knows a problem
or the network. Start-up counts (64 ranks may share two cores), so a source reads plain files and
imports scikit-learn or scipy only where nothing else will do.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.registry import suggest

if TYPE_CHECKING:
    from netopt.data._images import Images

SOURCES = (
    "breast-cancer",
    "cifar10",
    "concentrated",
    "digits",
    "fashion-mnist",
    "gaussian",
    "heavy-tailed",
    "libsvm",
    "mnist",
    "synthetic",
)
PLACES = {"libsvm": "a file, as in 'libsvm:data/a9a'", "cifar10": "a folder, as in 'cifar10:data'"}
"""The sources that cannot do without a path, and what the path is of."""
AT_HOME = ("fashion-mnist", "mnist")
"""The sources that have a place of their own, and take a folder instead of it."""
IMAGES = ("cifar10", "digits", "fashion-mnist", "mnist")
"""The sources of images."""
_THIN = 8


class Recipe(NamedTuple):
    """What a source that draws its data draws: the size, and labels -1 and +1 if ``classes``.

    ``noise`` is a standard deviation in the targets, ``kappa`` the condition number of A'A/m; each
    source says whether they matter to it. ``most`` is how many rows of other sources are kept;
    None: all.
    """

    rows: int = 1000
    dimension: int = 20
    kappa: float = 10.0
    noise: float = 0.1
    classes: bool = False
    most: int | None = None


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

    ``seed`` and ``recipe`` say what is drawn, or which rows of real data are kept. Of images the
    training part is given. Raises ConfigError for an unknown name, a missing package or file, and
    a file that cannot be read.
    """
    module, argument = _source(name)
    data: Data = module.load(argument, seed, recipe or Recipe())
    if recipe is None or recipe.most is None or recipe.most >= len(data.labels):
        return data
    kept = thin(len(data.labels), recipe.most, seed)
    return data._replace(features=data.features[kept], labels=data.labels[kept])


def thin(rows: int, most: int | None, seed: int) -> npt.NDArray[np.int64]:
    """Return ``most`` of the row numbers below ``rows``, ascending, or all; ``seed`` draws them."""
    if most is None or most >= rows:
        return np.arange(rows)
    drawn = Key(seed, Purpose.DATA, part=_THIN).generator().choice(rows, most, replace=False)
    return np.sort(drawn)


def _source(name: str) -> tuple[Any, str]:
    """Return the module of a data set and what stands behind its colon; ConfigError if unknown."""
    source, _, argument = name.partition(":")
    if source not in SOURCES:
        hint = suggest(source, SOURCES) or f"; choose from {', '.join(SOURCES)}"
        raise ConfigError(f"no data set is called '{name}'{hint}")
    if source in PLACES and not argument:
        raise ConfigError(f"data '{source}' needs the path of {PLACES[source]}")
    if argument and source not in (*PLACES, *AT_HOME):
        raise ConfigError(f"data '{source}' takes no argument, got '{argument}'")
    return importlib.import_module(f"netopt.data.{source.replace('-', '_')}"), argument


def images(name: str, test: bool = False) -> Images | None:
    """Return the images of a data set, training or ``test`` part; None if it has no test part.

    Raises ConfigError as ``load``, and for data that are no images.
    """
    module, argument = _source(name)
    if not hasattr(module, "images"):
        raise ConfigError(f"data '{name}' are no images; choose from {', '.join(IMAGES)}")
    found: Images | None = module.images(argument, test)
    return found


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
