"""Every study in a much shortened form, in one process: figures and claims come of any run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netopt import config, engine
from netopt.reproduce import _curves, _document, _study
from netopt.reproduce._cases import Request
from netopt.reproduce.dq_gd import least_squares, momentum
from netopt.reproduce.smoothness import _methods, blocks


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Let the quick versions be quicker still: too short for most claims to hold."""
    monkeypatch.setattr(_methods, "QUICK", _methods.Length(40, 20, 2))
    monkeypatch.setattr(blocks, "SIZES", (2, 3))
    monkeypatch.setattr(blocks, "QUICK", _methods.Length(20, 10, 2))
    small = {"data": "gaussian", "rows": 40, "dimension": 16}
    monkeypatch.setattr(least_squares, "GAUSSIAN", least_squares.GAUSSIAN._replace(options=small))
    monkeypatch.setattr(least_squares, "HEAVY", least_squares.HEAVY._replace(options=small))
    monkeypatch.setattr(least_squares, "QUICK", [3.0, 4.0, 5.0, 6.0, 8.0])
    monkeypatch.setattr(least_squares, "ROUNDS", 10)
    monkeypatch.setattr(momentum, "QUICK", [2.0, 3.0, 4.0])


@pytest.fixture
def results(tmp_path):
    """Return a function that plays a study in this process and reads what came of it."""

    def played(study):
        runs = []
        for case in study.short():
            engine.lockstep(config.make(case.run), tmp_path / case.name)
            runs.append(_curves.read(case, tmp_path / case.name, study.power, study.measure))
        return _curves.Results(Request(None, True), runs)

    return played


SHORT = [name for name in _study.names() if name != "dq-gd/contraction"]


@pytest.mark.parametrize("name", SHORT)
def test_a_short_study_has_panels_claims_and_a_page(name, results):
    study = _study.find(name)
    for module in study.needs:
        pytest.importorskip(module)
    found = results(study)
    panels = study.panels(found)
    for panel in panels:
        assert panel.lines or panel.bars
        for line in panel.lines:
            assert line.x.shape == line.y.shape
            known = np.isfinite(line.y)
            assert line.low is None or (line.low[known] <= line.y[known]).all()
    claims = study.claims(found)
    rows = json.loads(json.dumps([claim.row() for claim in claims], allow_nan=False))
    assert all(isinstance(row["held"], bool) for row in rows)
    exact = [claim for claim in claims if "ledger" in claim.claim]
    assert exact
    assert all(claim.held for claim in exact), "bits are exact however short a run is"
    facts = _document.Facts(name, None, True, "lockstep", 1, 1, 1.0, "netopt")
    page = _document.page(study, found, claims, facts)
    assert _document.table(found.curves).count("\n") > len(found.curves)
    assert page.count("| held |") - 1 + page.count("| **not held** |") == len(claims)
