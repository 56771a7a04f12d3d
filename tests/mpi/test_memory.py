"""What a rank holds at most, the root too: some vectors, whatever the number of agents."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from netopt.bench import memory
from netopt.bench.memory_cases import Case, experiment_of
from netopt.core import packing
from netopt.errors import ConfigError

from .conftest import netopt
from .test_parity import assert_parity

D = 1_000_000
SLACK = 3e6
"""Bytes for what does not grow with d: at the root, the agents' rows of one piece take 2 MB."""
THRESHOLD = {"MALLOC_MMAP_THRESHOLD_": "262144"}
"""Lets malloc hand back what is freed, as it always does for vectors above 32 MB."""


@pytest.mark.skipif(packing.implementation != "c", reason="numpy's core allocates")
def test_every_rank_holds_at_most_eight_float32_vectors(tmp_path: Path) -> None:
    """Three of float64: x, the next x and the gradient; and 4-bit frames, two each way and edge."""
    file = tmp_path / "rows.json"
    done = netopt("bench", "memory", "--dimension", str(D), "--json", file, **THRESHOLD)
    assert done.code == 0, done.err
    rows = json.loads(file.read_text())
    assert [row["rank"] for row in rows] == [0, 1, 2, 3]
    for row in rows:
        taken = row["peak_bytes"] - row["baseline_bytes"]
        assert 3 * 8 * D < taken <= 8 * 4 * D + SLACK, row
        assert row["vectors"] == taken / (4 * D)
        assert row["held"] == (row["vectors"] <= memory.LIMIT)
    assert "limit" in done.out


def test_a_case_that_cannot_be_is_told_before_anything_starts() -> None:
    good = Case("qgd", "raw", 4, 10)
    for bad, error in [
        (good._replace(algorithm="magic"), "$.algorithm.id: no algorithm is called 'magic'"),
        (good._replace(d=1.5), "$.problem.dimension: expected int, got float; the value is 1.5"),
        (good._replace(codec=7), "$.codecs.mix: expected a codec (an id, or a mapping with 'id')"),
    ]:
        with pytest.raises(ConfigError) as caught:
            memory.measure(bad)
        assert str(caught.value).startswith(error)


def test_a_method_with_a_hub_is_measured_on_a_star() -> None:
    hub = {"id": "gd", "lr": 0.1}
    names = [experiment_of(Case(a, "raw", 4, 10)).topology.spec["id"] for a in ("qgd", hub)]
    assert names == ["ring", "star"]


def test_a_mean_in_pieces_and_an_eigenvalue_are_the_same_bits_in_lockstep(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """With agents whose spare array takes the mean; Lanczos' method runs at the root only."""
    file = run_file(
        """
rounds: 3
problem: {id: strict-saddle, dimension: 70000, spread: 10}
topology: {id: ring, size: 3}
algorithm: qgd
record: {every: 3, lambda_min: 3, frames: 1}
"""
    )
    assert_parity(file, tmp_path)
    both = [
        json.loads((tmp_path / name / "summary.json").read_text()) for name in ("mpi", "lockstep")
    ]
    assert both[0]["spectrum"] == both[1]["spectrum"]
    assert both[0]["spectrum"]["lambda_min"] == pytest.approx(-0.25, abs=1e-3)
