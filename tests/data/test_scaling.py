"""Scaling against a loop over rows; sparse rows stay as sparse as they were."""

import numpy as np
import pytest

from netopt.data.scaling import row_max


def table(seed=0):
    rng = np.random.default_rng(seed)
    rows = np.where(rng.random((30, 11)) < 0.3, rng.standard_normal((30, 11)), 0.0)
    rows[4] = 0.0
    rows[5, 3] = -100.0
    return rows


def test_every_row_is_divided_by_its_largest_entry():
    rows = table()
    kept = rows.copy()
    scaled = row_max(rows)
    for got, row in zip(scaled, rows, strict=True):
        largest = max(abs(value) for value in row)
        assert got.tolist() == [value / largest if largest else 0.0 for value in row]
    assert scaled[5, 3] == -1.0
    assert np.array_equal(rows, kept)


def test_sparse_rows_stay_sparse_and_give_the_dense_values(monkeypatch):
    from scipy.sparse import csr_array

    rows = csr_array(table())
    wanted = row_max(rows.toarray())
    monkeypatch.setattr(csr_array, "todense", None)
    scaled = row_max(rows)
    assert type(scaled) is csr_array
    assert np.array_equal(scaled.indices, rows.indices)
    monkeypatch.undo()
    assert np.array_equal(scaled.toarray(), wanted)
    assert np.array_equal(rows.toarray(), table())


@pytest.mark.parametrize("shape", [(3, 0), (0, 3)])
def test_nothing_to_scale(shape):
    from scipy.sparse import csr_array

    assert row_max(np.zeros(shape)).shape == shape
    assert row_max(csr_array(shape)).shape == shape
