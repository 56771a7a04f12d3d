"""60 000 real colour photographs of 32 x 32 pixels in ten classes, from files that the user has.

Source: A. Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, 2009, in its binary
format: records of a label and 3 x 1024 pixels, red, green and blue, row by row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from netopt.data import Data, Recipe
from netopt.data._images import Images, Pixels, table
from netopt.errors import ConfigError

RECORD = 1 + 3 * 32 * 32
CLASSES = 10


def images(argument: str, test: bool = False) -> Images:
    """Return the photographs of a folder's data_batch_*.bin, or of its ``test_batch.bin``.

    Raises ConfigError if there is no such file, or one that is not made of whole records.
    """
    folder, wanted = Path(argument), "test_batch.bin" if test else "data_batch_*.bin"
    files = sorted(folder.glob(wanted))
    if not files:
        raise ConfigError(
            f"there is no {wanted} in '{folder}'; unpack the binary version of CIFAR-10 there"
        )
    records = np.concatenate([_records(file) for file in files])
    return Images(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64))


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features (m, 3072) in [0, 1] and labels 0..9, less what ``recipe`` leaves out.

    Raises ConfigError if there is no such file, or one that is not made of whole records.
    """
    return table(images(argument), recipe, seed)


def _records(file: Path) -> Pixels:
    try:
        content = np.fromfile(file, np.uint8)
    except OSError as error:
        raise ConfigError(f"'{file}' cannot be read: {error}") from error
    if not content.size or content.size % RECORD:
        raise ConfigError(
            f"'{file}' has {content.size} bytes, which are not records of {RECORD} bytes; "
            "it is cut short or not CIFAR-10's binary version"
        )
    records = content.reshape(-1, RECORD)
    worst = int(records[:, 0].max())
    if worst >= CLASSES:
        raise ConfigError(
            f"'{file}' is not CIFAR-10: label 0 to {CLASSES - 1} expected, got {worst}"
        )
    return records
