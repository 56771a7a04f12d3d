"""1797 real handwritten digits of 8 x 8 pixels in ten classes, as scikit-learn ships them.

Source: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI repository, 1998
(its test part).
"""

from __future__ import annotations

import gzip

import numpy as np
import numpy.typing as npt

from netopt.data import Data, Recipe, packaged

_WHITE = 16.0


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features (1797, 64) in [0, 1], the pixel counts over 16, and labels 0..9.

    Raises ConfigError if scikit-learn is not installed.
    """
    table = _table()
    return Data(table[:, :-1] / _WHITE, table[:, -1].copy())


def _table() -> npt.NDArray[np.float64]:
    file = packaged.find("digits", "digits.csv.gz")
    if file is None:
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        return np.column_stack([pixels, labels]).astype(np.float64)
    text = gzip.decompress(file.read_bytes()).replace(b",", b" ")
    return np.fromstring(text.decode(), sep=" ").reshape(-1, 65)
