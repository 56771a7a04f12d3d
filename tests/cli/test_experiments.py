"""Every shipped run file runs, in a shortened form."""

from __future__ import annotations

import pytest

import netopt
from netopt import resources


@pytest.mark.parametrize("name", resources.names("experiments"))
def test_every_shipped_experiment_runs(name: str) -> None:
    file = resources.folder("experiments") / f"{name}.yaml"
    result = netopt.run(file, rounds=5, **{"record.every": 5})
    assert result.summary["sent_equals_received"]
    assert result.summary["rounds"] == 5
    assert result.metrics["payload_bits"][-1] == result.edges["payload_bits"].sum() > 0
