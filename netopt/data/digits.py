"""1797 real handwritten digits of 8 x 8 pixels in ten classes, as scikit-learn ships them.

Source: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI repository, 1998
(its test part).
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from netopt.data import Data, Recipe, packaged
from netopt.data._images import Images

_WHITE = 16.0
_GZIP = 31  # how zlib calls gzip's format with the largest window


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features (1797, 64) in [0, 1], the pixel counts over 16, and labels 0..9.

    Raises ConfigError if scikit-learn is not installed.
    """
    table = _table()
    return Data(table[:, :-1] / _WHITE, table[:, -1].copy())


def images(argument: str, test: bool = False) -> Images | None:
    """Return the images, one channel of 8 x 8 pixels up to 16; there is no ``test`` part (None).

    Raises ConfigError if scikit-learn is not installed.
    """
    if test:
        return None
    numbers = _table().astype(np.uint8)
    return Images(
        numbers[:, :-1].reshape(-1, 1, 8, 8), numbers[:, -1].astype(np.int64), int(_WHITE)
    )


def _table() -> npt.NDArray[np.float64]:
    file = packaged.find("digits", "digits.csv.gz")
    if file is None:
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        return np.column_stack([pixels, labels]).astype(np.float64)
    return _numbers(zlib.decompress(file.read_bytes(), _GZIP)).reshape(-1, 65)


def _numbers(text: bytes) -> npt.NDArray[np.float64]:
    """Return the numbers 0 to 99 in text that has nothing but them and separators.

    numpy's own reader of text takes each of eight ranks 35 ms for these 117 000 numbers, this 1 ms.
    """
    code = np.frombuffer(b"\n" + text + b"\n", np.uint8) - ord("0")  # what is no digit wraps to > 9
    digit = code < 10
    last = np.flatnonzero(digit[:-1] & ~digit[1:])
    tens = code[last - 1] * digit[last - 1]
    return (10 * tens + code[last]).astype(np.float64)
