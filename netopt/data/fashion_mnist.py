"""70 000 real images of clothes, 28 x 28 grey pixels, ten classes: drop-in files for MNIST's.

Source: H. Xiao, K. Rasul and R. Vollgraf, *Fashion-MNIST: a Novel Image Dataset for Benchmarking
Machine Learning Algorithms*, arXiv 1708.07747, 2017. Debian's package dataset-fashion-mnist has it.
"""

from __future__ import annotations

from pathlib import Path

from netopt.data import Data, Recipe, _idx
from netopt.data._images import Images, table

FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package puts the files."""
CURE = (
    "on Debian and Ubuntu: apt-get install dataset-fashion-mnist; elsewhere name the folder that "
    "has the files: fashion-mnist:FOLDER"
)


def images(argument: str, test: bool = False) -> Images:
    """Return the 60 000 training or the 10 000 ``test`` images of a folder, or of Debian's.

    Raises ConfigError for files that are missing or damaged.
    """
    return _idx.read(Path(argument) if argument else FOLDER, test, CURE)


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features (60000, 784) in [0, 1] and labels 0..9, less what ``recipe`` leaves out.

    Raises ConfigError for files that are missing or damaged.
    """
    return table(images(argument), recipe, seed)
