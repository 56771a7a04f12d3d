"""569 real tumours, 30 measurements each, malignant or benign, as scikit-learn ships them.

Source: W. Wolberg, O. Mangasarian, N. Street and W. Street, *Breast Cancer Wisconsin (Diagnostic)*,
UCI repository, 1995.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netopt.data import Data, Recipe, packaged


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return features (569, 30), each column with mean 0 and variance 1, and labels 0 and 1.

    0 is malignant, 1 benign. The raw columns differ by factors up to 10^5, so every column is
    standardised, over all rows. Raises ConfigError if scikit-learn is not installed.
    """
    table = _table()
    features = table[:, :-1]
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    return Data(np.ascontiguousarray(features), table[:, -1].copy())


def _table() -> npt.NDArray[np.float64]:
    file = packaged.find("breast-cancer", "breast_cancer.csv")
    if file is None:
        from sklearn.datasets import load_breast_cancer

        features, labels = load_breast_cancer(return_X_y=True)
        return np.column_stack([features, labels]).astype(np.float64)
    rows = file.read_text(encoding="utf-8").split("\n", 1)[1]
    return np.fromstring(rows.replace(",", " "), sep=" ").reshape(-1, 31)
