"""Scalings know how rows are scaled before anybody sees them; sparse rows stay sparse."""

from __future__ import annotations

from typing import Any

import numpy as np


def row_max(features: Any) -> Any:
    """Return ``features``, dense or CSR, shape (m, n), each row over its largest absolute entry.

    Rows of zeros stay. Source: the preprocessing of Wang, Safaryan and Richtarik, NeurIPS 2022.
    """
    if isinstance(features, np.ndarray):
        largest = np.abs(features).max(axis=1, initial=0.0)
        return features / np.where(largest > 0, largest, 1.0)[:, np.newaxis]
    from scipy.sparse import csr_array

    row = np.repeat(np.arange(features.shape[0]), np.diff(features.indptr))
    largest = np.zeros(features.shape[0])
    np.maximum.at(largest, row, np.abs(features.data))
    scaled = features.data / np.where(largest > 0, largest, 1.0)[row]
    return csr_array((scaled, features.indices, features.indptr), shape=features.shape)
