"""What some rounds have and others not, over MPI: numbers that are told, and resets that follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from .test_parity import assert_parity


def test_resets_that_the_agents_agree_on_equal_those_of_lockstep(
    run_file: Callable[[str], Path], tmp_path: Path
) -> None:
    file = run_file(
        """
rounds: 14
problem: {id: quadratic, dimension: 33}
topology: {id: star, size: 3}
algorithm: {id: compressed-sgd, I: 5, R: 0.5}
codecs: {up: topk, down: {id: raw, dtype: float32}}
record: {every: 5, frames: 20}
"""
    )
    assert_parity(file, tmp_path)
    edges = (tmp_path / "mpi" / "edges.csv").read_text().splitlines()[1:]
    resets = {int(line.split(",")[2]) - 2 * 14 for line in edges}
    assert len(resets) == 1
    assert 2 <= resets.pop() < 14
    assert json.loads((tmp_path / "mpi" / "summary.json").read_text())["rounds"] == 14
