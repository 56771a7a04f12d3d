"""Both implementations of the core: every test that takes ``core`` runs on each."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest


@pytest.fixture(scope="session", params=["c", "numpy"])
def core(request: pytest.FixtureRequest) -> ModuleType:
    """Return the module under test, C extension or numpy reference."""
    if request.param == "c":
        return pytest.importorskip("netopt.core._bitpack", exc_type=ImportError)
    return importlib.import_module("netopt.core.reference")
