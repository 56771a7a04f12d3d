"""Norms in numpy: computed in blocks, with the bits of the whole and little memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from netopt.core import norms, packing
from netopt.core.norms import BLOCK, KINDS, LANES, norm

SIZES = [0, 1, LANES + 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + LANES + 3]


def vector(n):
    rng = np.random.default_rng(n)
    return rng.standard_normal(n) * 10 ** rng.uniform(-3, 3, n)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_blocks_do_not_change_a_bit(n, kind, monkeypatch):
    for x in (vector(n), vector(n).astype(np.float32)):
        whole = norm(x, kind)
        assert whole == pytest.approx(np.linalg.norm(x, {"l1": 1, "l2": 2}.get(kind, np.inf)))
        assert packing.norm(x, kind) == whole
        monkeypatch.setattr(norms, "BLOCK", 4 * LANES)
        assert norm(x, kind) == whole
        monkeypatch.setattr(norms, "BLOCK", BLOCK)


@pytest.mark.parametrize("kind", KINDS)
def test_a_coordinate_that_is_no_number_is_seen_in_any_block(kind):
    for place in (0, BLOCK, 2 * BLOCK + 1):
        x = vector(2 * BLOCK + 2)
        x[place] = np.nan
        assert np.isnan(norm(x, kind))
        x[place] = -np.inf
        assert norm(x, kind) == np.inf


@pytest.mark.parametrize("kind", KINDS)
def test_no_array_of_the_vectors_size_is_made(kind):
    x = vector(20 * BLOCK)
    tracemalloc.start()
    try:
        norm(x, kind)
        assert tracemalloc.get_traced_memory()[1] < x.nbytes / 4
    finally:
        tracemalloc.stop()
